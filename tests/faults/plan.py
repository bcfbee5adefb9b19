"""What a campaign trains: a handful of networks that each have something a resume could get wrong.

All is drawn from a seed, so that a campaign can be repeated. No two recipes and no two seeds train
alike, and each pair is trained undisturbed first, to compare with.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIRST_SEED = 7
# Share of the experiments that their client cancels, and when at the latest: seconds.
CANCELLED = 0.08
CANCEL_SECONDS = 6.0

Spec = Mapping[str, Any]

_DIGITS = {"dataset": "builtin:digits"}
_CANCER = {"dataset": "builtin:breast_cancer"}


def _dense(units: int, activation: str = "relu") -> dict[str, Any]:
    return {"layer": "Dense", "units": units, "activation": activation}


def _adam(rate: object) -> dict[str, Any]:
    return {"optimizer": {"optimizer": "Adam", "learning_rate": rate}, "metrics": ["accuracy"]}


# Epochs are slow by the number of their batches; on two busy cores each takes 2-6 s.
RECIPES: Mapping[str, Spec] = {
    "dropout": {
        "data": _DIGITS,
        "network": {"layers": [_dense(64), {"layer": "Dropout", "rate": 0.3}, _dense(32)]},
        "compile": _adam(0.002),
        "fit": {"epochs": 160, "early_stopping": None},
    },
    "batchnorm": {
        "data": _DIGITS,
        "network": {
            "layers": [
                _dense(48, "linear"),
                {"layer": "BatchNormalization"},
                {"layer": "Activation", "activation": "relu"},
            ]
        },
        "compile": {
            "optimizer": {"optimizer": "SGD", "learning_rate": 0.02, "momentum": 0.9},
            "metrics": ["accuracy"],
        },
        "fit": {"epochs": 160, "batch_size": 30, "early_stopping": None},
    },
    "schedule": {
        "data": _DIGITS,
        "network": {"layers": [_dense(40, "tanh"), {"layer": "GaussianNoise", "stddev": 0.1}]},
        "compile": _adam(
            {"schedule": "CosineDecay", "initial_learning_rate": 0.01, "decay_steps": 6000}
        ),
        "fit": {"epochs": 160, "early_stopping": None},
    },
    "plateau": {
        "data": _CANCER,
        "network": {"layers": [_dense(24), _dense(12)]},
        "compile": _adam(0.01),
        "fit": {
            "epochs": 240,
            "batch_size": 8,
            "class_weight": "balanced",
            "early_stopping": None,
            "reduce_lr_on_plateau": {"factor": 0.5, "patience": 3, "cooldown": 1},
        },
    },
    "stopping": {
        "data": _DIGITS,
        "network": {"layers": [_dense(32), {"layer": "Dropout", "rate": 0.2}]},
        "compile": _adam(0.01),
        "fit": {
            "epochs": 200,
            "early_stopping": {"patience": 12, "restore_best_weights": True},
        },
    },
    "convolution": {
        "data": _DIGITS,
        "network": {
            "layers": [
                {"layer": "Reshape", "target_shape": [8, 8, 1]},
                {"layer": "Conv2D", "filters": 6, "kernel_size": 3, "activation": "relu"},
                {"layer": "MaxPooling2D"},
                {"layer": "Flatten"},
            ]
        },
        "compile": _adam(0.005),
        "fit": {"epochs": 90, "early_stopping": None},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One experiment that a client POSTs.

    Attributes:
        key: its Idempotency-Key, and its name.
        seed: of its first trial; the others follow.
        trials: 1 to 4.
        cancel_after: seconds after it was accepted; None is not cancelled.
    """

    key: str
    recipe: str
    seed: int
    trials: int
    cancel_after: float | None = None

    def body(self) -> dict[str, Any]:
        """What is POSTed."""
        return {
            "name": self.key,
            **RECIPES[self.recipe],
            "repeats": self.trials,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that one campaign POSTs.

    Attributes:
        references: every recipe with every seed, to be trained undisturbed.
        orders: what is trained under fire.
    """

    references: Sequence[Order]
    orders: Sequence[Order]


def draw(trials: int, seed: int, recipes: Sequence[str] = tuple(RECIPES), seeds: int = 4) -> Plan:
    """Draw orders for so many trials in all."""
    luck = random.Random(seed)  # noqa: S311 - a campaign has to be repeatable
    references = [
        Order(key=f"reference-{recipe}", recipe=recipe, seed=FIRST_SEED, trials=seeds)
        for recipe in recipes
    ]
    orders: list[Order] = []
    while left := trials - sum(order.trials for order in orders):
        count = min(left, luck.randint(1, seeds))
        cancelled = luck.random() < CANCELLED
        orders.append(
            Order(
                key=f"order-{seed}-{len(orders) + 1}",
                recipe=luck.choice(recipes),
                seed=FIRST_SEED + luck.randint(0, seeds - count),
                trials=count,
                cancel_after=luck.uniform(0, CANCEL_SECONDS) if cancelled else None,
            )
        )
    return Plan(references=references, orders=orders)
