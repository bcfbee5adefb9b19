"""What the rooms say to each other about trials: proposed by a search, trained by a worker, judged.

A proposal carries `changes`, a map of dotted spec paths to values; applied to the experiment's spec
they give the spec of that one trial. So the spec is stored once and every trial stays small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import JsonValue

from models.lifecycle import State, StopReason
from models.specs.base import Spec
from models.specs.compile import CompileSpec
from models.specs.data import DataSpec
from models.specs.experiment import ExperimentSpec
from models.specs.fit import FitSpec
from models.specs.health import HealthSpec
from models.specs.network import NetworkSpec

if TYPE_CHECKING:  # the API imports this module, and starts without NumPy
    import numpy as np
    from numpy.typing import NDArray

# Losses of single rows that are kept of a trial, 64 KiB: the standard error of a paired difference
# is below a hundredth of the rows' own spread by then.
MAX_ROW_LOSSES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A trial that a search wants.

    Attributes:
        candidate: which setting, from 0; repeats of one setting share it.
        repeat: from 0.
        seed: of validation rows, batch order and initial weights.
        setting: what differs from its siblings, for people.
        changes: dotted spec path -> JSON value, for `changed`.
        reason: why it is proposed, in words.
    """

    candidate: int
    repeat: int
    seed: int
    setting: Mapping[str, JsonValue]
    changes: Mapping[str, JsonValue]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What a search sees of a trial: all that is needed to rank it or to propose the next.

    Attributes:
        seed: of its repeat; trials of one repeat share it.
        changes: as they were proposed.
        metric: the monitored metric; None until an epoch was trained.
        score: best finite value of it; None without one, and for a diverged trial.
        best_epoch: the epoch of the score, from 1.
        epochs: trained so far.
        seconds: training time so far.
        error_code: of the problem of a failed trial.
        validation_rows: by which the network that is handed out was judged; None without one.
        row_losses: the loss of each validation row by the network that is handed out, (rows,), the
            first MAX_ROW_LOSSES of them, in the same order for all trials of one repeat. None for a
            trial without such a network or without validation rows, and where nobody loaded them.
    """

    number: int
    candidate: int
    repeat: int
    seed: int
    setting: Mapping[str, JsonValue]
    changes: Mapping[str, JsonValue]
    state: State
    stop_reason: StopReason | None
    metric: str | None
    score: float | None
    best_epoch: int | None
    epochs: int
    parameters: int
    seconds: float
    error_code: str | None = None
    validation_rows: int | None = None
    row_losses: "NDArray[np.float32] | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTrial:
    """A trial that is over, by itself: to be held against one of another experiment.

    Attributes:
        spec: of this trial alone.
        result: what it came to, with its row losses.
        codes: of what was found in it.
    """

    spec: ExperimentSpec
    result: TrialResult
    codes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a trial had come to by a certain epoch.

    Attributes:
        number, candidate, repeat: which trial it is.
        stop_reason: how it has ended by now; None while it trains.
        epochs: of which this is; fewer than asked for, where it ended before.
        best: the best finite value of the monitored metric in these epochs.
        mean: of all its finite values in them.
    """

    number: int
    candidate: int
    repeat: int
    stop_reason: StopReason | None
    epochs: int
    best: float
    mean: float


class TrialSpec(Spec):
    """One training with nothing left open: what a trainer is given."""

    data: DataSpec
    network: NetworkSpec
    """With its output layer: `output` is "given"."""
    compile: CompileSpec
    """With its loss: never "auto"."""
    fit: FitSpec
    seed: int
    """Of validation rows, batch order, initial weights and random layers."""
    health: HealthSpec = HealthSpec()


def changed(spec: ExperimentSpec, changes: Mapping[str, JsonValue]) -> ExperimentSpec:
    """The spec with each dotted path set to its value, without its search.

    Raises:
        AttributeError, LookupError, TypeError: a path leads through something that is not there.
        pydantic.ValidationError: a value is not allowed where it is put.
    """
    fields = {name: getattr(spec, name) for name in spec.model_fields_set - {"search"}}
    for path, value in changes.items():
        head, *rest = path.split(".")
        fields[head] = _with(fields.get(head, getattr(spec, head)), rest, value)
    return ExperimentSpec.model_validate(fields)


def _with(place: object, path: Sequence[str], value: JsonValue) -> object:
    """A copy of a part of a spec with the value at a path below it."""
    if not path:
        return value
    head, *rest = path
    if isinstance(place, tuple):
        index = int(head)
        return (*place[:index], _with(place[index], rest, value), *place[index + 1 :])
    if not isinstance(place, Spec):
        raise TypeError(f"there is no part {head!r} in {place!r}")
    fields = {name: getattr(place, name) for name in place.model_fields_set}
    return type(place).model_validate(fields | {head: _with(getattr(place, head), rest, value)})
