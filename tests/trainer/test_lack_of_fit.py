"""What the inputs explain of residuals: by hand, of noise, and of networks that are too small."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.specs.compile import CompileSpec
from models.specs.losses import AnyLoss
from worker.trainer.lack_of_fit import LEAST_ROWS, RIDGES, lack_of_fit, left_out
from worker.trainer.residuals import residuals

Floats = NDArray[np.float64]
CHANCE_SEEDS = range(20)


def _loss(loss: str, **arguments: Any) -> AnyLoss:
    return CompileSpec.model_validate({"loss": {"loss": loss, **arguments}}).loss


def _drawn(*shape: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


def _curved(x: Floats) -> Floats:
    return np.asarray(np.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3])


def _of_least_squares(x: Floats, y: Floats) -> Floats:
    """What a linear network leaves over at its best."""
    inputs = np.hstack([x, np.ones((len(x), 1))])
    return np.asarray(y - inputs @ np.linalg.lstsq(inputs, y, rcond=None)[0])


def test_leaving_a_row_out_is_what_learning_without_it_comes_to() -> None:
    features, targets = _drawn(25, 6), _drawn(25, 2, seed=2) + 3
    features -= features.mean(axis=0)

    found = left_out(features, targets)

    with_constant = np.hstack([features, np.ones((25, 1))])
    for ridge, squares in zip(RIDGES, found, strict=True):
        held = np.diag([ridge * 25] * 6 + [0])
        for row in range(25):
            x, y = np.delete(with_constant, row, axis=0), np.delete(targets, row, axis=0)
            weights = np.linalg.solve(x.T @ x + held, x.T @ y)
            wrong = ((targets[row] - with_constant[row] @ weights) ** 2).sum()
            assert squares[row] == pytest.approx(wrong, rel=1e-6)


@pytest.mark.parametrize("outputs", [1, 3, 100])
@pytest.mark.parametrize("rows", [40, 300])
def test_of_noise_inputs_explain_nothing(rows: int, outputs: int) -> None:
    found = [
        lack_of_fit(_drawn(rows, 5, seed=seed), _drawn(rows, outputs, seed=seed + 100), seed)
        for seed in CHANCE_SEEDS
    ]

    told = [each for each in found if each is not None]
    assert len(told) == len(found)
    assert sum(each.share > 2 * each.standard_error + 1e-3 for each in told) <= 2
    assert np.mean([each.share for each in told]) < 0.03


@pytest.mark.parametrize("width", [3, 8])
def test_of_a_curve_a_straight_line_leaves_what_inputs_explain(width: int) -> None:
    x = _drawn(400, width)

    found = lack_of_fit(x, _of_least_squares(x, _curved(x)), 7)

    assert found is not None
    assert found.share > 0.3
    assert found.share > 5 * found.standard_error


def test_of_a_line_a_straight_line_leaves_noise() -> None:
    x = _drawn(400, 4)

    found = lack_of_fit(x, _of_least_squares(x, x[:, :1] * 2 + _drawn(400, 1, seed=3)), 7)

    assert found is not None
    assert found.share < 0.02


def test_wide_inputs_of_several_axes_are_looked_at_here_and_there() -> None:
    """Every fourth of the pixels is bright in the one class."""
    bright = _drawn(200, 1) > 0
    images = _drawn(200, 40, 40, 3, seed=2)
    images[:, ::2, ::2] += bright[:, :, None, None]

    found = lack_of_fit(images, bright - bright.mean(), 1)

    assert found is not None
    assert found.share > 0.3


def test_the_same_seed_gives_the_same_to_the_last_bit() -> None:
    x, left = _drawn(100, 200), _drawn(100, 40, seed=2)

    assert lack_of_fit(x, left, 5) == lack_of_fit(x, left, 5)
    assert lack_of_fit(x, left, 5) != lack_of_fit(x, left, 6)


@pytest.mark.parametrize(
    "left",
    [_drawn(LEAST_ROWS - 1, 1), np.ones((60, 1)), np.full((60, 1), np.nan), np.zeros((60, 2))],
)
def test_of_few_rows_and_of_residuals_that_do_not_differ_it_is_not_told(left: Floats) -> None:
    assert lack_of_fit(_drawn(len(left), 3), left, 1) is None


def test_columns_that_never_change_are_no_trouble() -> None:
    x = np.hstack([np.full((60, 2), 1e9), _drawn(60, 1)])

    found = lack_of_fit(x, np.abs(x[:, 2:]), 1)

    assert found is not None
    assert found.share > 0.5
    assert lack_of_fit(x[:, :2], _drawn(60, 1), 1) is not None


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_of_inputs_that_are_not_finite_it_is_not_told(number: float) -> None:
    x = _drawn(60, 3)
    x[7, 1] = number

    assert lack_of_fit(x, _drawn(60, 1, seed=2), 1) is None


Y = np.array([[1.0], [-2.0], [0.5]])
SAID = np.array([[0.5], [1.0], [0.5]], np.float32)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (_loss("MeanSquaredError"), [0.5, -3, 0]),
        (_loss("MeanAbsoluteError"), [1, -1, 0]),
        (_loss("Huber", delta=0.25), [0.25, -0.25, 0]),
        (_loss("LogCosh"), [math.tanh(0.5), math.tanh(-3), 0]),
        (_loss("Poisson"), [0.5, -3, 0]),
        (_loss("MeanSquaredLogarithmicError"), [math.log(2 / 1.5), -math.log(2), 0]),
    ],
)
def test_residuals_of_numbers_are_what_the_loss_weighs(
    loss: AnyLoss, expected: list[float]
) -> None:
    assert residuals(loss, Y, SAID) == pytest.approx(np.array(expected)[:, None])


@pytest.mark.parametrize("from_logits", [False, True])
def test_residuals_of_classes_are_target_minus_probability(*, from_logits: bool) -> None:
    logits = _drawn(4, 3).astype(np.float32) * 5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said = logits if from_logits else shares
    codes = np.array([0, 2, 1, 2])
    sparse = _loss("SparseCategoricalCrossentropy", from_logits=from_logits)
    smooth = _loss("CategoricalCrossentropy", from_logits=from_logits, label_smoothing=0.3)

    assert residuals(sparse, codes, said) == pytest.approx(np.eye(3)[codes] - shares, abs=1e-6)
    assert residuals(_loss("KLDivergence"), np.eye(3)[codes], shares.astype(np.float32)) == (
        pytest.approx(np.eye(3)[codes] - shares, abs=1e-6)
    )
    assert residuals(smooth, np.eye(3)[codes], said) == pytest.approx(
        np.eye(3)[codes] * 0.7 + 0.1 - shares, abs=1e-6
    )


@pytest.mark.parametrize("from_logits", [False, True])
def test_residuals_of_two_classes_are_target_minus_probability(*, from_logits: bool) -> None:
    logits, y = np.array([[-800.0], [0.3], [90.0]], np.float32), np.array([[0.0], [1.0], [1.0]])
    chances = np.array([[0], [1 / (1 + math.exp(-0.3))], [1]], np.float32)
    loss = _loss("BinaryCrossentropy", from_logits=from_logits)

    found = residuals(loss, y, logits if from_logits else chances)

    assert found == pytest.approx(y - chances, abs=1e-6)
    smooth = _loss("BinaryCrossentropy", label_smoothing=0.4)
    assert residuals(smooth, y, chances) == pytest.approx(y * 0.6 + 0.2 - chances, abs=1e-6)


@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [
        (_loss("Hinge"), Y, SAID),
        (_loss("CosineSimilarity"), Y, SAID),
        (_loss("CategoricalFocalCrossentropy"), np.eye(3), np.eye(3)),
        (_loss("MeanSquaredError"), Y, np.zeros((0, 0))),
        (_loss("MeanSquaredError"), Y, SAID * np.inf),
    ],
)
def test_where_residuals_mean_nothing_there_are_none(
    loss: AnyLoss, y: Floats, outputs: Floats
) -> None:
    assert residuals(loss, y, outputs.astype(np.float32)) is None
