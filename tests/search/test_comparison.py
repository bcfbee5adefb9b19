"""The candidates side by side: aligned curves, differences by rows, accuracy with its error."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from models.monitor import Monitored
from models.trial import TrialResult
from search.comparison import compare
from tests.search.results import trial

Metrics = Mapping[str, float | None]


def with_rows(result: TrialResult, rows: int) -> TrialResult:
    return replace(result, validation_rows=rows)


def test_curves_are_aligned_and_averaged_over_the_repeats_that_got_that_far() -> None:
    results = [trial(1, 0.5, candidate=0), trial(2, 0.3, candidate=0, repeat=1)]
    curves: dict[int, list[Metrics]] = {
        1: [{"loss": 1.0}, {"loss": 0.5}, {"loss": None}],
        2: [{"loss": 3.0}],
    }
    comparison = compare(results, curves, judged=Monitored("val_loss", "min"))
    assert comparison.epochs == (1, 2, 3)
    assert comparison.candidates[0].curves == {"loss": (2.0, 0.5, None)}


def test_each_candidate_shows_how_it_differs_from_the_best() -> None:
    results = [
        trial(1, 0.2, losses=[1.0, 2.0, 6.0]),
        trial(2, 0.1, losses=[1.0, 1.0, 1.0]),
        trial(3, None),
    ]
    best, other, without = compare(results, {}, judged=Monitored("val_loss", "min")).candidates
    assert (best.rank, best.difference, best.tied) == (1, None, None)
    assert other.difference is not None
    assert other.difference.mean == pytest.approx(2.0)
    assert other.difference.standard_error == pytest.approx(math.sqrt(7 / 3))
    assert (other.difference.rows, other.difference.repeats, other.tied) == (3, 1, False)
    assert (without.rank, without.difference, without.tied) == (None, None, None)


@pytest.mark.parametrize("name", ["val_accuracy", "val_binary_accuracy"])
def test_a_classifier_shows_its_accuracy_at_the_best_epochs_with_its_standard_error(
    name: str,
) -> None:
    results = [
        with_rows(trial(1, 0.5, candidate=0, best_epoch=2), 100),
        with_rows(trial(2, 0.3, candidate=0, repeat=1, best_epoch=1), 300),
    ]
    curves: dict[int, Sequence[Metrics]] = {
        1: [{name: 0.1}, {name: 0.5}, {name: 0.9}],
        2: [{name: 0.9}, {name: 0.2}],
    }
    (candidate,) = compare(results, curves, judged=Monitored("val_loss", "min")).candidates
    assert candidate.accuracy is not None
    assert candidate.accuracy.value == pytest.approx(0.8)  # (50 + 270) / 400
    assert candidate.accuracy.standard_error == pytest.approx(math.sqrt(0.8 * 0.2 / 400))
    assert candidate.accuracy.rows == 400


@pytest.mark.parametrize(
    "curves",
    [{}, {1: []}, {1: [{"val_loss": 1.0}] * 4}, {1: [{"val_accuracy": None}] * 4}],
)
def test_there_is_no_accuracy_where_no_epoch_reports_one(curves: dict[int, list[Metrics]]) -> None:
    results = [with_rows(trial(1, 0.5), 100)]
    (candidate,) = compare(results, curves, judged=Monitored("val_loss", "min")).candidates
    assert candidate.accuracy is None
