"""Specs that the worker's tests train."""

from typing import Any


def small(dataset: str, **more: object) -> dict[str, Any]:
    """One that trains in a moment."""
    return {
        "data": {"dataset": dataset},
        "network": {"layers": [{"layer": "Dense", "units": 8, "activation": "relu"}]},
        "compile": {
            "optimizer": {"optimizer": "Adam", "learning_rate": 0.01},
            "metrics": ["accuracy"],
        },
        "fit": {"epochs": 3, "early_stopping": None},
    } | more


def endless(dataset: str, **more: object) -> dict[str, Any]:
    """One that trains until it is stopped, in short epochs."""
    return small(dataset, fit={"epochs": 100_000, "early_stopping": None}) | more
