"""What the `type` of a problem refers to: a page that says what this kind of problem is."""

from fastapi import APIRouter

from api import problems
from models.errors import NotFound
from models.views.base import View

router = APIRouter(tags=["problems"])


class ProblemKind(View):
    """A kind of problem."""

    type: str
    code: str
    status: int
    title: str
    retry_after: int | None
    """Seconds after which asking again can help."""


@router.get("/problems", summary="Every kind of problem")
async def list_problems() -> tuple[ProblemKind, ...]:
    """All codes that a problem document of this service can carry."""
    return tuple(_view(kind) for kind in problems.KINDS.values())


@router.get(
    "/problems/{code}",
    summary="One kind of problem",
    responses=problems.documented(NotFound),
)
async def show_problem(code: str) -> ProblemKind:
    """Where the `type` of a problem document leads."""
    if code not in problems.KINDS:
        raise NotFound(f"No problem of this service has the code {code}.")
    return _view(problems.KINDS[code])


def _view(kind: problems.Kind) -> ProblemKind:
    return ProblemKind(
        type=kind.type,
        code=kind.code,
        status=kind.status,
        title=kind.title,
        retry_after=kind.retry_after,
    )
