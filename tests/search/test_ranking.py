"""Ranking is fair: repeats count together; what diverged, failed or was cancelled never wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lifecycle import State, StopReason
from search.ranking import ranked
from tests.search.results import trial


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=20))
def test_scores_are_in_order_and_missing_ones_come_last(scores: list[float | None]) -> None:
    order = [
        scored.score for scored in ranked([trial(n, s) for n, s in enumerate(scores, 1)], "min")
    ]
    present = [score for score in order if score is not None]
    assert present == sorted(present)
    assert order[len(present) :] == [None] * (len(order) - len(present))


def test_larger_is_better_where_the_metric_says_so() -> None:
    assert [s.score for s in ranked([trial(1, 0.2), trial(2, 0.9)], "max")] == [0.9, 0.2]


def test_a_setting_of_which_a_repeat_was_pruned_comes_after_what_was_trained_to_its_end() -> None:
    results = [
        trial(1, 0.1, candidate=0, repeat=0, stop_reason=StopReason.PRUNED),
        trial(2, 0.1, candidate=0, repeat=1),
        trial(3, None, candidate=1, stop_reason=StopReason.DIVERGED),
        trial(4, 0.9, candidate=2),
        trial(5, 0.5, candidate=3),
        trial(6, 0.3, candidate=4, stop_reason=StopReason.PRUNED),
    ]
    order = [candidate.number for candidate in ranked(results, "min")]
    assert order == [3, 2, 0, 4, 1]


def test_a_setting_that_diverged_for_one_seed_cannot_win() -> None:
    results = [
        trial(1, 0.1, candidate=0, repeat=0),
        trial(2, None, candidate=0, repeat=1, stop_reason=StopReason.DIVERGED),
        trial(3, 0.5, candidate=1, repeat=0),
        trial(4, 0.7, candidate=1, repeat=1),
    ]
    first, second = ranked(results, "min")
    assert first.score == pytest.approx(0.6)
    assert first.standard_deviation == pytest.approx(0.1414, abs=1e-4)
    assert second.score is None


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_repeat_that_was_lost_says_nothing_for_or_against_its_setting(state: State) -> None:
    lost = trial(2, 0.001, candidate=0, repeat=1, state=state, stop_reason=StopReason.WORKER_LOST)
    assert ranked([trial(1, 0.1, candidate=0), lost], "min")[0].score == pytest.approx(0.1)


def test_a_running_trial_ranks_by_what_it_has_reached_so_far() -> None:
    running = trial(2, 0.01, state=State.RUNNING)
    assert [s.score for s in ranked([trial(1, 0.1), running], "min")] == [0.01, 0.1]
