"""The loss of each validation row is what Keras's own loss is the mean of."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.lifecycle import StopReason
from models.profile import DatasetProfile
from models.specs.compile import Precision
from models.trial import MAX_ROW_LOSSES, TrialSpec
from store.formats.builtin import write_bundled
from store.formats.folder import write_arrays
from store.formats.npz import Arrays
from tests.trainer.menagerie.few import FEW
from tests.trainer.menagerie.members import Member
from tests.trainer.trials import trial
from tests.trainer.wires import Heard
from worker.messages import Checkpointed, Checkpointing, Finished, RowLosses, Train
from worker.trainer import row_losses
from worker.trainer.data import prepare
from worker.trainer.inputs import ArrayInputs, fit_scaling
from worker.trainer.labels import Target
from worker.trainer.mapped import MappedRows
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.programs import Programs
from worker.trainer.rows import HeldRows
from worker.trainer.trial import attempt

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SOFTMAX = {"layer": "Dense", "units": 10, "activation": "softmax"}
RANDOM_LAYERS: list[dict[str, Any]] = [
    {"layer": "GaussianNoise", "stddev": 0.5},
    {"layer": "Dense", "units": 16, "activation": "relu"},
    {"layer": "BatchNormalization"},
    {"layer": "Dropout", "rate": 0.4},
    SOFTMAX,
]


def values(found: RowLosses | None) -> NDArray[np.float32]:
    assert found is not None
    return np.frombuffer(found.values, dtype="<f4")


def nothing() -> None:
    """Nobody wants it to stop."""


@pytest.mark.parametrize("member", FEW, ids=lambda member: member.name)
def test_their_mean_is_the_loss_that_evaluate_reports_less_what_regularizers_add(
    member: Member,
) -> None:
    rows = member.data().validation or member.data().training
    network = build(member.spec.network.layers, member.shape, member.spec.seed)
    compile_network(network, member.spec.compile)

    found = values(row_losses.of_network(network, member.spec.compile.loss, rows, nothing))

    x, y, *_ = rows.take(slice(None))
    # Eager, for the sake of time: a graph for each would have to be traced.
    output = network(x, training=False)
    whole = float(network.compute_loss(x, y, output)) - float(sum(network.losses))
    assert found.shape == (len(rows),)
    assert float(found.mean()) == pytest.approx(whole, rel=1e-5, abs=1e-6)
    if len(set(map(bytes, x))) > 1:
        alone = float(network.compute_loss(x[3:4], y[3:4], network(x[3:4], training=False)))
        assert found[3] == pytest.approx(alone - float(sum(network.losses)), rel=1e-4, abs=1e-5)


def test_an_output_of_several_axes_counts_as_the_mean_over_its_places() -> None:
    network = keras.Sequential([keras.layers.Input((4, 3)), keras.layers.Dense(2)])
    chance = np.random.default_rng(1)
    rows = HeldRows(x=chance.normal(size=(9, 4, 3)), y=chance.normal(size=(9, 4, 2)))
    spec = trial(loss="MeanSquaredError").compile.loss
    found = values(row_losses.of_network(network, spec, rows, nothing))
    squares = (np.asarray(network(rows.x)) - rows.y) ** 2
    assert found == pytest.approx(squares.mean(axis=(1, 2)), rel=1e-5)


def trained(
    spec: TrialSpec, folder: Path, profile: DatasetProfile, programs: Programs | None = None
) -> tuple[Finished, Heard]:
    wire = Heard()
    plan = Train(trial=spec, profile=profile, folder=str(folder), network=f"{folder}/n.keras")
    ended = attempt(plan, wire, programs or Programs())
    assert isinstance(ended, Finished), ended
    return ended, wire


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_they_are_those_of_the_file_that_is_handed_out(
    tmp_path: Path, precision: Precision
) -> None:
    profile = write_bundled("digits", tmp_path)
    spec = trial(
        layers=RANDOM_LAYERS,
        compile={
            "precision": precision,
            "optimizer": {"optimizer": "Adam", "learning_rate": 0.3},
        },
        fit={"epochs": 8, "early_stopping": {"patience": 3, "restore_best_weights": True}},
    )
    ended, wire = trained(spec, tmp_path, profile)

    found = values(ended.row_losses)
    history = [row["val_loss"] for row in wire.metrics()]
    assert min(history) < history[-1] * 0.99, "the best epoch should not be the last"
    within = 1e-4 if precision == "float32" else 0.05
    assert float(found.mean()) == pytest.approx(min(history), rel=within)

    prepared = prepare(tmp_path, profile, spec)
    raw = np.load(tmp_path / "x.npy")
    loaded = keras.saving.load_model(tmp_path / "n.keras", compile=False)
    chosen = prepared.validation_rows
    _, codes = prepared.validation.take(slice(None))
    probabilities = np.asarray(loaded(raw[chosen], training=False))[np.arange(len(codes)), codes]
    assert np.exp(-found) == pytest.approx(probabilities, rel=1e-3, abs=1e-6)


def test_a_resumed_training_ends_with_the_same(tmp_path: Path) -> None:
    profile = write_bundled("digits", tmp_path)
    spec = trial(layers=RANDOM_LAYERS, fit={"epochs": 4})
    programs = Programs()

    def run(*found: Any) -> tuple[Finished, Heard]:
        wire = Heard()
        plan = Train(
            trial=spec,
            profile=profile,
            folder=str(tmp_path),
            network=f"{tmp_path}/n.keras",
            checkpointing=Checkpointing(folder=str(tmp_path), seconds=0, found=found),
        )
        ended = attempt(plan, wire, programs)
        assert isinstance(ended, Finished), ended
        return ended, wire

    whole, wire = run()
    first = next(each.file for each in wire.reports if isinstance(each, Checkpointed))
    rest, _ = run(first)
    assert rest.row_losses == whole.row_losses
    assert whole.row_losses is not None


def test_there_are_none_without_validation_rows(tmp_path: Path) -> None:
    profile = write_bundled("digits", tmp_path)
    spec = trial(layers=[SOFTMAX], fit={"epochs": 1, "validation_split": 0})
    assert trained(spec, tmp_path, profile)[0].row_losses is None


def test_there_are_none_of_a_training_that_diverged(tmp_path: Path) -> None:
    profile = write_bundled("digits", tmp_path)
    spec = trial(
        layers=[{"layer": "Dense", "units": 10}, {"layer": "Dense", "units": 1}],
        loss="MeanSquaredError",
        data={"task": "regression"},
        compile={"optimizer": {"optimizer": "SGD", "learning_rate": 1000}},
        fit={"epochs": 3, "early_stopping": None},
    )
    ended, _ = trained(spec, tmp_path, profile)
    assert ended.stop_reason is StopReason.DIVERGED
    assert ended.row_losses is None


def test_only_the_first_of_very_many_rows_are_kept(tmp_path: Path) -> None:
    count = MAX_ROW_LOSSES + 1000
    chance = np.random.default_rng(2)
    x = chance.normal(size=(2 * count, 2)).astype("float32")
    profile = write_arrays(Arrays(x, (x[:, 0] > 0).astype("int64")), tmp_path)
    spec = trial(
        layers=[{"layer": "Dense", "units": 2, "activation": "softmax"}],
        fit={"epochs": 1, "validation_split": 0.5, "batch_size": 512},
    )
    ended, _ = trained(spec, tmp_path, profile)

    assert ended.row_losses is not None
    assert ended.row_losses.rows == count
    assert values(ended.row_losses).shape == (MAX_ROW_LOSSES,)


def test_rows_in_a_file_cost_batch_by_batch_what_the_same_rows_cost_in_memory_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = np.random.default_rng(4)
    x = chance.integers(0, 255, (50, 8), dtype=np.uint8)
    inputs = ArrayInputs((8,), fit_scaling(x, "byte", None))
    numbers = np.flatnonzero(chance.random(50) < 0.6)
    target = Target.of_classes(chance.integers(0, 3, 50), ("a", "b", "c"))
    spec = trial(layers=[{"layer": "Dense", "units": 3, "activation": "softmax"}])
    mapped = MappedRows(
        x=x, numbers=numbers, inputs=inputs, shape=(8,), target=target, encoding="sparse"
    )
    held = HeldRows(x=inputs(x[numbers]), y=target.encoded(numbers, "sparse"))
    network = build(spec.network.layers, (8,), 1)

    with monkeypatch.context() as patched:
        patched.setattr(row_losses, "BATCH_ROWS", 7)
        of_file = row_losses.of_network(network, spec.compile.loss, mapped, nothing)
    of_memory = row_losses.of_network(network, spec.compile.loss, held, nothing)

    assert values(of_file) == pytest.approx(values(of_memory), rel=1e-5)


class Enough(Exception):
    """Somebody wants it to stop."""


def test_it_can_be_stopped_between_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_losses, "BATCH_ROWS", 10)
    left = iter(range(3))

    def between() -> None:
        if next(left, None) is None:
            raise Enough

    rows = HeldRows(x=np.zeros((100, 2), "float32"), y=np.zeros(100, "int64"))
    spec = trial()
    network = build(spec.network.layers, (2,), 1)
    with pytest.raises(Enough):
        row_losses.of_network(network, spec.compile.loss, rows, between)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_report_with_another_number_of_losses_than_rows_is_none(count: int) -> None:
    with pytest.raises(ValueError, match="one loss a row"):
        RowLosses(rows=3, values=b"\0" * 4 * count)
    assert RowLosses(rows=3, values=b"\0" * 12).rows == 3
