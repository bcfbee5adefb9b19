"""Refuses a body that is too large before it has been read, its length announced or not.

Starlette has such a middleware, but its answer is plain text, not a problem document.
"""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Counts the bytes of every request body.

    Args:
        app: what to guard.
        limit: bytes a body may have.
        elsewhere: (method, path) -> bytes, where another limit holds.
    """

    def __init__(self, app: ASGIApp, limit: int, elsewhere: Mapping[tuple[str, str], int]) -> None:
        self._app = app
        self._limit = limit
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with a `receive` that stops at the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = self._elsewhere.get((scope["method"], path), self._limit)
        announced = Headers(scope=scope).get("content-length", "")
        received = int(announced) if announced.isdecimal() and int(announced) > limit else 0

        async def counted() -> Message:
            nonlocal received
            # A client that waits for "100 Continue" is refused before it has sent a byte: the
            # server sends that line when the body is first asked for.
            if received > limit:
                raise _too_large(limit)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, counted, send)


def _too_large(limit: int) -> HTTPException:
    # FastAPI turns any other exception from reading a body into a 400. The connection has to be
    # closed: what the client still sends would be taken for its next request.
    return HTTPException(
        status_code=413,
        detail=f"The body is larger than the {limit:,} bytes that this address takes.",
        headers={"Connection": "close"},
    )
