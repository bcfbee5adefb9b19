"""Refuses a body that is too large before it has been read, its length announced or not.

Starlette has such a middleware, but its answer is plain text, not a problem document.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What a client that was refused may still send before the connection is closed on it.
LINGER_BYTES = 1024 * 1024
LINGER_SECONDS = 0.5


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
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        waits_for_us = "expect" in headers
        received = int(announced) if announced.isdecimal() and int(announced) > limit else 0

        async def counted() -> Message:
            nonlocal received
            # A client that waits for "100 Continue" is refused before it has sent a byte: the
            # server sends that line when the body is first asked for.
            if received > limit:
                if not waits_for_us:
                    await _linger(receive)
                raise _too_large(limit)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                if message.get("more_body", False):
                    await _linger(receive)
                raise _too_large(limit)
            return message

        await self._app(scope, counted, send)


async def _linger(receive: Receive) -> None:
    """Take what is on its way: closing on unread bytes can cost the client the answer."""
    taken = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while taken < LINGER_BYTES:
                message = await receive()
                taken += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _too_large(limit: int) -> HTTPException:
    # FastAPI turns any other exception from reading a body into a 400. The connection has to be
    # closed: what the client still sends would be taken for its next request.
    return HTTPException(
        status_code=413,
        detail=f"The body is larger than the {limit:,} bytes that this address takes.",
        headers={"Connection": "close"},
    )
