"""Experiments: submitted, listed, watched, cancelled, deleted."""

import hashlib
import json
import re
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from api import etag, problems, submission
from api.addresses import ExperimentId
from api.examples import SPECS
from api.identity import Owner
from api.pages import DEFAULT_LIMIT, Cursor, Limit
from api.parts import Service
from api.strict_json import StrictJsonRoute
from api.waiting import Seen, Wait, enough
from models import errors
from models.lifecycle import State
from models.specs.change import ExperimentChange
from models.specs.experiment import ExperimentSpec
from models.views.base import Page
from models.views.experiment import ExperimentView, Plan
from store import experiments
from store.doorbell import Task

router = APIRouter(prefix="/experiments", tags=["experiments"], route_class=StrictJsonRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description=(
            "Any text of yours for this one request. Sent again with the same body within 24 hours "
            "it gives the first answer again and starts nothing."
        ),
    ),
]
_LABEL = re.compile(r"^[A-Za-z0-9_.\-/]{1,63}=[^\x00]{0,200}$")


def _label(text: str) -> str:
    if _LABEL.fullmatch(text) is None:
        raise PydanticCustomError("wrong_pattern", "Give a label as name=value, as in team=risk.")
    return text


Label = Annotated[
    str,
    AfterValidator(_label),
    WithJsonSchema({"type": "string", "pattern": _LABEL.pattern, "examples": ["team=risk"]}),
]


async def _body_sha256(request: Request) -> str:
    """The same for bodies that say the same, however their fields are ordered and spaced."""
    document = json.dumps(await request.json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(document.encode()).hexdigest()


@router.post(
    "",
    status_code=202,
    summary="Submit an experiment",
    response_model=ExperimentView,
    response_description="Accepted and stored; `Location` leads to it.",
    responses={
        200: {"model": Plan, "description": "With `dry_run`: what would be started."},
        **problems.documented(
            errors.Invalid,
            errors.DatasetProcessing,
            errors.DatasetFailed,
            errors.KeyReused,
            errors.TooLarge,
            errors.UnknownFormat,
            errors.StorageFull,
        ),
    },
)
def submit(
    service: Service,
    owner: Owner,
    spec: Annotated[ExperimentSpec, Body(openapi_examples=SPECS)],
    sha256: Annotated[str, Depends(_body_sha256)],
    key: IdempotencyKey = None,
    *,
    dry_run: Annotated[bool, Query(description="Check and plan only; store nothing.")] = False,
) -> Response:
    """Checks the spec against its data, then stores the experiment with its trials, queued.

    Everything that can be known before training is checked here: a mistake is a 422 whose `errors`
    point at the place in the spec and say what would be right.
    """
    if dry_run:
        plan = submission.dry_run(service, owner=owner, spec=spec)
        return Response(plan.model_dump_json(), media_type="application/json")
    request = submission.Request(owner=owner, spec=spec, key=key, sha256=sha256)
    answer = submission.submit(service, request)
    headers = {"Location": f"/experiments/{answer.experiment_id}"}
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return JSONResponse(dict(answer.body), status_code=202, headers=headers)


@router.get("", summary="List experiments", responses=problems.documented(errors.Invalid))
def list_experiments(
    *,
    service: Service,
    owner: Owner,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    label: Annotated[
        list[Label],
        Query(
            max_length=16,
            description="Only those with this label, `team=risk`; all of them when repeated.",
        ),
    ] = [],  # noqa: B006 - FastAPI reads the default and never changes it
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[ExperimentView]:
    """The newest first."""
    labels = dict(one.split("=", 1) for one in label)
    with service.database.snapshot() as tx:
        return experiments.page(
            tx, owner=owner, state=state, labels=labels, cursor=cursor, limit=limit
        )


@router.get(
    "/{experiment_id}",
    summary="An experiment as it stands",
    response_model=ExperimentView,
    responses={304: {"description": "As you have it."}, **problems.documented(errors.NotFound)},
)
async def show(
    service: Service,
    owner: Owner,
    experiment_id: ExperimentId,
    wait: Wait = 0,
    if_none_match: etag.IfNoneMatch = None,
) -> Response:
    """State, progress, the best trial so far and, at the end, the conclusion.

    With `wait` the answer comes when something has changed: since the version in `If-None-Match`,
    or since now without it. It comes at once when the experiment is over.
    """
    first: list[str] = []

    def read() -> Seen[ExperimentView]:
        with service.database.snapshot() as tx:
            view = experiments.get(tx, owner=owner, experiment_id=experiment_id)
        tag = etag.of_version(view.version)
        first.append(tag)
        known = if_none_match or first[0]
        return Seen(view, view.version, view.is_terminal or not etag.matches(tag, known))

    view = await enough(service.experiments, experiment_id, read, wait)
    tag = etag.of_version(view.version)
    if etag.matches(tag, if_none_match):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(view.model_dump_json(), media_type="application/json", headers={"ETag": tag})


@router.post(
    "/{experiment_id}/cancel",
    status_code=202,
    summary="Cancel an experiment",
    responses=problems.documented(errors.NotFound, errors.IllegalMove),
)
def cancel(service: Service, owner: Owner, experiment_id: ExperimentId) -> ExperimentView:
    """What is queued is cancelled at once, what is running within seconds. Again is the same."""
    with service.database.transaction() as tx:
        view = experiments.cancel(tx, owner=owner, experiment_id=experiment_id)
    service.doorbell.ring_control(Task.ADVANCE, experiment_id)
    return view


@router.patch(
    "/{experiment_id}",
    summary="Change how many trials train at once",
    response_model=ExperimentView,
    responses=problems.documented(
        errors.NotFound,
        errors.IllegalMove,
        errors.Invalid,
        errors.TooLarge,
        errors.UnknownFormat,
        errors.StorageFull,
    ),
)
def change(
    service: Service, owner: Owner, experiment_id: ExperimentId, change: ExperimentChange
) -> Response:
    """`{"limits": {"max_parallel": 8}}`, and nothing else: the rest is what trials were trained by.

    It counts from the next trial that starts. When it is lowered, those that run are left to end.
    """
    max_parallel = change.limits.max_parallel
    with service.database.transaction() as tx:
        view = experiments.set_max_parallel(
            tx, owner=owner, experiment_id=experiment_id, max_parallel=max_parallel
        )
    # A search may propose more now, and a control worker rings for all that can start.
    service.doorbell.ring_control(Task.ADVANCE, experiment_id)
    headers = {"ETag": etag.of_version(view.version)}
    return Response(view.model_dump_json(), media_type="application/json", headers=headers)


@router.delete(
    "/{experiment_id}",
    status_code=204,
    summary="Delete an experiment that is over",
    responses=problems.documented(errors.NotFound, errors.IllegalMove),
)
def delete(service: Service, owner: Owner, experiment_id: ExperimentId) -> None:
    """Removes it with its trials, epochs, events and networks."""
    with service.database.transaction() as tx:
        folder = experiments.delete(tx, owner=owner, experiment_id=experiment_id)
    with suppress(errors.ArtifactsUnavailable):  # then they are collected, as all that nobody names
        service.artifacts.delete(folder)
