"""What the `type` of a problem refers to: a page that says what this kind of problem is."""

from fastapi import APIRouter

from api import problems
from models import failures
from models.errors import NotFound
from models.views.base import View

router = APIRouter(tags=["problems"])


class ProblemKind(View):
    """A kind of problem."""

    type: str
    code: str
    status: int | None
    """Of the answer that carries it; null for what is only stored, as the error of a trial."""
    title: str
    retry_after: int | None
    """Seconds after which asking again can help."""


@router.get("/problems", summary="Every kind of problem")
async def list_problems() -> tuple[ProblemKind, ...]:
    """All codes that a problem document of this service can carry."""
    return tuple(_PAGES.values())


@router.get(
    "/problems/{code}",
    summary="One kind of problem",
    responses=problems.documented(NotFound),
)
async def show_problem(code: str) -> ProblemKind:
    """Where the `type` of a problem document leads."""
    if code not in _PAGES:
        raise NotFound(f"No problem of this service has the code {code}.")
    return _PAGES[code]


def _page(
    code: str, title: str, status: int | None = None, retry_after: int | None = None
) -> ProblemKind:
    return ProblemKind(
        type=f"/problems/{code}", code=code, status=status, title=title, retry_after=retry_after
    )


_PAGES = {code: _page(code, title) for code, title in failures.TITLES.items()} | {
    kind.code: _page(kind.code, kind.title, kind.status, kind.retry_after)
    for kind in problems.KINDS.values()
}
