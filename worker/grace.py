"""Decides whether a silent worker may be taken for dead, or whether nobody could have been heard.

A database that was stopped and goes on, a machine that slept, or a clock that was set raises no
error anywhere, yet every lease looks overdue at once. No lease may be judged then before its owner
had the time to renew it.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

log = logging.getLogger(__name__)

# Of a lease: a pause of the database that is shorter leaves every live worker time to renew, as it
# does so at least twice a lease.
LONGEST_PAUSE = 1 / 2
# Of a lease: how far the database's clock may run ahead of ours, or behind, between two answers.
LONGEST_LEAP = 1 / 3


@dataclass(frozen=True, slots=True)
class _Answer:
    """The database's time, between two moments of this process's own steady clock."""

    time: datetime
    asked_at: float
    came_at: float


class GracePeriod:
    """Watches the database's answers; judges it to be awake once it was so for a whole lease.

    Args:
        lease: seconds.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._last: _Answer | None = None
        self._judge_at = time.monotonic() + lease

    def restart(self) -> None:
        """The database was away, or whoever watches was; wait a lease from now on."""
        self._judge_at = time.monotonic() + self._lease

    def answered(self, now: datetime, *, asked_at: float) -> None:
        """Take note of an answer that came at this moment.

        Args:
            now: the database's time.
            asked_at: when it was asked, by this process's steady clock.
        """
        answer = _Answer(now, asked_at, time.monotonic())
        reason = self._disturbance(answer)
        if reason is not None:
            log.warning("no lease is judged for %g s: %s", self._lease, reason)
            self.restart()
        self._last = answer

    def may_judge(self) -> bool:
        """Whether a worker that is silent now is dead."""
        return time.monotonic() >= self._judge_at

    def _disturbance(self, answer: _Answer) -> str | None:
        last = self._last
        pause = answer.came_at - (answer.asked_at if last is None else last.came_at)
        if pause > LONGEST_PAUSE * self._lease:
            return f"the database was not heard of for {pause:.1f} s"
        if last is None:
            return None
        leap = _leap(last, answer)
        if abs(leap) > LONGEST_LEAP * self._lease:
            return f"the database's clock went {leap:+.1f} s against this machine's"
        return None


def _leap(last: _Answer, answer: _Answer) -> float:
    """Seconds by which the database's clock certainly went ahead of ours, or fell behind (< 0)."""
    theirs = (answer.time - last.time) / timedelta(seconds=1)
    most, least = answer.came_at - last.asked_at, answer.asked_at - last.came_at
    return theirs - most if theirs > most else min(0.0, theirs - least)
