"""Differences of candidates are judged by the rows that both were validated on."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.specs.fit import FitSpec
from models.trial import TrialResult
from search.paired import overlap_of, paired
from tests.search.results import trial

LOSSES = st.lists(st.floats(width=32), max_size=6)
OVERLAPS = st.floats(0, 1)


def repeats(*losses: Sequence[float] | None, candidate: int = 0) -> list[TrialResult]:
    return [
        trial(10 * candidate + repeat, 0.5, candidate=candidate, repeat=repeat, losses=rows)
        for repeat, rows in enumerate(losses)
    ]


@given(st.lists(st.tuples(LOSSES, LOSSES), max_size=4), OVERLAPS)
def test_the_other_way_round_only_the_sign_differs_whatever_the_losses(
    losses: list[tuple[list[float], list[float]]], overlap: float
) -> None:
    one = repeats(*(first for first, _ in losses))
    other = repeats(*(second for _, second in losses), candidate=1)
    there, back = paired(one, other, overlap=overlap), paired(other, one, overlap=overlap)
    if there is None or back is None:
        assert there is back
        return
    assert there.mean == -back.mean
    assert there.standard_error == back.standard_error >= 0
    assert (there.rows, there.repeats) == (back.rows, back.repeats)
    assert math.isfinite(there.mean)
    assert not (there.is_worse and back.is_worse)


@given(st.lists(st.floats(0, 10, width=32), min_size=2, max_size=20), OVERLAPS)
def test_a_network_is_not_worse_than_itself(losses: list[float], overlap: float) -> None:
    itself = paired(repeats(losses), repeats(losses, candidate=1), overlap=overlap)
    assert itself is not None
    assert (itself.mean, itself.standard_error, itself.is_worse) == (0.0, 0.0, False)


def test_one_repeat_has_the_standard_error_of_its_rows() -> None:
    difference = paired(repeats([1.0, 2.0, 6.0]), repeats([1.0, 1.0, 1.0], candidate=1))
    assert difference is not None
    assert difference.mean == pytest.approx(2.0)
    assert difference.standard_error == pytest.approx(math.sqrt(7.0 / 3.0))  # sd of 0, 1, 5 by rows
    assert (difference.rows, difference.repeats) == (3, 1)


def test_what_all_rows_share_is_beyond_the_noise_however_much_the_rows_differ() -> None:
    hard_and_easy = np.random.default_rng(1).exponential(10, 200)
    difference = paired(
        repeats(list(hard_and_easy + 0.01)), repeats(list(hard_and_easy), candidate=1)
    )
    assert difference is not None
    assert difference.mean == pytest.approx(0.01, rel=1e-3)
    assert difference.is_worse


@pytest.mark.parametrize("overlap", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seeds", [0.0, 0.2])
def test_the_standard_error_is_how_much_the_mean_difference_varies_between_experiments(
    overlap: float, seeds: float
) -> None:
    draw = np.random.default_rng(3)
    rows, count = 100, 4
    means, errors = [], []
    for _ in range(1500):
        shared = draw.normal(size=rows)
        own = draw.normal(size=(count, rows))
        common = round(overlap * rows)
        own[:, :common] = shared[:common]
        own += seeds * draw.normal(size=(count, 1))
        difference = paired(
            repeats(*own.tolist()),
            repeats(*np.zeros_like(own).tolist(), candidate=1),
            overlap=overlap,
        )
        assert difference is not None
        means.append(difference.mean)
        errors.append(difference.standard_error)
    real = float(np.std(means))
    assert real * 0.95 < float(np.sqrt(np.mean(np.square(errors)))) < real * 1.25


def test_repeats_without_losses_of_both_are_left_out() -> None:
    difference = paired(repeats([1.0, 3.0], None), repeats([1.0, 1.0], [5.0, 6.0], candidate=1))
    assert difference is not None
    assert (difference.repeats, difference.rows) == (1, 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], []),
        ([1.0], [2.0]),
        ([1.0, 2.0], [1.0, 2.0, 3.0]),
        ([1.0, math.nan], [1.0, 2.0]),
        ([1.0, math.inf], [1.0, math.inf]),
    ],
)
def test_what_cannot_be_paired_is_not(one: list[float], other: list[float]) -> None:
    assert paired(repeats(one), repeats(other, candidate=1)) is None
    assert paired([], repeats(other, candidate=1)) is None


@pytest.mark.parametrize(
    ("path", "comparable"),
    [
        ("compile.optimizer.learning_rate", True),
        ("network", True),
        ("fit.batch_size", True),
        ("data.scaling", True),
        ("data.missing", False),
        ("data", False),
        ("fit", False),
        ("fit.split", False),
        ("fit.validation_split", False),
        ("compile.loss", False),
        ("compile.loss.label_smoothing", False),
        ("compile.lossless", True),
        ("compile", False),
    ],
)
def test_losses_of_other_rows_or_in_another_unit_are_not_paired(
    path: str,
    comparable: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    one = trial(1, 0.5, changes={path: 1}, losses=[1.0, 2.0])
    other = trial(2, 0.5, changes={path: 2}, losses=[1.0, 2.0])
    assert (paired([one], [other]) is not None) == comparable
    assert paired([one], [trial(3, 0.5, changes={path: 1}, losses=[1.0, 2.0])]) is not None


def test_repeats_share_as_many_rows_as_the_split_leaves_to_chance() -> None:
    assert overlap_of(FitSpec(validation_split=0.25)) == 0.25
    assert overlap_of(FitSpec(validation_split=0.25, split="last")) == 1.0
