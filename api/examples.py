"""Request bodies that work as they are, for the documentation page."""

from typing import Any

# The comparison of the README; runs without a network.
LEARNING_RATES: dict[str, Any] = {
    "name": "digits: which learning rate?",
    "labels": {"team": "docs"},
    "data": {"dataset": "builtin:digits"},
    "network": {
        "layers": [
            {"layer": "Dense", "units": 100, "activation": "relu"},
            {"layer": "Dense", "units": 100, "activation": "relu"},
        ],
        "output": "auto",
    },
    "compile": {
        "optimizer": {"optimizer": "SGD", "learning_rate": 0.01},
        "loss": "auto",
        "metrics": ["accuracy"],
    },
    "fit": {
        "epochs": 20,
        "batch_size": 32,
        "validation_split": 0.3,
        "early_stopping": {"monitor": "val_loss", "patience": 2, "restore_best_weights": True},
    },
    "search": {"strategy": "learning_rates", "values": [1e-7, 0.01, 1]},
    "repeats": 1,
    "seed": 7,
    "limits": {"max_parallel": 4, "max_seconds": 3600},
}

ONE_TRIAL: dict[str, Any] = {
    "name": "wine, one training",
    "data": {"dataset": "builtin:wine"},
    "network": {"layers": [{"layer": "Dense", "units": 16, "activation": "relu"}]},
    "compile": {"optimizer": "adam", "metrics": ["accuracy"]},
    "fit": {"epochs": 10, "batch_size": 16},
}

NETWORKS: dict[str, Any] = {
    "name": "digits: dense or convolutional?",
    "data": {"dataset": "builtin:digits"},
    "compile": {"optimizer": {"optimizer": "Adam", "learning_rate": 0.001}},
    "fit": {"epochs": 10},
    "search": {
        "strategy": "networks",
        "networks": {
            "dense": {"layers": [{"layer": "Dense", "units": 64, "activation": "relu"}]},
            "convolutional": {
                "layers": [
                    {"layer": "Conv2D", "filters": 8, "kernel_size": 3, "activation": "relu"},
                    {"layer": "MaxPooling2D"},
                    {"layer": "Flatten"},
                ]
            },
        },
    },
}

CAPACITY: dict[str, Any] = {
    "name": "digits: how much capacity?",
    "data": {"dataset": "builtin:digits"},
    "compile": {"optimizer": {"optimizer": "Adam", "learning_rate": 0.003}},
    "fit": {"epochs": 40},
    "search": {"strategy": "capacity"},
}

_ONE_LAYER: dict[str, Any] = {
    "data": {"dataset": "builtin:digits"},
    "network": {"layers": [{"layer": "Dense", "units": 32, "activation": "relu"}]},
    "compile": {"optimizer": "sgd"},
    "fit": {"epochs": 10},
}

GRID: dict[str, Any] = {
    "name": "digits: rate and width",
    **_ONE_LAYER,
    "search": {
        "strategy": "grid",
        "over": {
            "compile.optimizer.learning_rate": {
                "float": {"low": 0.001, "high": 0.1, "log": True, "count": 3}
            },
            "network.layers.0.units": [16, 64],
        },
    },
}

RANDOM: dict[str, Any] = {
    "name": "digits: a dozen drawn settings",
    **_ONE_LAYER,
    "search": {
        "strategy": "random",
        "count": 12,
        "over": {
            "compile.optimizer.learning_rate": {"float": {"low": 1e-4, "high": 0.1, "log": True}},
            "network.layers.0.units": {"int": {"low": 8, "high": 256, "log": True}},
            "fit.batch_size": [16, 32, 64],
        },
    },
}

TPE: dict[str, Any] = {
    "name": "digits: twenty settings, learning",
    **_ONE_LAYER,
    "search": {**RANDOM["search"], "strategy": "tpe", "count": 20, "startup": 8},
}

INLINE: dict[str, Any] = {
    "name": "rows in the request",
    "data": {
        "inline": {
            "columns": ["hours", "passed"],
            "rows": [[1, "no"], [2, "no"], [3, "no"], [4, "yes"], [5, "yes"], [6, "yes"]],
        },
        "target": "passed",
    },
    "network": {"layers": []},
    "fit": {"epochs": 3, "batch_size": 2},
}

# It is warned of, found, and repaired by what GET …/next answers: docs/repairs.md.
UNSCALED: dict[str, Any] = {
    "name": "wine, raw",
    "data": {"dataset": "builtin:wine", "scaling": "none"},
    "network": {"layers": [{"layer": "Dense", "units": 32, "activation": "relu"}]},
    "compile": {"optimizer": "sgd", "metrics": ["accuracy"]},
}

SPECS = {
    "learning rates": {"summary": "Which learning rate?", "value": LEARNING_RATES},
    "one trial": {"summary": "One training", "value": ONE_TRIAL},
    "networks": {"summary": "Which network?", "value": NETWORKS},
    "capacity": {"summary": "How much capacity?", "value": CAPACITY},
    "grid": {"summary": "Every combination of some values", "value": GRID},
    "random": {"summary": "Drawn settings", "value": RANDOM},
    "tpe": {"summary": "Settings drawn where earlier ones did well", "value": TPE},
    "unscaled": {"summary": "A fault that is found, and repaired by /next", "value": UNSCALED},
    "inline": {"summary": "Rows in the request", "value": INLINE},
}
