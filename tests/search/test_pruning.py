"""Which trials are ended before their time, by both rules."""

import math
from dataclasses import replace
from statistics import median

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.lifecycle import StopReason
from models.monitor import Monitored
from models.specs.prune import AshaPrune, MedianPrune
from models.trial import Reached
from search.pruning.asha import Asha
from search.pruning.falling_behind import falls_behind
from search.pruning.median import Median
from search.pruning.rule import Rule

LOSS = Monitored("val_loss", "min")
ACCURACY = Monitored("val_accuracy", "max")
EPOCH = 9

NUMBERS = st.floats(0.01, 100, allow_nan=False).map(lambda value: round(value, 3))
RULES = st.one_of(
    st.builds(
        lambda warmup, trials: Median(
            MedianPrune(rule="median", warmup_epochs=warmup, min_trials=trials)
        ),
        st.integers(1, EPOCH),
        st.integers(1, 6),
    ),
    st.builds(
        lambda first, reduction: Asha(
            AshaPrune(rule="asha", min_epochs=first, reduction=reduction)
        ),
        st.integers(1, EPOCH),
        st.integers(2, 5),
    ),
)


def reached(number: int, best: float, **more: object) -> Reached:
    """A trial of a setting of its own, whose values were all alike."""
    usual = Reached(
        number=number,
        candidate=number,
        repeat=0,
        stop_reason=None,
        epochs=EPOCH,
        best=best,
        mean=best,
    )
    return replace(usual, **more)  # type: ignore[arg-type]


@st.composite
def fields(draw: st.DrawFn) -> list[Reached]:
    """Trials of a minimised metric: on average none is better than at its best."""
    bests = draw(st.lists(NUMBERS, min_size=1, max_size=12))
    return [
        reached(number, best, mean=best + draw(st.floats(0, 5)))
        for number, best in enumerate(bests, start=1)
    ]


def ends(rule: Rule, trials: list[Reached], number: int, judged: Monitored = LOSS) -> bool:
    return falls_behind(rule, EPOCH, number, trials, judged) is not None


@given(RULES, fields())
def test_the_best_of_all_always_goes_on(rule: Rule, trials: list[Reached]) -> None:
    best = min(trials, key=lambda trial: trial.best)
    assert not ends(rule, trials, best.number)


@given(RULES, fields(), st.randoms(use_true_random=False))
def test_the_order_of_the_siblings_does_not_matter(
    rule: Rule, trials: list[Reached], random: object
) -> None:
    shuffled = list(trials)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ends(rule, trials, 1) == ends(rule, shuffled, 1)


@given(RULES, fields())
def test_a_metric_to_be_maximised_is_judged_the_other_way_round(
    rule: Rule, trials: list[Reached]
) -> None:
    mirrored = [replace(trial, best=-trial.best, mean=-trial.mean) for trial in trials]
    assert ends(rule, trials, 1) == ends(rule, mirrored, 1, ACCURACY)


@given(RULES, fields(), st.floats(0.001, 10))
def test_a_better_trial_is_not_ended_where_a_worse_one_would_go_on(
    rule: Rule, trials: list[Reached], gain: float
) -> None:
    better = [replace(trials[0], best=trials[0].best - gain), *trials[1:]]
    assert ends(rule, trials, 1) or not ends(rule, better, 1)


@given(RULES, st.integers(1, 10_000), st.integers(1, 10_000))
def test_the_epoch_of_a_comparison_never_falls_and_has_been_trained(
    rule: Rule, one: int, other: int
) -> None:
    earlier, later = (rule.judged_at(epoch) or 0 for epoch in sorted((one, other)))
    assert 0 <= earlier <= later <= max(one, other)


@given(fields(), st.integers(1, 6))
def test_the_median_rule_is_that_of_its_definition(trials: list[Reached], least: int) -> None:
    rule = Median(MedianPrune(rule="median", min_trials=least))
    first, *others = trials
    behind = len(others) >= least and first.best > median(other.mean for other in others)
    assert ends(rule, trials, 1) == behind


@pytest.mark.parametrize(("epoch", "at"), [(1, None), (4, None), (5, 5), (6, 6), (100, 100)])
def test_the_median_rule_waits_for_the_warm_up(epoch: int, at: int | None) -> None:
    assert Median(MedianPrune(rule="median", warmup_epochs=5)).judged_at(epoch) == at


@pytest.mark.parametrize(
    ("epoch", "at"), [(1, None), (2, 2), (5, 2), (6, 6), (17, 6), (18, 18), (60, 54)]
)
def test_the_rungs_are_powers_of_the_reduction_apart(epoch: int, at: int | None) -> None:
    rule = Asha(AshaPrune(rule="asha", min_epochs=2, reduction=3))
    assert rule.judged_at(epoch) == at


@given(st.lists(NUMBERS, min_size=1, max_size=12, unique=True), st.integers(2, 5))
def test_of_those_at_a_rung_one_in_so_many_goes_on(bests: list[float], reduction: int) -> None:
    rule = Asha(AshaPrune(rule="asha", reduction=reduction))
    trials = [reached(number, best) for number, best in enumerate(bests, start=1)]
    go_on = sorted(trial.best for trial in trials if not ends(rule, trials, trial.number))
    places = math.floor(len(bests) / reduction) or len(bests)  # too few to choose from
    assert go_on == sorted(bests)[:places]


@given(RULES, fields())
def test_repeats_of_one_setting_are_not_compared(rule: Rule, trials: list[Reached]) -> None:
    alike = [replace(trial, candidate=1, repeat=trial.number) for trial in trials]
    assert not any(ends(rule, alike, trial.number) for trial in alike)


@given(RULES, fields())
def test_a_repeat_follows_one_that_was_pruned(rule: Rule, trials: list[Reached]) -> None:
    twin = replace(
        trials[0], number=100, repeat=1, epochs=2, stop_reason=StopReason.PRUNED, best=0.0, mean=0.0
    )
    assert ends(rule, [*trials, twin], 1)


@given(RULES, fields())
def test_what_was_cut_short_earlier_says_nothing_of_this_epoch(
    rule: Rule, trials: list[Reached]
) -> None:
    assume(len(trials) > 1)
    cut = [replace(t, epochs=EPOCH - 1, stop_reason=StopReason.PRUNED) for t in trials[1:]]
    assert not ends(rule, [trials[0], *cut], 1)


def test_nobody_is_judged_without_a_value_of_its_own() -> None:
    rule = Median(MedianPrune(rule="median", min_trials=1))
    assert not ends(rule, [reached(2, 0.1)], 1)


def test_the_reason_names_the_figures() -> None:
    trials = [reached(1, 2.302), reached(2, 0.4), reached(3, 0.6)]
    median = Median(MedianPrune(rule="median", min_trials=2))
    by_median = falls_behind(median, EPOCH, 1, trials, LOSS)
    assert by_median is not None
    assert by_median.reason == (
        "Its best val_loss in 9 epochs, 2.302, is worse than 0.5, the median of the averages until "
        "then of 2 trials of other settings."
    )
    by_rung = falls_behind(Asha(AshaPrune(rule="asha", reduction=3)), EPOCH, 1, trials, LOSS)
    assert by_rung is not None
    assert by_rung.reason == (
        "Its best val_loss in 9 epochs, 2.302, is number 3 of 3 trials that have come so far, and "
        "one in 3 goes on."
    )
