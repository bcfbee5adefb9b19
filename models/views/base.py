"""What every view has in common: it is what the API answers, and nothing else."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, model_validator

Item = TypeVar("Item")


def _rfc3339(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.000Z."""


class View(BaseModel):
    """A frozen answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Page(View, Generic[Item]):
    """One page of a list."""

    data: tuple[Item, ...]
    has_more: bool
    next_cursor: str | None
    """Pass it as `cursor` (or `after`) to get what follows; null at the end."""


class ProblemIssue(View):
    """One thing wrong, and where."""

    pointer: str
    code: str
    message: str
    allowed: tuple[str, ...] = ()


class Problem(View):
    """What went wrong, as RFC 9457 has it; the answer to a bad request and the error of a trial."""

    type: str = "about:blank"
    title: str
    status: int | None = None
    detail: str
    instance: str | None = None
    code: str
    request_id: str | None = None
    errors: tuple[ProblemIssue, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _typed_by_its_code(cls, fields: Any) -> Any:
        """What RFC 9457 identifies the kind by: the path of its page, wherever the service is."""
        if isinstance(fields, dict) and "code" in fields:
            return {"type": f"/problems/{fields['code']}"} | fields
        return fields
