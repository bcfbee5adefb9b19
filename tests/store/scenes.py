"""Small experiments on one small dataset, submitted and claimed in a line each."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import data_meaning
from models.errors import LeaseLost
from models.findings import Finding
from models.lifecycle import State
from models.planning import PlannedTrial
from models.profile import ArrayProfile, ValueCount
from models.resolve import complete
from models.specs.experiment import Device, ExperimentSpec
from models.trial import Proposal
from models.views.experiment import ExperimentView
from models.views.trial import TrialView
from store import datasets, epochs, experiments, ingest, leases, trials
from store.claims import Claim
from store.database import Database
from store.epochs import EpochRecord
from store.fence import Lease
from store.leases import Order
from store.outcomes import Outcome

OWNER = "local"
PROFILE = ArrayProfile(
    rows=100,
    x_shape=(64,),
    x_dtype="float32",
    y_shape=(),
    y_dtype="int64",
    y_integral=True,
    classes=(ValueCount(value="0", rows=50), ValueCount(value="1", rows=50)),
)


def spec_of(**limits: object) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "name": "which learning rate?",
            "data": {"dataset": "builtin:digits"},
            "network": {"layers": [{"layer": "Dense", "units": 4, "activation": "relu"}]},
            "limits": limits,
        }
    )


RESOLVED = complete(spec_of(), data_meaning.facts(PROFILE, spec_of().data))


def planned(count: int = 1, epochs: int = 20) -> list[PlannedTrial]:
    return [
        PlannedTrial(
            proposal=Proposal(
                candidate=number,
                repeat=0,
                seed=7,
                setting={"learning_rate": 0.1 / (number + 1)},
                changes={"compile.optimizer.learning_rate": 0.1 / (number + 1)},
                reason="The spec lists it.",
            ),
            epochs=epochs,
            outcome=RESOLVED,
        )
        for number in range(count)
    ]


def epoch(number: int, val_loss: float = 1.0, **metrics: float) -> EpochRecord:
    return EpochRecord(
        epoch=number, metrics={"val_loss": val_loss, **metrics}, learning_rate=0.1, seconds=0.5
    )


def beat(tx: Session, lease: Lease, seconds: float = 30.0) -> Order:
    """What the heart of a process does, for one lease.

    Raises:
        LeaseLost: it was not renewed, and nobody orders anything.
    """
    renewed = leases.renew(tx, [lease], seconds)
    orders = leases.orders(tx, [lease])
    assert set(renewed) == set(orders)
    if lease not in orders:
        raise LeaseLost
    return orders[lease]


class Scene:
    """One database, one owner, one dataset."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dataset_id = ""

    def add_dataset(self, *, ready: bool = True, owner: str = OWNER, sha256: str = "0" * 64) -> str:
        with self.database.transaction() as tx:
            view, _ = datasets.upload(
                tx, owner=owner, name="digits.npz", sha256=sha256, size=10, key=f"uploads/{sha256}"
            )
            if ready:
                claim = ingest.claim(tx, view.id, "control", 30)
                assert claim is not None
                ingest.ready(tx, claim, profile=PROFILE, folder=f"datasets/{sha256}/1")
        self.dataset_id = view.id
        return view.id

    def submit(
        self,
        count: int = 1,
        *,
        owner: str = OWNER,
        labels: dict[str, str] | None = None,
        warnings: Sequence[Finding] = (),
        **limits: object,
    ) -> str:
        spec = spec_of(**limits).model_copy(update={"labels": labels or {}})
        with self.database.transaction() as tx:
            view = experiments.submit(
                tx,
                owner=owner,
                spec=spec,
                dataset_id=self.dataset_id,
                trials=planned(count),
                warnings=warnings,
            )
        return view.id

    def claim(
        self, worker: str = "worker", device: Device = Device.CPU, seconds: float = 30.0
    ) -> Claim | None:
        with self.database.transaction() as tx:
            return leases.claim(tx, worker=worker, device=device, lease_seconds=seconds)

    def must_claim(self, worker: str = "worker", seconds: float = 30.0) -> Lease:
        claim = self.claim(worker, seconds=seconds)
        assert claim is not None
        return claim.lease

    def append(self, lease: Lease, *rows: EpochRecord) -> None:
        with self.database.transaction() as tx:
            epochs.append(tx, lease, rows)

    def finish(self, lease: Lease, outcome: Outcome) -> State:
        with self.database.transaction() as tx:
            return leases.finish(tx, lease, outcome)

    def experiment(self, experiment_id: str) -> ExperimentView:
        with self.database.snapshot() as tx:
            return experiments.get(tx, owner=OWNER, experiment_id=experiment_id)

    def trial(self, experiment_id: str, number: int = 1) -> TrialView:
        with self.database.snapshot() as tx:
            return trials.get(tx, owner=OWNER, experiment_id=experiment_id, number=number)
