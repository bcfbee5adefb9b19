"""What a network is compiled and fitted with: the cards of each choice."""

from collections.abc import Callable
from typing import Any, get_args

from models.specs.losses import AnyLoss, Auto, Encoding
from models.specs.losses import Poisson as PoissonLoss
from models.specs.metrics import AnyMetric
from models.specs.names import tag_of
from models.specs.number_metrics import Poisson

Fields = dict[str, Any]

OPTIMIZERS: tuple[Fields, ...] = (
    {"optimizer": "SGD", "learning_rate": 0.05},
    {"optimizer": "SGD", "learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
    {"optimizer": "SGD", "learning_rate": 0.02, "momentum": 0.5, "clipvalue": 0.05},
    {"optimizer": "Adam", "learning_rate": 0.01},
    {"optimizer": "Adam", "learning_rate": 0.005, "amsgrad": True, "clipnorm": 0.3},
    {"optimizer": "Adam", "learning_rate": 0.01, "weight_decay": 0.01, "beta_1": 0.7},
    {"optimizer": "AdamW", "learning_rate": 0.01},
    {"optimizer": "AdamW", "learning_rate": 0.003, "amsgrad": True, "global_clipnorm": 0.5},
    {"optimizer": "RMSprop", "learning_rate": 0.005},
    {"optimizer": "RMSprop", "learning_rate": 0.003, "momentum": 0.6, "centered": True},
    {"optimizer": "Adagrad", "learning_rate": 0.05, "initial_accumulator_value": 0.2},
    {"optimizer": "Adadelta", "learning_rate": 0.8, "rho": 0.9},
    {"optimizer": "Adamax", "learning_rate": 0.01, "weight_decay": 0.001},
    {"optimizer": "Nadam", "learning_rate": 0.004},
    {"optimizer": "Lion", "learning_rate": 0.001, "weight_decay": 0.05},
)
# From the optimizer's rate; None leaves that constant.
SCHEDULES: tuple[Callable[[float], Fields] | None, ...] = (
    *(None,) * 8,
    lambda rate: {
        "schedule": "ExponentialDecay",
        "initial_learning_rate": rate,
        "decay_steps": 5,
        "decay_rate": 0.8,
        "staircase": True,
    },
    lambda rate: {
        "schedule": "InverseTimeDecay",
        "initial_learning_rate": rate,
        "decay_steps": 10,
        "decay_rate": 0.5,
    },
    lambda rate: {
        "schedule": "PolynomialDecay",
        "initial_learning_rate": rate,
        "decay_steps": 12,
        "end_learning_rate": rate / 50,
        "power": 2.0,
        "cycle": True,
    },
    lambda rate: {
        "schedule": "CosineDecay",
        "initial_learning_rate": 0.0,
        "decay_steps": 20,
        "warmup_target": rate,
        "warmup_steps": 4,
    },
    lambda rate: {
        "schedule": "CosineDecayRestarts",
        "initial_learning_rate": rate,
        "first_decay_steps": 6,
        "m_mul": 0.8,
    },
    lambda rate: {
        "schedule": "PiecewiseConstantDecay",
        "boundaries": [4, 11],
        "values": [rate, rate / 2, rate / 10],
    },
)
LOSSES: tuple[Fields, ...] = (
    *({"loss": tag_of(each)} for each in get_args(AnyLoss) if each is not Auto),
    {"loss": "SparseCategoricalCrossentropy", "from_logits": True},
    {"loss": "CategoricalCrossentropy", "label_smoothing": 0.2},
    {"loss": "BinaryFocalCrossentropy", "apply_class_balancing": True, "gamma": 1.0},
    {"loss": "Huber", "delta": 0.3},
)
# What a metric cannot do without, and k below the number of classes.
_REQUIRED: dict[str, Fields] = {
    "PrecisionAtRecall": {"recall": 0.6},
    "RecallAtPrecision": {"precision": 0.6},
    "SensitivityAtSpecificity": {"specificity": 0.6},
    "SpecificityAtSensitivity": {"sensitivity": 0.6},
    "SparseTopKCategoricalAccuracy": {"k": 2},
    "TopKCategoricalAccuracy": {"k": 2},
}
_NOTHING_IS_BETTER = {"min_delta": 10.0}
METRIC = "a metric of the member"
"""Stands for a monitor's name until the metrics are dealt."""
STOPPING: tuple[Fields | None, ...] = (
    None,
    None,
    {"patience": 1},
    {"patience": 1, "restore_best_weights": False, **_NOTHING_IS_BETTER},
    {"patience": 1, "start_from_epoch": 2, **_NOTHING_IS_BETTER},
    {"patience": 0, "min_delta": 0.01},
    {"patience": 2, "baseline": 0.0},
    {"patience": 1, "monitor": METRIC},
)
PLATEAUS: tuple[Fields | None, ...] = (
    None,
    None,
    {"patience": 1, "factor": 0.5, **_NOTHING_IS_BETTER},
    {"patience": 1, "factor": 0.3, "cooldown": 1, "min_lr": 1e-3, **_NOTHING_IS_BETTER},
)
BATCHES: tuple[tuple[int, int], ...] = (
    (30, 1),
    (97, 32),
    (100, 7),
    (120, 40),
    (128, 128),
    (80, 500),
    (130, 64),
    (90, 16),
)
"""Rows and batch: every kind of last batch, one row at a time, and more than there are."""


def metrics(loss: AnyLoss) -> tuple[Fields, ...]:
    """Those that can be computed beside a loss."""
    return tuple(
        {"metric": tag_of(each), **_REQUIRED.get(tag_of(each), {})}
        for each in get_args(AnyMetric)
        if loss.encoding in each.encodings
        and (loss.of_probabilities or not each.of_probabilities)
        and (isinstance(loss, PoissonLoss) or each is not Poisson)
    )


def outputs(encoding: Encoding) -> int:
    """How many columns the target has, and the output layer units."""
    return {"sparse": 3, "one_hot": 3, "binary": 1, "number": 2}[encoding]
