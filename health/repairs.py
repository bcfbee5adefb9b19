"""What helps against a fault, as changes of an experiment's spec: dotted paths to values.

The language is that in which searches propose trials, so `models.trial.changed` carries it out.
Each repair takes the spec of a single trial, with the client's own layers, and gives no changes
where it has nothing to change. Pure.
"""

from collections.abc import Callable, Collection, Mapping

from pydantic import JsonValue

from models.output import activation_of
from models.specs.experiment import ExperimentSpec
from models.specs.fit import EarlyStopping
from models.specs.layers.core import Dense
from models.specs.layers.layer import LayerSpec
from models.specs.schedules import MAX_LEARNING_RATE, PiecewiseConstantDecay
from models.specs.shapes import layer_names

Changes = Mapping[str, JsonValue]
Repair = Callable[[ExperimentSpec], Changes]

# So small a rate changes no 32-bit weight any more.
LEAST_LEARNING_RATE = 1e-12

# Epochs without a new best that are waited for where nothing has stopped a training so far: a
# tenth of it, and what Keras's own examples wait for at least.
LEAST_PATIENCE = 5

# Units, up to which a hidden layer is a bottleneck for any table or image, and what it gets then
# where no layer is wider.
BOTTLENECK = 2
LEAST_UNITS = 32

# Of the rows: with more of them validating, there are fewer to learn from than to judge by.
HALF = 0.5

# What a learning rate is changed by at a time.
FACTOR = 10.0
# That 0.1 x 0.1 is not below 0.01 by a bit.
ROUNDING = 1.0 + 1e-6

