"""When a curve alone says that the training ran away."""

import math

import pytest

from health.rules.divergence import judge


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_a_divergence(loss: float) -> None:
    finding = judge(2.3, [2.0, loss])

    assert finding is not None
    assert finding.code == "diverged"
    assert finding.severity == "problem"
    assert finding.first_epoch == 2


def test_a_loss_that_ends_above_ten_times_its_beginning_is_a_divergence() -> None:
    finding = judge(0.7, [5.0, 8.0, 9.0])

    assert finding is not None
    assert finding.first_epoch == 2
    assert finding.value == pytest.approx(9.0 / 0.7)
    assert finding.threshold == 10.0


@pytest.mark.parametrize(
    ("initial", "losses"),
    [
        (0.7, [0.6, 0.5]),
        (0.7, [20.0, 0.4]),  # shot up and came back
        (0.7, [6.9, 6.9]),
        (-0.1, [-0.5, -0.9]),  # cosine similarity
        (0.0, [1.0]),
        (2.3, []),
    ],
)
def test_everything_else_is_none(initial: float, losses: list[float]) -> None:
    assert judge(initial, losses) is None
