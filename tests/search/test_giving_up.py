"""When a search is given up."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from models import failures
from models.views.base import Problem
from search.giving_up import giving_up

CODES = (None, "out_of_memory", "timed_out")
ENDS = st.lists(st.sampled_from(CODES), max_size=8)


def ends(codes: Sequence[str | None]) -> list[Problem | None]:
    """The newest first."""
    return [
        None if code is None else failures.problem(code, f"It ended by {code}.") for code in codes
    ]


@given(codes=ENDS, max_failed=st.integers(1, 5))
def test_so_many_failures_of_the_same_in_a_row_and_no_other_ends_give_it_up(
    codes: list[str | None], max_failed: int
) -> None:
    given_up = giving_up(ends(codes), max_failed)
    alike = next((n for n, code in enumerate(codes) if code != codes[0]), len(codes))
    assert (given_up is not None) == (bool(codes) and codes[0] is not None and alike >= max_failed)


def test_it_says_of_what_they_failed_and_what_the_last_one_said() -> None:
    problem = giving_up(ends(["out_of_memory"] * 3), 3)
    assert problem is not None
    assert problem.code == failures.SEARCH_GIVEN_UP
    assert problem.detail == (
        "3 trials in a row failed with out_of_memory, as many as limits.max_failed allows, so no "
        "other is started. The last one said: It ended by out_of_memory."
    )
