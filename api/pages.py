"""The parameters that every list shares."""

from typing import Annotated

from fastapi import Query

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

Limit = Annotated[
    int, Query(ge=1, le=MAX_LIMIT, description="How many to return at most.", examples=[20])
]
Cursor = Annotated[
    str | None,
    Query(max_length=200, description="`next_cursor` of the page before; the first when absent."),
]