_RATE = "compile.optimizer.learning_rate"
_RATES_OF_SCHEDULES = ("initial_learning_rate", "end_learning_rate", "warmup_target")
_RELU_LIKE = {"relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "swish", "mish"}


def none(_spec: ExperimentSpec) -> Changes:
    """Nothing in the spec would help."""
    return {}


def together(*repairs: Repair) -> Repair:
    """All of them; the first that changes a path decides it."""

    def repair(spec: ExperimentSpec) -> Changes:
        changes: dict[str, JsonValue] = {}
        for each in repairs:
            changes = {**each(spec), **changes}
        return changes

    return repair


def scale_inputs(_spec: ExperimentSpec) -> Changes:
    """Zero mean and unit variance."""
    return {"data.scaling": "standard"}


def balance_classes(spec: ExperimentSpec) -> Changes:
    """Weigh each class in inverse proportion to its rows."""
    return {} if spec.fit.class_weight == "balanced" else {"fit.class_weight": "balanced"}


def lower_learning_rate(spec: ExperimentSpec) -> Changes:
    """A tenth, and again a tenth of that while it is above ten times Keras's default."""
    return _lowered(spec, FACTOR * spec.compile.optimizer.default_rate)


def stop_divergence(spec: ExperimentSpec) -> Changes:
    """A tenth of the learning rate, and again while it is above Keras's default."""
    return _lowered(spec, spec.compile.optimizer.default_rate)


def raise_learning_rate(spec: ExperimentSpec) -> Changes:
    """Ten times as high, and again ten times while it is below Keras's default."""
    rate, usual = _highest(spec), spec.compile.optimizer.default_rate
    times = FACTOR
    while rate * times * ROUNDING < usual:
        times *= FACTOR
    return _multiplied(spec, times)


def keep_best_weights(spec: ExperimentSpec) -> Changes:
    """Stop when validation gets no better, and hand out the best epoch's network."""
    stopping = spec.fit.early_stopping
    if spec.fit.validation_split == 0:
        return {}
    if stopping is not None:
        return {"fit.early_stopping.restore_best_weights": True}
    patience = max(LEAST_PATIENCE, spec.fit.epochs // 10)
    return {"fit.early_stopping": EarlyStopping(patience=patience).model_dump(mode="json")}


def more_training_rows(spec: ExperimentSpec) -> Changes:
    """Train on most rows, where more of them validate."""
    return {"fit.validation_split": 0.3} if spec.fit.validation_split > HALF else {}


def start_afresh(spec: ExperimentSpec) -> Changes:
    """Draw initial weights as large as the layers' activations need, and begin at bias 0.

    He et al., "Delving Deep into Rectifiers" (2015), for ReLU and its kin; Glorot and Bengio (2010)
    for the others.
    """
    changes: dict[str, JsonValue] = {}
    for index, layer in enumerate(_layers(spec)):
        if not hasattr(layer, "kernel_initializer"):
            continue
        like_relu = activation_after(_layers(spec), index) in _RELU_LIKE
        at = f"network.layers.{index}"
        changes[f"{at}.kernel_initializer"] = "he_normal" if like_relu else "glorot_uniform"
        if getattr(layer, "use_bias", False):
            changes[f"{at}.bias_initializer"] = "zeros"
    return changes


def activate(activation: str, layers: Collection[str] | None = None) -> Repair:
    """Another activation for these hidden layers, or for all that bend what they put out."""

    def repair(spec: ExperimentSpec) -> Changes:
        own = _layers(spec)
        names = layer_names(own)
        last = _last_weighted(spec)
        return {
            f"network.layers.{index}.activation": activation
            for index, (layer, name) in enumerate(zip(own, names, strict=True))
            if index < last
            and (layers is None or name in layers)
            and getattr(layer, "activation", None) not in {None, "linear"}
        }

    return repair


def widen_bottlenecks(spec: ExperimentSpec) -> Changes:
    """Give hidden layers of hardly any units as many as the widest has."""
    hidden = {
        index: layer.units
        for index, layer in enumerate(_layers(spec)[: _last_weighted(spec)])
        if isinstance(layer, Dense)
    }
    widest = max(LEAST_UNITS, *hidden.values()) if hidden else LEAST_UNITS
    return {
        f"network.layers.{index}.units": widest
        for index, units in hidden.items()
        if units <= BOTTLENECK
    }


def activation_after(layers: tuple[LayerSpec, ...], index: int) -> str:
    """What bends the output of a layer: its own activation, or the next layer that is one."""
    for distance, layer in enumerate(layers[index:]):
        if distance and hasattr(layer, "kernel_initializer"):
            break
        if activation_of(layer) != "linear":
            return activation_of(layer)
    return "linear"


def _layers(spec: ExperimentSpec) -> tuple[LayerSpec, ...]:
    return () if spec.network is None else spec.network.layers


def _last_weighted(spec: ExperimentSpec) -> int:
    """Before which layers are hidden: the client's own output layer; none where it is appended."""
    own = _layers(spec)
    if spec.network is None or spec.network.output == "auto":
        return len(own)
    return max((i for i, layer in enumerate(own) if isinstance(layer, Dense)), default=0)


def _lowered(spec: ExperimentSpec, most: float) -> Changes:
    rate, times = _highest(spec), 1 / FACTOR
    while rate * times > most * ROUNDING:
        times /= FACTOR
    return _multiplied(spec, times)


def _multiplied(spec: ExperimentSpec, times: float) -> Changes:
    """The learning rate so many times as high; of a schedule each rate that it names."""
    rate = spec.compile.optimizer.learning_rate
    if isinstance(rate, float | int):
        return {_RATE: _rate(rate * times)}
    if isinstance(rate, PiecewiseConstantDecay):
        return {f"{_RATE}.values": [_rate(value * times) for value in rate.values]}
    named = {field: getattr(rate, field, None) for field in _RATES_OF_SCHEDULES}
    return {
        f"{_RATE}.{field}": _rate(value * times)
        for field, value in named.items()
        if value  # a warm-up may begin at 0
    }


def _highest(spec: ExperimentSpec) -> float:
    """The learning rate, or the highest that a schedule names."""
    rate = spec.compile.optimizer.learning_rate
    if isinstance(rate, float | int):
        return float(rate)
    if isinstance(rate, PiecewiseConstantDecay):
        return max(rate.values)
    return max(getattr(rate, field, None) or 0.0 for field in _RATES_OF_SCHEDULES)


def _rate(value: float) -> float:
    """As a person would write it: 0.003, not 0.0030000000000000001."""
    return float(f"{min(max(value, LEAST_LEARNING_RATE), MAX_LEARNING_RATE):.4g}")
