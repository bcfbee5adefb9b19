"""When a search is given up: its trials fail one after the other, and always of the same.

Training more of them would tell nothing new. Other failures, or successes in between, say that the
cause lies in single settings, and the search goes on.
"""

from collections.abc import Sequence

from models import failures
from models.views.base import Problem


def giving_up(latest: Sequence[Problem | None], max_failed: int) -> Problem | None:
    """Why the search is to be given up; None when it goes on.

    Args:
        latest: how the last trials that were trained ended, the newest first: of what they failed,
            None for one that did not. Cancelled ones are left out: they say nothing of a cause.
        max_failed: so many failures in a row with the same code are enough.
    """
    row = latest[:max_failed]
    codes = {None if problem is None else problem.code for problem in row}
    if len(row) < max_failed or len(codes) > 1:
        return None
    newest = row[0]
    if newest is None:
        return None
    what = "A trial" if max_failed == 1 else f"{max_failed} trials in a row"
    return failures.problem(
        failures.SEARCH_GIVEN_UP,
        f"{what} failed with {newest.code}, as many as limits.max_failed allows, so no other is "
        f"started. The last one said: {newest.detail}",
    )
