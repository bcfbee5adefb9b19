"""Which tests stay in one process when several processes share the suite.

Most tests may run beside any other. Those that harm a whole service, or say how soon something has
to happen, form one lane: within it they run one after the other, so they never compete among
themselves. Those that share warm workers form another, so that TensorFlow starts once for all. And
where the tests of a file share what takes seconds to make, it is made in one process alone.
"""

import os
from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

CLOCK = frozenset(
    {
        "tests/api/test_long_polls.py",
        "tests/epochd",
        "tests/faults",
        "tests/store/test_lost_connections.py",
        "tests/trainer/test_killed_trainer.py",
        "tests/worker/test_drain.py",
        "tests/worker/test_grace.py",
        "tests/worker/test_heart.py",
        "tests/worker/test_repeating.py",
        "tests/worker/test_resuming.py",
        "tests/worker/test_supervisor.py",
        "tests/worker/test_watchdog.py",
    }
)
"""Files, and folders with all that is in them."""
SITES = frozenset(
    {
        "tests/production",
        "tests/worker/test_conclusions.py",
        "tests/worker/test_end_to_end.py",
        "tests/worker/test_exact_resume.py",
        "tests/worker/test_messages.py",
        "tests/worker/test_pruning.py",
        "tests/worker/test_repairs.py",
        "tests/worker/test_search_survives.py",
        "tests/worker/test_steering.py",
    }
)
SHARING = frozenset(
    {
        "tests/benchmarks/test_health.py",
        "tests/health/test_real_trainings.py",
        "tests/trainer/test_devices.py",
        "tests/trainer/test_exact_resume.py",
    }
)


NICENESS = 10


def _places(nodeid: str) -> set[str]:
    file = PurePosixPath(nodeid.partition("::")[0])
    return {str(file), str(file.parent)}


def lane(nodeid: str) -> str | None:
    """The lane of a test, if it is in one."""
    places = _places(nodeid)
    if places & CLOCK:
        return "clock"
    return "sites" if places & SITES else None


def step_back(nodeid: str) -> None:
    """Leave the cores to the lanes, whose trainers are as nice and have to start in time.

    Once for all: a process has its lane first, and nobody but root may become less nice again.
    """
    if lane(nodeid) is None and os.nice(0) < NICENESS:
        os.nice(NICENESS)


class Lanes(LoadScopeScheduling):  # type: ignore[misc] # untyped
    """Hands out lanes as a whole, those of most tests first, then all other tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        shared = _places(nodeid) & SHARING
        return lane(nodeid) or next(iter(shared), nodeid)
