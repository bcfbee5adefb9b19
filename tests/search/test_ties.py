"""Who is as good as the best is decided by rows, and their losses are loaded for the best alone."""

from hypothesis import given
from hypothesis import strategies as st

from models.lifecycle import State, StopReason
from models.trial import TrialResult
from search.ranking import ranked
from search.ties import MAX_CONTENDERS, MAX_CONTENDING_TRIALS, Verdict, contenders, standings
from tests.search.results import trial


def verdicts(*results: TrialResult) -> list[Verdict]:
    return [standing.verdict for standing in standings(ranked(results, "min"), 0.3)]


def test_a_difference_within_one_standard_error_is_a_tie_and_one_beyond_is_not() -> None:
    best = trial(1, 0.10, losses=[1.0, 2.0, 3.0, 4.0])
    close = trial(2, 0.11, losses=[1.1, 1.9, 3.1, 4.0])
    far = trial(3, 0.12, losses=[1.1, 2.1, 3.1, 4.2])
    assert verdicts(best, close, far) == [Verdict.BEST, Verdict.AS_GOOD, Verdict.WORSE]


def test_rows_that_cost_less_are_no_reason_to_be_called_worse() -> None:
    best = trial(1, 0.10, losses=[1.0, 2.0, 3.0])
    assert verdicts(best, trial(2, 0.2, losses=[0.5, 1.5, 2.5]))[1] is Verdict.AS_GOOD


def test_without_rows_to_compare_by_nothing_is_decided() -> None:
    order = standings(
        ranked(
            [
                trial(1, 0.1, losses=[1.0, 2.0]),
                trial(2, 0.2),
                trial(3, None, stop_reason=StopReason.DIVERGED),
            ],
            "min",
        ),
        0.3,
    )
    assert [each.verdict for each in order] == [Verdict.BEST, Verdict.UNDECIDED, Verdict.NO_SCORE]
    assert [each.tied for each in order] == [None, None, None]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=120),
    st.integers(1, 100),
    st.sampled_from(["min", "max"]),
)
def test_the_row_losses_of_a_bounded_number_of_the_best_are_wanted(
    scores: list[float | None], repeats: int, mode: str
) -> None:
    results = [
        trial(candidate * repeats + repeat + 1, score, candidate=candidate, repeat=repeat)
        for candidate, score in enumerate(scores)
        for repeat in range(repeats)
    ]
    way = "min" if mode == "min" else "max"
    wanted = contenders(results, way)  # type: ignore[arg-type] # mypy widens the conditional
    assert len(wanted) <= MAX_CONTENDING_TRIALS
    chosen = {result.candidate for result in results if result.number in wanted}
    assert len(chosen) <= MAX_CONTENDERS
    assert len(wanted) == len(chosen) * repeats
    inside = [score for each, score in enumerate(scores) if each in chosen and score is not None]
    outside = [s for each, s in enumerate(scores) if each not in chosen and s is not None]
    assert len(inside) == len(chosen)
    if inside and outside:
        assert max(inside) <= min(outside) if mode == "min" else min(inside) >= max(outside)
        assert len(chosen) == min(MAX_CONTENDERS, MAX_CONTENDING_TRIALS // repeats)


def test_nobody_contends_without_a_score() -> None:
    assert contenders([], "min") == frozenset()
    assert contenders([trial(1, 0.1, state=State.FAILED)], "min") == frozenset()
