"""No constant prediction has a lower loss than the prior, and by the plain losses it is known."""

import math
from typing import Any

import numpy as np
import pytest

from tests.trainer.menagerie.few import FEW
from tests.trainer.menagerie.members import Member
from tests.trainer.trials import trial
from worker.trainer.optimizer import loss
from worker.trainer.prior import prior

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LABELS = np.array([0] * 5 + [1] * 3 + [2] * 2)
ENTROPY = -sum(share * math.log(share) for share in (0.5, 0.3, 0.2))
PAIR = (np.arange(10) < 2).astype("float32")[:, None]
NUMBERS = np.array([[1.0], [2.0], [3.0], [10.0]], "float32")


@pytest.mark.parametrize(
    ("spec", "y", "expected"),
    [
        ("SparseCategoricalCrossentropy", LABELS, ENTROPY),
        ({"loss": "SparseCategoricalCrossentropy", "from_logits": True}, LABELS, ENTROPY),
        ("CategoricalCrossentropy", np.eye(3, dtype="float32")[LABELS], ENTROPY),
        ("KLDivergence", np.eye(3, dtype="float32")[LABELS], ENTROPY),
        ("BinaryCrossentropy", PAIR, -0.2 * math.log(0.2) - 0.8 * math.log(0.8)),
        ("Hinge", PAIR, 0.4),
        ("SquaredHinge", PAIR, 1 - 0.6**2),
        ("MeanSquaredError", NUMBERS, NUMBERS.var()),
        ("MeanAbsoluteError", NUMBERS, 2.5),
        ("MeanAbsolutePercentageError", NUMBERS, 100 * (0 + 1 / 2 + 2 / 3 + 9 / 10) / 4),
        ("MeanSquaredLogarithmicError", NUMBERS, np.log1p(NUMBERS).var()),
    ],
)
def test_of_plain_losses_it_is_known(spec: Any, y: Any, expected: float) -> None:
    assert prior(trial(loss=spec).compile.loss, y) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("member", FEW, ids=lambda member: member.name)
def test_no_other_constant_does_better(member: Member) -> None:
    spec, y = member.spec.compile.loss, member.data().training.y
    found = prior(spec, y)
    assert found is not None
    chance = np.random.default_rng(1)
    width = int(np.max(y)) + 1 if y.ndim == 1 else y.shape[1]
    mean = loss(spec)

    for _ in range(100):
        constant = chance.normal(size=width)
        if spec.of_probabilities:
            constant = np.exp(constant) / (1 + np.exp(constant))
            constant = constant / constant.sum() if width > 1 else constant
        elif spec.encoding == "number":
            constant = np.abs(constant) + 0.1
        each = np.tile(constant.astype("float32"), (len(y), 1))
        assert found <= float(mean(y, each)) + 2e-3 * abs(found) + 1e-6
