"""A search over capacity climbs until more stops to help."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from models.lifecycle import State, StopReason
from models.trial import Proposal, TrialResult
from search.choice import choose
from search.strategies.climb import Size, widths
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude
from tests.search.climbing import LINEAR, climb, over, size_of, spec_of


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
