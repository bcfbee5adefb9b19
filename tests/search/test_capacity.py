"""A search over capacity climbs until more stops to help, and takes the smallest that will do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.lifecycle import State, StopReason
from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch
from models.trial import Proposal, TrialResult, changed
from search.choice import choose
from search.sentences.sizes import size_sentences
from search.strategies.climb import Size, widths
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude, search_of
from tests.search.results import proposed

LINEAR = Size(0, 0)
ROWS = 200

Losses = Mapping[Size, float | None]


def spec_of(seed: int = 7, **search: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "data": {"dataset": "builtin:digits"},
            "search": {"strategy": "capacity", **search},
            "seed": seed,
        }
    )


def size_of(proposal: Proposal) -> Size:
    network = changed(spec_of(), proposal.changes).network
    assert network is not None
    units = [layer.units for layer in network.layers if layer.layer == "Dense"]
    assert len(units) == len(network.layers)
    assert len(set(units)) <= 1
    return Size(len(units), units[0] if units else 0)


def over(number: int, proposal: Proposal, loss: float | None) -> TrialResult:
    """A trial that came to this loss; None: it diverged."""
    size = size_of(proposal)
    row_losses = None
    if loss is not None:
        noise = np.random.default_rng(proposal.repeat).normal(0, 0.1, ROWS)
        row_losses = (loss + noise - noise.mean()).astype(np.float32)
    return proposed(
        number,
        proposal,
        loss,
        stop_reason=StopReason.DIVERGED if loss is None else StopReason.EARLY_STOPPED,
        parameters=10 + 70 * size.units + size.units**2 * max(0, size.depth - 1),
        row_losses=row_losses,
    )


def climb(spec: ExperimentSpec, losses: Losses) -> tuple[list[TrialResult], str]:
    """Let every proposal come to the loss of its size; what is not listed comes to 1."""
    results: list[TrialResult] = []
    while True:
        step = strategy_for(spec).propose(spec, results)
        if isinstance(step, Conclude):
            return results, step.reason
        assert step
        results += [
            over(len(results) + place, proposal, losses.get(size_of(proposal), 1.0))
            for place, proposal in enumerate(step, start=1)
        ]


def sizes(results: Sequence[TrialResult]) -> list[tuple[int, ...]]:
    """(depth, units) of each candidate, in order."""
    found = {r.candidate: tuple(r.setting.values()) for r in results}
    return [found[candidate] for candidate in sorted(found)]  # type: ignore[misc]


def test_widening_goes_on_past_one_miss_and_stops_after_two() -> None:
    results, reason = climb(
        spec_of(max_units=4096, max_depth=1), {LINEAR: 0.5, Size(1, 64): 0.4, Size(1, 16): 0.6}
    )
    assert sizes(results) == [(0,), (1, 16), (1, 64), (1, 256), (1, 1024)]
    assert reason == "2 larger sizes reached no better val_loss than 1 hidden layer of 64 units"


def test_deepening_is_at_the_best_width_and_stops_after_one_miss() -> None:
    results, reason = climb(
        spec_of(), {LINEAR: 0.5, Size(1, 16): 0.4, Size(1, 64): 0.3, Size(2, 64): 0.2}
    )
    assert sizes(results) == [(0,), (1, 16), (1, 64), (1, 256), (2, 64), (3, 64)]
    assert reason == "3 hidden layers of 64 units did no better than 2 hidden layers of 64 units"


def test_a_linear_network_that_nothing_beats_is_not_deepened() -> None:
    results, reason = climb(spec_of(), {LINEAR: 0.5})
    assert sizes(results) == [(0,), (1, 16), (1, 64)]
    assert reason == "2 larger sizes reached no better val_loss than no hidden layer at all"


def test_the_seeds_are_the_same_for_every_size() -> None:
    results, _ = climb(spec_of(seed=11, seeds=2), {LINEAR: 0.5})
    assert {r.repeat: r.seed for r in results} == {0: 11, 1: 12}
    assert len(results) == 6


def test_a_size_is_queued_as_soon_as_it_cannot_be_avoided_and_no_sooner() -> None:
    spec = spec_of()
    first = strategy_for(spec).propose(spec, ())
    assert not isinstance(first, Conclude)
    assert [size_of(p) for p in first[::3]] == [LINEAR, Size(1, 16)]
    linear = [over(n, p, 0.5) for n, p in enumerate(first[:3], start=1)]
    second = strategy_for(spec).propose(spec, linear)
    assert not isinstance(second, Conclude)
    assert {size_of(p) for p in second} == {Size(1, 16), Size(1, 64)}


def test_a_size_is_not_decided_before_each_of_its_seeds_is() -> None:
    """As where a row was lost, or a smaller size ends after a larger one."""
    spec = spec_of()
    first = strategy_for(spec).propose(spec, ())
    assert not isinstance(first, Conclude)
    without = [over(n, p, 0.5) for n, p in enumerate(first, start=1) if n != 2]
    step = strategy_for(spec).propose(spec, without)
    assert not isinstance(step, Conclude)
    assert [(size_of(p), p.repeat) for p in step] == [(LINEAR, 1)]
    assert strategy_for(spec).propose(spec, [r for r in without if r.candidate == 1]) == first[:3]


@pytest.mark.parametrize(
    ("search", "units"),
    [
        ({}, (16, 64, 256)),
        ({"max_units": 100}, (16, 64, 100)),
        ({"start": 8, "factor": 2, "max_units": 32}, (8, 16, 32)),
        ({"start": 300, "max_units": 300}, (300,)),
    ],
)
def test_widths_grow_by_the_factor_up_to_the_ceiling(
    search: dict[str, Any], units: tuple[int, ...]
) -> None:
    given = spec_of(**search).search
    assert given is not None
    assert given.strategy == "capacity"
    assert widths(given) == units


@pytest.mark.parametrize(("rows", "ceiling"), [(20_000, 256), (20_001, 1024)])
def test_many_rows_raise_the_ceiling(rows: int, ceiling: int) -> None:
    search = spec_of().search
    assert search is not None
    assert search.strategy == "capacity"
    assert search.settled(rows).ceiling == ceiling
    assert search.model_copy(update={"max_units": 99}).settled(rows).ceiling == 99
    assert search.model_copy(update={"start": 2000}).settled(rows).ceiling == 2000


def test_a_size_that_diverged_is_a_miss() -> None:
    results, _ = climb(spec_of(), {LINEAR: 0.5, Size(1, 16): None, Size(1, 64): None})
    assert sizes(results) == [(0,), (1, 16), (1, 64)]


def test_a_size_that_was_pruned_is_neither_a_new_best_nor_chosen() -> None:
    spec = spec_of(max_depth=1)
    results, _ = climb(spec, {LINEAR: 0.5, Size(1, 16): 0.3})
    first = [
        replace(r, stop_reason=StopReason.PRUNED) if r.candidate == 1 and r.repeat == 2 else r
        for r in results
        if r.candidate <= 2
    ]
    step = strategy_for(spec).propose(spec, first)
    assert isinstance(step, Conclude)
    choice = choose(spec, first)
    assert choice is not None
    assert choice.chosen.candidate.number == 0
    assert [line.as_good for line in choice.sizes] == [True, False, False]


def test_the_search_goes_on_where_the_linear_network_has_no_score() -> None:
    results, _ = climb(spec_of(max_depth=1), {LINEAR: None, Size(1, 16): 0.5})
    assert sizes(results) == [(0,), (1, 16), (1, 64), (1, 256)]


def test_sizes_are_compared_over_the_seeds_that_both_have() -> None:
    """The easiest seed of the larger size is lost; on the others it is better."""
    spec = spec_of(max_depth=1)
    by_seed = {LINEAR: (0.1, 0.6, 0.7), Size(1, 16): (0.0, 0.5, 0.6)}
    results: list[TrialResult] = []
    for size, losses in by_seed.items():
        for repeat, loss in enumerate(losses):
            place = list(by_seed).index(size)
            proposal = Proposal(
                candidate=place,
                repeat=repeat,
                seed=7 + repeat,
                setting=size.setting(),
                changes={"network": size.network("relu")},
                reason="test",
            )
            results.append(over(len(results) + 1, proposal, loss))
    results[3] = replace(
        results[3],
        state=State.FAILED,
        stop_reason=StopReason.WORKER_LOST,
        score=None,
        row_losses=None,
    )
    step = strategy_for(spec).propose(spec, results)
    assert not isinstance(step, Conclude)
    # Up to 256 is certain only if 16 counts as the new best.
    assert {size_of(p) for p in step} == {Size(1, 64), Size(1, 256)}


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
