"""What POST /experiments does: check, store, remember the answer, and only then ring.

The transaction ends before anything is answered, so a 202 is never a promise that was not kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from api import planning
from api.parts import Parts
from api.sources import Placed, Source, source_of
from models.specs.data import DataSpec
from models.specs.experiment import ExperimentSpec
from models.views.experiment import Plan
from store import experiments, failpoints, idempotency, origins
from store.doorbell import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One POST.

    Attributes:
        key: the Idempotency-Key, if any.
        sha256: of the body; a key goes with one body.
    """

    owner: str
    spec: ExperimentSpec
    key: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The experiment as it was when it was accepted.

    Attributes:
        replayed: it is the answer to an earlier request with the same Idempotency-Key.
    """

    experiment_id: str
    body: Mapping[str, JsonValue]
    replayed: bool


def dry_run(parts: Parts, *, owner: str, spec: ExperimentSpec) -> Plan:
    """What a POST of this spec would start.

    Raises:
        Invalid, DatasetProcessing, DatasetFailed: as a POST would.
    """
    with source_of(
        spec.data, owner=owner, database=parts.database, artifacts=parts.artifacts
    ) as source:
        plan = planning.plan(spec, source.profile)
    if spec.derived_from is not None:
        with parts.database.snapshot() as tx:
            origins.check(tx, owner=owner, origin=spec.derived_from)
    return planning.view(plan)


def submit(parts: Parts, request: Request) -> Answer:
    """Store an experiment with its first trials and wake the workers.

    Raises:
        Invalid: the spec cannot be carried out.
        DatasetProcessing, DatasetFailed: its dataset is not ready, or never will be.
        KeyReused: its Idempotency-Key came with another body before.
    """
    try:
        return _replayed(parts, request) or _stored(parts, request)
    except idempotency.KeyTaken:
        # The same request came twice at once and the other one won; nothing of ours was kept.
        return _replayed(parts, request) or _stored(parts, request)


def _replayed(parts: Parts, request: Request) -> Answer | None:
    if request.key is None:
        return None
    with parts.database.snapshot() as tx:
        body = idempotency.replay(
            tx, owner=request.owner, key=request.key, request_sha256=request.sha256
        )
    return None if body is None else Answer(str(body["id"]), body, replayed=True)


def _stored(parts: Parts, request: Request) -> Answer:
    spec, owner = request.spec, request.owner
    with source_of(
        spec.data, owner=owner, database=parts.database, artifacts=parts.artifacts
    ) as source:
        planned = planning.plan(spec, source.profile)
        placed, answer = _commit(parts, request, source, planned)
    failpoints.reach(failpoints.Place.SUBMITTED)
    if placed.unread:
        parts.doorbell.ring_control(Task.INGEST, placed.dataset_id)
    count = min(planned.to_train, spec.limits.max_parallel)
    parts.doorbell.ring_train(spec.limits.device, count)
    return answer


def _commit(
    parts: Parts, request: Request, source: Source, planned: planning.Planned
) -> tuple[Placed, Answer]:
    spec = planned.spec
    with parts.database.transaction() as tx:
        if spec.derived_from is not None:
            origins.check(tx, owner=request.owner, origin=spec.derived_from)
        placed = source.place(tx, request.owner)
        view = experiments.submit(
            tx,
            owner=request.owner,
            spec=_on_dataset(spec, placed.dataset_id),
            dataset_id=placed.dataset_id,
            trials=planned.trials,
            warnings=planned.warnings,
        )
        body = view.model_dump(mode="json")
        if request.key is not None:
            idempotency.remember(
                tx,
                owner=request.owner,
                key=request.key,
                request_sha256=request.sha256,
                experiment_id=view.id,
                answer=body,
            )
    return placed, Answer(view.id, body, replayed=False)


def _on_dataset(spec: ExperimentSpec, dataset_id: str) -> ExperimentSpec:
    """The spec on a dataset: rows in a request are kept once, as a dataset, not in every view."""
    if spec.data.inline is None:
        return spec
    given = spec.data.model_dump(exclude={"inline"}, exclude_unset=True)
    return spec.model_copy(update={"data": DataSpec(**{**given, "dataset": dataset_id})})
