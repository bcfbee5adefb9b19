"""Of the sizes that were tried the smallest is chosen that will do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch
from models.trial import TrialResult
from search.choice import choose
from search.sentences.sizes import size_sentences
from search.strategies.climb import Size
from search.strategies.strategy import search_of
from tests.search.climbing import LINEAR, ROWS, Losses, climb, spec_of


def chosen(losses: Losses, **search: Any) -> tuple[Size, tuple[str, ...]]:
    spec = spec_of(**search)
    choice = choose(spec, climb(spec, losses)[0])
    assert choice is not None
    told = size_sentences(search_of(spec, CapacitySearch), choice, "val_loss")
    return choice.chosen.size, tuple(told)


def test_the_best_size_is_chosen_where_no_smaller_one_is_as_good() -> None:
    size, sentences = chosen({LINEAR: 0.5, Size(1, 16): 0.4, Size(1, 64): 0.3})
    assert size == Size(1, 64)
    assert sentences == (
        (
            "1 hidden layer of 64 units (4,490 parameters) has the best val_loss, and no smaller "
            "size is as good."
        ),
    )


def with_row_losses(
    results: Sequence[TrialResult], size: tuple[int, ...], difference: float, noise: float
) -> list[TrialResult]:
    """The same, with this size's rows differing from the others' by this much and this noisily."""
    differing = np.random.default_rng(0).normal(0, noise, ROWS)
    differing += difference - differing.mean()
    return [
        replace(r, row_losses=(0.3 + differing).astype(np.float32))
        if tuple(r.setting.values()) == size
        else replace(r, row_losses=np.full(ROWS, 0.3, dtype=np.float32))
        for r in results
    ]


@pytest.mark.parametrize(
    ("noise", "candidate"),
    [(0.4, 1), (0.05, 2)],  # of 200 rows: 0.028 and 0.0035 a repeat, by which 0.01 is judged
    ids=["within noise", "beyond noise"],
)
def test_a_smaller_size_is_chosen_if_its_rows_are_within_a_standard_error(
    noise: float, candidate: int
) -> None:
    spec = spec_of(max_depth=1)
    results, _ = climb(spec, {LINEAR: 0.5, Size(1, 16): 0.31, Size(1, 64): 0.3})
    rows = with_row_losses(results, (1, 16), 0.01, noise)
    rows = [
        replace(r, row_losses=r.row_losses + 0.2)
        if r.candidate == 0 and r.row_losses is not None
        else r
        for r in rows
    ]
    choice = choose(spec, rows)
    assert choice is not None
    assert choice.best.candidate.number == 2
    assert choice.chosen.candidate.number == candidate
    assert [line.as_good for line in choice.sizes][:3] == [False, candidate == 1, True]


def test_without_row_losses_the_scores_of_the_seeds_decide() -> None:
    spec = spec_of(max_depth=1)
    results, _ = climb(spec, {LINEAR: 0.5, Size(1, 16): 0.4, Size(1, 64): 0.3})
    noisy = {0: 0.0, 1: 0.5, 2: -0.3}  # 16 units: 0.1 behind, give or take 0.23
    without = [
        replace(
            r,
            row_losses=None,
            score=(r.score or 0.0) + (noisy[r.repeat] if r.candidate == 1 else 0.0),
        )
        for r in results
    ]
    choice = choose(spec, without)
    assert choice is not None
    assert (choice.best.candidate.number, choice.chosen.candidate.number) == (2, 1)


def test_a_metric_that_is_better_when_larger_decides_what_is_best() -> None:
    spec = ExperimentSpec.model_validate(
        spec_of().model_dump(exclude_unset=True)
        | {
            "compile": {"metrics": ["accuracy"]},
            "fit": {"early_stopping": {"monitor": "val_accuracy"}},
        }
    )
    results, _ = climb(spec, {LINEAR: 0.5, Size(1, 16): 0.7, Size(1, 64): 0.6, Size(1, 256): 0.6})
    choice = choose(spec, [replace(r, row_losses=None) for r in results])
    assert choice is not None
    # What is not listed comes to 1: two layers of 16 are the best, and so are three and four.
    assert choice.best.candidate.number == 4


def test_a_linear_network_that_nothing_beats_says_that_capacity_is_not_the_limit() -> None:
    size, sentences = chosen({LINEAR: 0.5})
    assert size == LINEAR
    assert any(sentence.startswith("Capacity is not the limit") for sentence in sentences)


@pytest.mark.parametrize(
    ("losses", "search", "setting"),
    [
        ({Size(1, 16): 0.4, Size(1, 64): 0.3, Size(1, 256): 0.2}, {}, "search.max_units"),
        ({Size(1, 16): 0.4, Size(2, 16): 0.3}, {"max_depth": 2}, "search.max_depth"),
    ],
)
def test_where_the_largest_won_the_ceiling_was_reached(
    losses: dict[Size, float], search: dict[str, Any], setting: str
) -> None:
    _, sentences = chosen({LINEAR: 0.5, **losses}, **search)
    assert any(s.startswith("Ceiling reached") and setting in s for s in sentences)


def test_the_first_size_that_no_larger_one_beats_is_named() -> None:
    spec = spec_of()
    choice = choose(spec, climb(spec, {LINEAR: 0.5, Size(1, 16): 0.3})[0])
    assert choice is not None
    assert choice.enough is not None
    assert choice.enough.candidate.number == 1
    assert [line.unbeaten for line in choice.sizes][:2] == [False, True]


def test_nothing_is_chosen_where_nothing_has_a_score() -> None:
    spec = spec_of()
    results, reason = climb(spec, dict.fromkeys([LINEAR, Size(1, 16)]))
    assert choose(spec, results) is None
    assert reason == "none of the first 2 sizes has a score"
