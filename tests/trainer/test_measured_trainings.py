"""A training is measured as it goes, also from where another attempt left it, and never notices."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.lifecycle import StopReason
from models.measurements import Measurement
from models.trial import TrialSpec
from store.formats.builtin import write_bundled
from tests.trainer.trials import trial
from tests.trainer.wires import Heard
from worker.messages import (
    Checkpointed,
    CheckpointFile,
    Checkpointing,
    Epochs,
    Finished,
    Measurements,
    Pulse,
    StopCause,
    Train,
)
from worker.trainer import measure
from worker.trainer.hooks import Hooks
from worker.trainer.loop import Position
from worker.trainer.measure import Measuring
from worker.trainer.programs import Programs
from worker.trainer.trial import attempt
from worker.trainer.wire import Interrupted

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def _plan(folder: Path, spec: TrialSpec, found: tuple[CheckpointFile, ...] = ()) -> Train:
    return Train(
        trial=spec,
        profile=write_bundled("digits", folder),
        folder=str(folder),
        network=str(folder / "network.keras"),
        checkpointing=Checkpointing(folder=str(folder), seconds=0, found=found),
    )


def _trained(plan: Train, programs: Programs | None = None) -> tuple[Finished, Heard]:
    wire = Heard()
    ended = attempt(plan, wire, programs or Programs())
    assert isinstance(ended, Finished), ended
    return ended, wire


def _measured(wire: Heard) -> list[Measurement]:
    return [row for each in wire.reports if isinstance(each, Measurements) for row in each.rows]


DIGITS: list[dict[str, Any]] = [
    {"layer": "GaussianNoise", "stddev": 0.1},
    {"layer": "Dense", "units": 16, "activation": "relu", "activity_regularizer": "l2"},
    {"layer": "BatchNormalization"},
    {"layer": "Dropout", "rate": 0.3},
    {"layer": "Dense", "units": 10, "activation": "softmax"},
]


# With layers that draw, XLA takes half a minute to compile, and `auto` does not choose it.
@pytest.mark.parametrize(("xla", "layers"), [(False, DIGITS), (True, [DIGITS[1], DIGITS[-1]])])
def test_a_training_is_the_same_to_the_last_bit_whether_it_is_measured_or_not(
    tmp_path: Path, layers: list[dict[str, Any]], *, xla: bool
) -> None:
    spec = trial(
        layers=layers, fit={"epochs": 4}, compile={"jit_compile": xla, "metrics": ["accuracy"]}
    )
    silent = spec.model_copy(update={"health": spec.health.model_copy(update={"measure": False})})
    programs = Programs()

    ended, wire = _trained(_plan(tmp_path, spec), programs)
    again, unmeasured = _trained(_plan(tmp_path, silent), programs)
    alone, _ = _trained(_plan(tmp_path, silent))

    assert [each.epoch for each in _measured(wire)] in ([0, 1, 4], [0, 1, 3, 4], [0, 1, 2, 3, 4])
    assert _measured(unmeasured) == []
    assert wire.metrics() == unmeasured.metrics()
    assert ended.row_losses == again.row_losses == alone.row_losses


def test_a_measurement_follows_its_epoch_and_the_last_is_of_the_weights_before_the_best_return(
    tmp_path: Path,
) -> None:
    spec = trial(
        layers=[{"layer": "Dense", "units": 16, "activation": "relu"}, DIGITS[-1]],
        fit={"epochs": 30, "early_stopping": {"patience": 2}},
        compile={"optimizer": {"optimizer": "Adam", "learning_rate": 0.3}},
    )

    ended, wire = _trained(_plan(tmp_path, spec))

    assert ended.stop_reason is StopReason.EARLY_STOPPED
    known = 0
    for report in wire.reports:
        if isinstance(report, Epochs):
            known = report.rows[-1].epoch
        if isinstance(report, Measurements):
            assert report.rows[0].epoch == known
    last, losses = _measured(wire)[-1], [row["val_loss"] for row in wire.metrics()]
    assert last.epoch == known == len(losses)
    assert last.since_best is not None
    assert last.since_best.rows == 540
    assert [each.lack_of_fit is None for each in _measured(wire)] == [
        each is not last for each in _measured(wire)
    ]
    if last.since_best.since > 0:
        difference = losses[-1] - losses[last.since_best.since - 1]
        assert last.since_best.mean == pytest.approx(difference, rel=1e-3)


def test_after_a_resume_it_is_measured_as_if_nothing_had_happened(tmp_path: Path) -> None:
    spec = trial(layers=DIGITS, fit={"epochs": 20, "early_stopping": None})
    _, whole = _trained(_plan(tmp_path, spec))
    first = next(each.file for each in whole.reports if isinstance(each, Checkpointed))

    _, rest = _trained(_plan(tmp_path, spec, (first,)))

    later = [each for each in _measured(whole) if each.epoch > first.epoch]
    assert len(later) > 1
    assert _measured(rest) == later


class _Unable(Measuring):
    """For want of memory, say."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def begin(self, between: Callable[[], None]) -> Measurement:
        """Fail."""
        del between
        raise self._error

    def epoch_ended(
        self, epoch: int, *, last: bool, between: Callable[[], None]
    ) -> Measurement | None:
        """It is not asked again."""
        del epoch, last, between
        raise AssertionError


def test_a_training_goes_on_that_cannot_be_measured() -> None:
    wire = Heard()
    hooks = Hooks(wire, None, _Unable(MemoryError()))

    hooks.begin(1.0)
    hooks.before_epoch()
    hooks.after_epoch(Position(epoch=1))

    assert [each for each in wire.reports if not isinstance(each, Pulse)] == []


def test_a_training_goes_on_without_room_for_its_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(seed: int, rows: int, count: int) -> None:
        raise MemoryError(seed, rows, count)

    monkeypatch.setattr(measure, "probe", no_room)
    spec = trial(layers=DIGITS, fit={"epochs": 2})

    _, wire = _trained(_plan(tmp_path, spec))

    assert (len(wire.metrics()), _measured(wire)) == (2, [])


def test_a_stop_while_it_is_measured_stops_the_training() -> None:
    hooks = Hooks(Heard(), None, _Unable(Interrupted(StopCause.CANCEL)))

    with pytest.raises(Interrupted):
        hooks.begin(1.0)
