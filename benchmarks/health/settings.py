"""Settings that somebody who knows Keras would have sent: nothing in them is wrong.

They differ in width, depth, activation, optimizer, batch and scaling, so that what is found in a
healthy training is not a matter of one habit.
"""

from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]

# All learn on hundreds of rows within so many epochs, and stop before where they can.
EPOCHS = 80
PATIENCE = 12


def _dense(*units: int, **arguments: Any) -> list[Spec]:
    return [{"layer": "Dense", "units": each, "activation": "relu", **arguments} for each in units]


def _setting(layers: list[Spec], optimizer: Spec, *, batch: int, scaling: str = "standard") -> Spec:
    return {
        "data": {"scaling": scaling},
        "network": {"layers": layers},
        "compile": {"optimizer": optimizer},
        "fit": {
            "epochs": EPOCHS,
            "batch_size": batch,
            "split": "last",
            "early_stopping": {"patience": PATIENCE, "restore_best_weights": True},
        },
    }


def _with_dropout(units: int) -> list[Spec]:
    hidden = _dense(units)
    return [*hidden, {"layer": "Dropout", "rate": 0.2}, *hidden]


def _normalized(units: int) -> list[Spec]:
    each: list[Spec] = [
        {"layer": "Dense", "units": units},
        {"layer": "BatchNormalization"},
        {"layer": "Activation", "activation": "relu"},
    ]
    return [*each, *each]


SETTINGS: Mapping[str, Spec] = {
    "32-32 Adam": _setting(_dense(32, 32), {"optimizer": "Adam", "learning_rate": 0.01}, batch=32),
    "64 SGD momentum": _setting(
        _dense(64), {"optimizer": "SGD", "learning_rate": 0.03, "momentum": 0.9}, batch=16
    ),
    "24-24-24 He Adam, minmax": _setting(
        _dense(24, 24, 24, kernel_initializer="he_normal"),
        {"optimizer": "Adam", "learning_rate": 0.005},
        batch=16,
        scaling="minmax",
    ),
    "48-48 tanh Adam": _setting(
        _dense(48, 48, activation="tanh"), {"optimizer": "Adam", "learning_rate": 0.005}, batch=16
    ),
    "128 RMSprop": _setting(
        _dense(128), {"optimizer": "RMSprop", "learning_rate": 0.003}, batch=32
    ),
    "40-40 dropout SGD": _setting(
        _with_dropout(40), {"optimizer": "SGD", "learning_rate": 0.1}, batch=16
    ),
    "32-32 normalized Adam": _setting(
        _normalized(32), {"optimizer": "Adam", "learning_rate": 0.005}, batch=32
    ),
    "32-16 leaky Nadam": _setting(
        _dense(32, 16, activation="leaky_relu"),
        {"optimizer": "Nadam", "learning_rate": 0.005},
        batch=16,
    ),
    "64-32 elu AdamW": _setting(
        _dense(64, 32, activation="elu"),
        {"optimizer": "AdamW", "learning_rate": 0.003, "weight_decay": 0.01},
        batch=32,
    ),
    "96 L2 Adam": _setting(
        _dense(96, kernel_regularizer={"regularizer": "L2", "l2": 0.0003}),
        {"optimizer": "Adam", "learning_rate": 0.005},
        batch=16,
    ),
    "48-24 gelu Nesterov": _setting(
        _dense(48, 24, activation="gelu"),
        {"optimizer": "SGD", "learning_rate": 0.03, "momentum": 0.9, "nesterov": True},
        batch=16,
    ),
}
