"""Which tests stay in one process when several processes share the suite.

Most tests may run beside any other. Those that harm a whole service, or say how soon something has
to happen, form one lane: within it they run one after the other, so they never compete among
themselves. Those that share warm workers form another, so that TensorFlow starts once for all.
"""

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
        "tests/worker/test_faults.py",
        "tests/worker/test_grace.py",
        "tests/worker/test_heart.py",
        "tests/worker/test_repeating.py",
        "tests/worker/test_resuming.py",
        "tests/worker/test_supervisor.py",
        "tests/worker/test_watchdog.py",
    }
)
"""Files, and folders with all that is in them."""
SITES = frozenset({"tests/production", "tests/worker"})


class Lanes(LoadScopeScheduling):  # type: ignore[misc] # untyped
    """Hands out lanes as a whole, the longest first, and then all other tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        places = {str(file), str(file.parent)}
        if places & CLOCK:
            return "clock"
        return "sites" if places & SITES else nodeid
