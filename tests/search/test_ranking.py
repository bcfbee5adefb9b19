"""Ranking is fair: repeats count together, and what diverged never wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lifecycle import State, StopReason
from models.trial import TrialResult
from search.conclusion import conclude
from search.ranking import compare, ranked


def trial(
    number: int,
    score: float | None,
    *,
    candidate: int | None = None,
    repeat: int = 0,
    stop_reason: StopReason = StopReason.COMPLETED,
    state: State = State.SUCCEEDED,
) -> TrialResult:
    return TrialResult(
        number=number,
        candidate=number if candidate is None else candidate,
        repeat=repeat,
        seed=7 + repeat,
        setting={"learning_rate": 10.0**-number},
        changes={"compile.optimizer.learning_rate": 10.0**-number},
        state=state,
        stop_reason=stop_reason,
        metric="val_loss",
        score=score,
        best_epoch=None if score is None else 2,
        epochs=4,
        parameters=10,
        seconds=2.0,
    )


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


def test_a_setting_that_diverged_for_one_seed_cannot_win() -> None:
    results = [
        trial(1, 0.1, candidate=0, repeat=0),
        trial(2, None, candidate=0, repeat=1, stop_reason=StopReason.DIVERGED),
        trial(3, 0.5, candidate=1, repeat=0),
        trial(4, 0.7, candidate=1, repeat=1),
    ]
    conclusion = conclude(results, metric="val_loss", mode="min", reason="all settings tried")
    assert conclusion.winner is not None
    assert conclusion.winner.trial == 3
    assert conclusion.ranking[0].score == pytest.approx(0.6)
    assert conclusion.ranking[0].standard_deviation == pytest.approx(0.1414, abs=1e-4)
    assert conclusion.ranking[1].rank is None


def test_a_repeat_lost_with_its_worker_says_nothing_against_its_setting() -> None:
    lost = trial(
        2, None, candidate=0, repeat=1, state=State.FAILED, stop_reason=StopReason.WORKER_LOST
    )
    assert ranked([trial(1, 0.1, candidate=0), lost], "min")[0].score == pytest.approx(0.1)


def test_nothing_wins_where_nothing_has_a_score() -> None:
    conclusion = conclude(
        [trial(1, None, stop_reason=StopReason.DIVERGED)],
        metric="val_loss",
        mode="min",
        reason="the one setting tried",
    )
    assert conclusion.winner is None
    assert "diverged" in conclusion.summary[0]


def test_the_summary_says_who_won_with_what_and_when() -> None:
    conclusion = conclude(
        [trial(1, 0.69), trial(2, 0.41), trial(3, None, stop_reason=StopReason.DIVERGED)],
        metric="val_loss",
        mode="min",
        reason="all 3 settings tried",
    )
    assert conclusion.summary == (
        "learning_rate 0.01 won with val_loss 0.41 at epoch 2.",
        "learning_rate 0.1 reached val_loss 0.69 at epoch 2.",
        "learning_rate 0.001 diverged in epoch 4.",
    )


def test_curves_are_aligned_and_averaged_over_the_repeats_that_got_that_far() -> None:
    results = [trial(1, 0.5, candidate=0), trial(2, 0.3, candidate=0, repeat=1)]
    curves: dict[int, list[dict[str, float | None]]] = {
        1: [{"loss": 1.0}, {"loss": 0.5}, {"loss": None}],
        2: [{"loss": 3.0}],
    }
    comparison = compare(results, curves, metric="val_loss", mode="min")
    assert comparison.epochs == (1, 2, 3)
    assert comparison.candidates[0].curves == {"loss": (2.0, 0.5, None)}
