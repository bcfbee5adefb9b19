"""Who is asking: everything that a client reaches belongs to the owner that is named here."""

from typing import Annotated

from fastapi import Depends

LOCAL = "local"


async def owner() -> str:
    """The owner of whatever this request makes or sees; there is one until keys come."""
    return LOCAL


Owner = Annotated[str, Depends(owner)]
