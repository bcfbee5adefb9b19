"""What is done to a clean setting, and by which findings that is rightly named.

The names were written down before the first run. A finding names a fault where its explanation is
the fault's, not where it is a symptom that anything may have: a rate that is too high kills ReLU
units, but whoever is told of dead units only has not been told of the rate.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from benchmarks.health.rows import Kind, Part
from benchmarks.health.settings import SETTINGS, Spec

SIGMOID_LAYERS = 10
SIGMOID_UNITS = 32
# A batch may not be larger than the rows there are.
FEW_BATCH = 8
SHORT_EPOCHS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault.

    Attributes:
        codes: of the findings that name it.
        put: a clean spec with the fault in it, in place.
        suits: whether a clean spec can have it.
        rows: on what is left of a draw, where it is the rows that are at fault.
        of: the targets that it can be put into.
        alike: whether each class counts alike in what is better, however many rows it has.
        undo: what takes it away on the same rows, where the clean setting on all rows would have
            more that helps; None where the clean one is without it.
        added: whether it came later than the first eight, for which the aims were set, since none
            of them provokes its finding.
    """

    codes: frozenset[str]
    put: Callable[[Spec], None] = lambda _: None
    suits: Callable[[Spec], bool] = lambda _: True
    rows: Part = "whole"
    of: frozenset[Kind] = frozenset({"classes", "numbers"})
    alike: bool = False
    undo: Callable[[Spec], None] | None = None
    added: bool = False

    def spec(self, clean: Spec) -> Spec:
        """A copy of the clean one with the fault in it."""
        faulty = deepcopy(clean)
        self.put(faulty)
        return faulty

    def without(self, clean: Spec) -> Spec:
        """The setting that is trained to see what the fault costs."""
        undone = deepcopy(clean)
        if self.undo is not None:
            self.undo(undone)
        return undone


def _rate(times: float) -> Callable[[Spec], None]:
    def put(spec: Spec) -> None:
        spec["compile"]["optimizer"]["learning_rate"] *= times

    return put


def _buried(spec: Spec) -> None:
    for layer in _hidden(spec):
        layer["bias_initializer"] = {"initializer": "Constant", "value": -10.0}


def _sigmoids(spec: Spec) -> None:
    layer = {"layer": "Dense", "units": SIGMOID_UNITS, "activation": "sigmoid"}
    spec["network"]["layers"] = [dict(layer) for _ in range(SIGMOID_LAYERS)]


def _wild(spec: Spec) -> None:
    for layer in _hidden(spec):
        layer["kernel_initializer"] = {"initializer": "RandomNormal", "stddev": 10.0}


def _unscaled(spec: Spec) -> None:
    spec["data"]["scaling"] = "none"


def _unattended(spec: Spec) -> None:
    """Trained to the end, since with best weights handed out too few rows do no more harm."""
    spec["fit"] |= {"early_stopping": None, "batch_size": FEW_BATCH}


def _narrow(spec: Spec) -> None:
    _hidden(spec)[0]["units"] = 1


def _short(spec: Spec) -> None:
    spec["fit"] |= {"epochs": SHORT_EPOCHS, "early_stopping": None}


def _linear(spec: Spec) -> None:
    """Nothing but the output layer, which is enough where the relation is a straight one."""
    spec["network"]["layers"] = []


def _balanced(spec: Spec) -> None:
    spec["fit"]["class_weight"] = "balanced"


def _hidden(spec: Spec) -> list[Spec]:
    return [layer for layer in spec["network"]["layers"] if layer["layer"] == "Dense"]


def _only_relu(spec: Spec) -> bool:
    return all(layer.get("activation") == "relu" for layer in _hidden(spec))


def _not_normalized(spec: Spec) -> bool:
    """Behind BatchNormalization the scale of the weights is of no consequence."""
    return all(layer["layer"] != "BatchNormalization" for layer in spec["network"]["layers"])


RUNAWAY = frozenset({"learning_rate_too_high", "oscillating", "diverged", "exploding_gradients"})

FAULTS: Mapping[str, Fault] = {
    "rate x100": Fault(codes=RUNAWAY, put=_rate(100)),
    "rate /100": Fault(codes=frozenset({"learning_rate_too_low"}), put=_rate(0.01)),
    "bias -10": Fault(
        codes=frozenset({"dead_neurons", "learned_nothing"}), put=_buried, suits=_only_relu
    ),
    "10 sigmoid layers": Fault(
        codes=frozenset({"vanishing_gradients", "saturated_neurons", "learned_nothing"}),
        put=_sigmoids,
    ),
    # An initial loss far from the prior's is the definition of inputs_not_scaled as well.
    "initial sd 10": Fault(
        codes=frozenset(
            {"inputs_not_scaled", "saturated_neurons", "exploding_gradients", "diverged"}
        ),
        put=_wild,
        suits=_not_normalized,
    ),
    "unscaled": Fault(codes=frozenset({"inputs_not_scaled"}), put=_unscaled),
    "20 rows": Fault(codes=frozenset({"overfitting"}), put=_unattended, rows="few"),
    "one unit": Fault(
        codes=frozenset({"underfitting", "dead_neurons", "learned_nothing"}), put=_narrow
    ),
    "3 epochs": Fault(codes=frozenset({"not_converged"}), put=_short, added=True),
    "no hidden layer": Fault(codes=frozenset({"underfitting"}), put=_linear, added=True),
    # Over all rows alike never to name a rare class costs little, and to weigh classes costs more
    # than it brings: the harm shows only where each class counts alike. And all rows of the class
    # would be more to learn from, which is another matter than how much those that are there count.
    "rare class": Fault(
        codes=frozenset({"class_imbalance"}),
        rows="rare",
        of=frozenset({"classes"}),
        alike=True,
        undo=_balanced,
        added=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault in one setting on one draw of one dataset, with the clean twin of it."""

    dataset: str
    fault: str
    seed: int
    setting: str

    @property
    def name(self) -> str:
        """For a person."""
        return f"{self.dataset}, {self.fault}, {self.setting}, seed {self.seed}"


def cases(kinds: Mapping[str, Kind], seeds: Sequence[int]) -> tuple[Case, ...]:
    """The matrix in its fixed order.

    Args:
        kinds: of the datasets, by name.
        seeds: of draws and weights.
    """
    turns = {(row, seed): _settings(row + seed) for row in range(len(kinds)) for seed in seeds}
    return tuple(
        Case(dataset=dataset, fault=name, seed=seed, setting=turns[row, seed][name])
        for row, (dataset, kind) in enumerate(kinds.items())
        for name, fault in FAULTS.items()
        for seed in seeds
        if kind in fault.of
    )


def _settings(turn: int) -> dict[str, str]:
    """A setting for each fault, another every turn, so that each fault meets several.

    None is given twice, so that no two clean twins of a dataset are the same training. There are at
    least as many settings as faults; faults that suit few of them choose first.
    """
    left = deque(SETTINGS)
    left.rotate(-turn)
    chosen = {}
    for fault in sorted(FAULTS, key=_choice):
        setting = next(name for name in left if FAULTS[fault].suits(SETTINGS[name]))
        left.remove(setting)
        chosen[fault] = setting
    return chosen


def _choice(fault: str) -> int:
    """How many settings suit it."""
    return sum(FAULTS[fault].suits(spec) for spec in SETTINGS.values())
