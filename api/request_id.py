"""Every request has an id, in its answer, its problems and the log; nothing escapes without it."""

import re
import secrets

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import unexpected

HEADER = "X-Request-ID"

# A client's own id is taken when it can stand in a log line and a header as it is.
_SANE = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_ID_BYTES = 12


class RequestId:
    """The outermost part of the service: names the request and answers for what went wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request_id = _id_of(request)
        request.state.request_id = request_id
        started = False

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, named)
        except ClientDisconnect:
            return  # nobody is left to answer
        except Exception as error:
            answer = unexpected(request, error)
            if started:
                raise  # half an answer is out: the server has to break the connection off
            await answer(scope, receive, named)


def _id_of(request: Request) -> str:
    given = request.headers.get(HEADER, "")
    return given if _SANE.fullmatch(given) else secrets.token_hex(_ID_BYTES)
