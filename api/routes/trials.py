"""The trials of an experiment, their epochs and their health, and cancelling one."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import problems, trial_health
from api.addresses import LARGEST_NUMBER, ExperimentId, Number
from api.answers import Answer
from api.identity import Owner
from api.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Limit
from api.parts import Service
from api.waiting import Seen, Wait, enough
from models import errors
from models.views.base import Page
from models.views.health import TrialHealth
from models.views.trial import EpochPage, TrialView
from store import epochs, experiments, trainings, trials
from store.doorbell import Task

router = APIRouter(prefix="/experiments/{experiment_id}/trials", tags=["trials"])


@router.get("", summary="List trials", responses=problems.documented(errors.NotFound))
def list_trials(
    service: Service,
    owner: Owner,
    experiment_id: ExperimentId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[TrialView]:
    """By number."""
    with service.database.snapshot() as tx:
        return trials.page(tx, owner=owner, experiment_id=experiment_id, cursor=cursor, limit=limit)


@router.get("/{number}", summary="One trial", responses=problems.documented(errors.NotFound))
def show(service: Service, owner: Owner, experiment_id: ExperimentId, number: Number) -> TrialView:
    """Its setting, its state, its best and its newest epoch, its attempts and findings."""
    with service.database.snapshot() as tx:
        return trials.get(tx, owner=owner, experiment_id=experiment_id, number=number)


@router.get(
    "/{number}/epochs",
    summary="The epochs of a trial",
    response_model=EpochPage,
    responses=problems.documented(errors.NotFound),
)
async def list_epochs(
    *,
    service: Service,
    owner: Owner,
    experiment_id: ExperimentId,
    number: Number,
    after: Annotated[
        int, Query(ge=0, le=LARGEST_NUMBER, description="Only epochs after this one.")
    ] = 0,
    limit: Limit = MAX_LIMIT,
    wait: Wait = 0,
) -> Response:
    """Every epoch's metrics, oldest first.

    With `wait` an empty page is held back until an epoch is there or the trial is over. Poll with
    `after` set to the last epoch you have, until `is_terminal` comes with `has_more: false`.
    """

    def read() -> Seen[Answer]:
        with service.database.snapshot() as tx:
            version = experiments.version(tx, owner=owner, experiment_id=experiment_id)

            def page() -> Answer:
                found = epochs.after(
                    tx,
                    owner=owner,
                    experiment_id=experiment_id,
                    number=number,
                    after=after,
                    limit=limit,
                )
                enough = bool(found.data) or found.is_terminal
                return Answer(found.model_dump_json().encode(), enough)

            answer = service.epochs.get((experiment_id, version, number, after, limit), page)
        return Seen(answer, version, answer.enough)

    answer = await enough(service.experiments, experiment_id, read, wait)
    return Response(answer.body, media_type="application/json")


@router.get(
    "/{number}/health",
    summary="The health of a trial",
    responses=problems.documented(errors.NotFound),
)
def show_health(
    service: Service, owner: Owner, experiment_id: ExperimentId, number: Number
) -> TrialHealth:
    """What was measured of it, layer by layer and made for plots, and what every rule came to.

    A trial that is not over is judged by what is there so far. Where `health.measure` is false, and
    in trials of earlier versions, the series are empty, and the curves alone are judged.
    """
    with service.database.snapshot() as tx:
        training = trainings.get(tx, owner=owner, experiment_id=experiment_id, number=number)
    return trial_health.view(experiment_id, training)


@router.post(
    "/{number}/cancel",
    status_code=202,
    summary="Cancel one trial",
    responses=problems.documented(errors.NotFound, errors.IllegalMove),
)
def cancel(
    service: Service, owner: Owner, experiment_id: ExperimentId, number: Number
) -> TrialView:
    """A queued one is over at once, a running one within seconds. Its siblings go on."""
    with service.database.transaction() as tx:
        view = trials.cancel(tx, owner=owner, experiment_id=experiment_id, number=number)
    service.doorbell.ring_control(Task.ADVANCE, experiment_id)
    return view
