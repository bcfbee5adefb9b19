"""The one map from errors to HTTP: RFC 9457 problem documents, their status and their headers.

Nothing below the API knows of HTTP, and no other module of the API chooses a status for an error.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.validation import body_issues, parameter_issue
from models import errors
from models.errors import EpochdError, Issue
from models.views.base import Problem, ProblemIssue
from store.artifacts import is_full

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of answer to a request; its page is at /problems/{code}, where `type` leads.

    Attributes:
        code: stable, machine readable; the same word as in the class of the error.
        title: the same for every problem of this kind.
        retry_after: seconds after which asking again can help; None when it cannot.
    """

    code: str
    status: int
    title: str
    retry_after: int | None = None


def _kind(error: type[EpochdError], status: int, title: str, retry: int | None = None) -> Kind:
    return Kind(error.code, status, title, retry)


UNEXPECTED = _kind(EpochdError, 500, "The service failed")
_BAD_PARAMETER = Kind("invalid_parameter", 422, "A parameter of the request is wrong")

# A subclass that is not listed is answered like the nearest of its bases.
_BY_ERROR: Mapping[type[EpochdError], Kind] = {
    EpochdError: UNEXPECTED,
    errors.Malformed: _kind(errors.Malformed, 400, "The request cannot be read"),
    errors.Invalid: _kind(errors.Invalid, 422, "The spec cannot be carried out"),
    errors.BadCursor: _BAD_PARAMETER,
    errors.NotFound: _kind(errors.NotFound, 404, "Not found"),
    errors.NothingToRepair: _kind(errors.NothingToRepair, 404, "There is nothing to repair"),
    errors.IllegalMove: _kind(errors.IllegalMove, 409, "Not possible in this state"),
    errors.DatasetProcessing: _kind(
        errors.DatasetProcessing, 409, "The dataset is still being read", 1
    ),
    errors.DatasetFailed: _kind(errors.DatasetFailed, 409, "The dataset could not be read"),
    errors.DatasetInUse: _kind(errors.DatasetInUse, 409, "The dataset is in use"),
    errors.KeyReused: _kind(errors.KeyReused, 422, "The Idempotency-Key belongs to another body"),
    errors.TooLarge: _kind(errors.TooLarge, 413, "Too large"),
    errors.UnknownFormat: _kind(errors.UnknownFormat, 415, "Unknown format"),
    errors.Unreadable: _kind(errors.Unreadable, 422, "The file is no readable dataset"),
    errors.Busy: _kind(errors.Busy, 429, "Too much is waiting already", 5),
    errors.StorageFull: _kind(errors.StorageFull, 507, "No room is left", 60),
    errors.Unavailable: _kind(errors.Unavailable, 503, "Not available at the moment", 2),
    errors.DatasetUnavailable: _kind(
        errors.DatasetUnavailable, 503, "The dataset cannot be downloaded at the moment", 60
    ),
    errors.ArtifactsUnavailable: _kind(
        errors.ArtifactsUnavailable, 503, "The store of files is not available at the moment", 10
    ),
    errors.ArtifactMissing: _kind(errors.ArtifactMissing, 500, "A stored file is missing"),
}

_BY_STATUS: Mapping[int, Kind] = {
    400: _BY_ERROR[errors.Malformed],
    404: _BY_ERROR[errors.NotFound],
    405: Kind("method_not_allowed", 405, "This method is not for this address"),
    413: _BY_ERROR[errors.TooLarge],
}

KINDS: Mapping[str, Kind] = {
    kind.code: kind for kind in (*_BY_ERROR.values(), *_BY_STATUS.values())
}


def install(app: FastAPI) -> None:
    """Answer every error that a route raises with a problem document."""
    app.add_exception_handler(EpochdError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)


def documented(*raised: type[EpochdError]) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for a route that can raise these, besides what every route can."""
    kinds: dict[int, list[Kind]] = {}
    always: tuple[type[EpochdError], ...] = (errors.Malformed,)
    for error in always + raised:
        kinds.setdefault(_of(error).status, []).append(_of(error))
    kinds.setdefault(_BAD_PARAMETER.status, []).append(_BAD_PARAMETER)
    kinds.setdefault(503, []).append(_of(errors.Unavailable))
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": "; ".join(f"{kind.title} (`{kind.code}`)" for kind in of_status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status, of_status in sorted(kinds.items())
    }


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to an error that nobody foresaw: what it was stands in the log alone."""
    _log.error(
        "request %s: %s %s failed",
        request.state.request_id,
        request.method,
        request.url.path,
        exc_info=error,
    )
    return _response(
        request,
        _of(type(error)) if isinstance(error, EpochdError) else UNEXPECTED,
        "The service failed to handle this request. Its log says more under the request_id.",
    )


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EpochdError)  # noqa: S101 - registered for this class
    kind = _of(type(error))
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return unexpected(request, error)
    issues = error.issues if isinstance(error, errors.Invalid) else ()
    return _response(request, kind, error.detail, issues)


async def _answer_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    reported = error.errors()
    if any(one["loc"][0] == "path" for one in reported):
        # Whatever this address may name, it is nothing that exists.
        return _response(request, _BY_ERROR[errors.NotFound], errors.NotFound().detail)
    # A body is JSON or a form, whose parts are named like parameters.
    in_body = [one for one in reported if isinstance(error.body, dict) and one["loc"][0] == "body"]
    parameters = [parameter_issue(one) for one in reported if one not in in_body]
    found = body_issues(in_body, error.body, _body_of(request)) if in_body else ()
    issues = (*parameters, *found)
    kind = _BAD_PARAMETER if parameters else _BY_ERROR[errors.Invalid]
    return _response(request, kind, _summary(issues), issues)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    # FastAPI takes whatever happens while a body is read for a fault of the body.
    if isinstance(error.__cause__, OSError) and is_full(error.__cause__):
        return await _answer_error(request, errors.StorageFull())
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        phrase = HTTPStatus(error.status_code).phrase
        kind = Kind(phrase.lower().replace(" ", "_"), error.status_code, phrase)
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        detail = f"{kind.title}: {request.method} {request.url.path}"
    headers = error.headers
    if kind.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods(request))}
    return _response(request, kind, detail, headers=headers)


def _body_of(request: Request) -> type[BaseModel]:
    """What the address reads its JSON body as."""
    model: type[BaseModel] = request.scope["route"].body_field.field_info.annotation
    return model


def _methods(request: Request) -> Iterator[str]:
    """The methods of this address; Starlette names those of the first route that has it."""
    for method in HTTPMethod:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield method


def _of(error: type[EpochdError]) -> Kind:
    return next(_BY_ERROR[base] for base in error.__mro__ if base in _BY_ERROR)


def _summary(issues: Sequence[Issue]) -> str:
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return f"{first.pointer or 'The body'}: {first.message}{more}"


def _response(
    request: Request,
    kind: Kind,
    detail: str,
    issues: Iterable[Issue] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = Problem(
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=request.url.path,
        code=kind.code,
        request_id=request.state.request_id,
        errors=tuple(
            ProblemIssue(
                pointer=issue.pointer,
                code=issue.code,
                message=issue.message,
                allowed=issue.allowed,
            )
            for issue in issues
        ),
    )
    wait = {} if kind.retry_after is None else {"Retry-After": str(kind.retry_after)}
    return Response(
        problem.model_dump_json(),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), **wait, "Cache-Control": "no-store"},
    )
