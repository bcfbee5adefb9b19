"""What an experiment showed and what it made: comparison, history, networks, what to try next."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from api import etag, next_spec, problems
from api.addresses import LARGEST_NUMBER, ExperimentId, Number
from api.identity import Owner
from api.pages import DEFAULT_LIMIT, Limit
from api.parts import Parts, Service
from models import errors
from models.specs.experiment import ExperimentSpec
from models.views.base import Page
from models.views.comparison import Comparison
from models.views.experiment import EventView
from search.comparison import compare
from search.paired import overlap_of
from search.ties import contenders
from store import events, experiments, history, row_losses, searches, trials
from store.artifacts import Stored

router = APIRouter(prefix="/experiments/{experiment_id}", tags=["results"])

# Browsers and curl -OJ keep the name's ending with this type; .keras has no registered one.
KERAS_MEDIA_TYPE = "application/octet-stream"

_NETWORK_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A .keras file, which plain Keras loads.",
        "content": {KERAS_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "As you have it."},
    **problems.documented(errors.NotFound),
}


@router.get(
    "/comparison",
    summary="The settings side by side",
    responses=problems.documented(errors.NotFound),
)
def show_comparison(service: Service, owner: Owner, experiment_id: ExperimentId) -> Comparison:
    """Every setting with its curves, aligned by epoch and averaged over repeats, best first.

    Each is held against the best by the losses of the validation rows that both were judged by.
    """
    with service.database.snapshot() as tx:
        by = experiments.judged_by(tx, owner=owner, experiment_id=experiment_id)
        overlap = _overlap(tx, experiment_id)
        results = history.results(tx, experiment_id)
        best = contenders(results, by.mode)
        results = row_losses.attached(tx, experiment_id, results, best)
        curves = history.curves(tx, experiment_id)
    return compare(results, curves, judged=by, overlap=overlap)


def _overlap(tx: Session, experiment_id: str) -> float:
    """The share of validation rows that two repeats have in common.

    All of them, which is the most cautious, where another version's spec cannot be read.
    """
    try:
        return overlap_of(searches.spec_of(tx, experiment_id).fit)
    except ValidationError:
        return 1.0


@router.get(
    "/next",
    summary="The spec that repairs what was found",
    responses=problems.documented(errors.NotFound, errors.NothingToRepair, errors.IllegalMove),
)
def show_next(
    *,
    service: Service,
    owner: Owner,
    experiment_id: ExperimentId,
    trial: Annotated[
        int | None,
        Query(ge=1, le=LARGEST_NUMBER, description="Repair what was found in this trial."),
    ] = None,
    finding: Annotated[
        str | None,
        Query(
            max_length=60,
            pattern=r"^[a-z_]+$",
            description="Repair a finding with this code.",
            examples=["dead_neurons"],
        ),
    ] = None,
) -> ExperimentSpec:
    """The whole spec, ready to POST: the one of this experiment with the patch of a finding in it.

    The winner's most telling finding is repaired: a cause before its consequences, a problem before
    a warning; where no network won, that of the first trial that has one. `trial` and `finding`
    choose another. What did not help in the experiments that this one is derived from is left out,
    unless `finding` asks for it.
    After a repair that made it worse, the experiment before it is repaired instead, for the finding
    that comes next there.
    `derived_from` in the spec says which it is, and the conclusion of the new experiment whether
    that helped.
    """
    with service.database.snapshot() as tx:
        return next_spec.repaired(
            tx, owner=owner, experiment_id=experiment_id, trial=trial, code=finding
        )


@router.get("/events", summary="What happened", responses=problems.documented(errors.NotFound))
def list_events(
    service: Service,
    owner: Owner,
    experiment_id: ExperimentId,
    cursor: Annotated[
        int,
        Query(ge=0, le=LARGEST_NUMBER, description="Only events after the one of this number."),
    ] = 0,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[EventView]:
    """The numbered facts of the experiment's history, oldest first."""
    with service.database.snapshot() as tx:
        return events.after(tx, owner=owner, experiment_id=experiment_id, after=cursor, limit=limit)


@router.get(
    "/network",
    summary="The winner's network",
    response_class=FileResponse,
    responses=_NETWORK_RESPONSES,
)
def download_winner(
    service: Service,
    owner: Owner,
    experiment_id: ExperimentId,
    if_none_match: etag.IfNoneMatch = None,
) -> Response:
    """The trained network of the best trial, its preprocessing inside: it predicts on raw rows."""
    with service.database.snapshot() as tx:
        view = experiments.get(tx, owner=owner, experiment_id=experiment_id)
        if view.conclusion is None or view.conclusion.winner is None:
            raise errors.NotFound(
                "The experiment has no winner."
                if view.is_terminal
                else "The experiment is not over, so it has no winner yet."
            )
        number = view.conclusion.winner.trial
        stored = trials.network(tx, owner=owner, experiment_id=experiment_id, number=number)
    return _file(service, stored, f"{experiment_id}.keras", if_none_match)


@router.get(
    "/trials/{number}/network",
    summary="A trial's network",
    response_class=FileResponse,
    responses=_NETWORK_RESPONSES,
)
def download(
    service: Service,
    owner: Owner,
    experiment_id: ExperimentId,
    number: Number,
    if_none_match: etag.IfNoneMatch = None,
) -> Response:
    """The trained network of any trial that succeeded."""
    with service.database.snapshot() as tx:
        stored = trials.network(tx, owner=owner, experiment_id=experiment_id, number=number)
    return _file(service, stored, f"{experiment_id}-{number}.keras", if_none_match)


def _file(service: Parts, stored: Stored, name: str, if_none_match: str | None) -> Response:
    tag = etag.of_content(stored.sha256)
    if etag.matches(tag, if_none_match):
        return Response(status_code=304, headers={"ETag": tag})
    path = service.artifacts.local(stored.key, stored.sha256)
    return FileResponse(path, media_type=KERAS_MEDIA_TYPE, filename=name, headers={"ETag": tag})
