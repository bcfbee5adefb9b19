"""What is recorded of each layer, from what one pass shows: shares of units, norms, updates."""

import math
from collections.abc import Sequence

import keras
import numpy as np

from models.measurements import LayerMeasurement
from worker.trainer.gauge import LayerReading, Reading, WeightReading
from worker.trainer.reported import reported

# An output below it is none, as in SageMaker Debugger's rule for dead ReLUs.
NOTHING = 1e-7
# What rounding may leave between outputs that are the same, as a share of them.
ROUNDING = 1e-6
# A unit is saturated that is so on more than this share of rows: SageMaker Debugger's rule again.
SATURATED_ROWS = 0.95

_CAN_DIE = {"relu", "relu6"}
# What is added at the end of a layer, by Keras's names; all else that trains is multiplied.
_ADDED = {"bias", "beta"}


def layer_measurements(reading: Reading, *, updates: bool) -> tuple[LayerMeasurement, ...]:
    """What is recorded of each layer.

    Args:
        reading: of the probe.
        updates: whether the weights it is compared with are those from before one epoch.
    """
    found = []
    sound = True  # behind numbers that are not finite, none is of any meaning
    for each in reading.layers:
        weights = each.layer.trainable_weights
        kernel = [reading.weights[id(one)] for one in weights if one.name not in _ADDED]
        bias = [reading.weights[id(one)] for one in weights if one.name in _ADDED]
        sound = sound and _sound(each, [*kernel, *bias])
        found.append(
            LayerMeasurement(
                layer=each.layer.name,
                units=each.highest.shape[-1],
                **(_of_outputs(each) if sound else {}),
                kernel_gradient=_norm([one.gradient for one in kernel]),
                bias_gradient=_norm([one.gradient for one in bias]),
                kernel_norm=_norm([one.value for one in kernel]),
                bias_norm=_norm([one.value for one in bias]),
                update_ratio=_update([*kernel, *bias]) if updates else None,
            )
        )
    return tuple(found)


def _sound(reading: LayerReading, weights: Sequence[WeightReading]) -> bool:
    """Whether all is finite. The weights are asked too: a ReLU may make zero of what is not."""
    outputs = np.isfinite(reading.highest).all() and np.isfinite(reading.lowest).all()
    return bool(outputs) and all(math.isfinite(one.value) for one in weights)


def _of_outputs(reading: LayerReading) -> dict[str, float | None]:
    """Shares of a layer's outputs and units."""
    highest, lowest, flat = reading.highest, reading.lowest, reading.flat
    places = tuple(range(highest.ndim - 1))
    same = highest - lowest <= ROUNDING * np.maximum(np.abs(highest), np.abs(lowest))
    dies = _activation(reading.layer) in _CAN_DIE
    return {
        "zeros": reported(reading.zeros),
        "dead": reported((highest.max(axis=places) <= NOTHING).mean()) if dies else None,
        "silent": reported(same.all(axis=places).mean()),
        "saturated": None if flat is None else reported((flat > SATURATED_ROWS).mean()),
    }


def _activation(layer: keras.Layer) -> str:
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _update(weights: Sequence[WeightReading]) -> float | None:
    change = _norm([one.change for one in weights])
    before = _norm([one.before for one in weights])
    return None if change is None or not before else reported(change / before)


def _norm(halves: Sequence[float]) -> float | None:
    """Euclidean, of half the squares; None of none."""
    return reported(math.sqrt(2 * sum(halves))) if halves else None
