"""The short form of `make faults`: a few trials and one fault of each worst kind, on PostgreSQL."""

from pathlib import Path

import pytest

from tests.faults.campaign import Campaign, run
from tests.faults.kinds import KINDS

FAULTS = (
    "worker and trainer killed",
    "database killed",
    "API killed before it answers",
    "broker killed",
    "worker stopped beyond its lease",
    "checkpoint damaged",
    "worker told to end",
    "database cut off",
)
TRIALS = 8
# Two cores that others keep busy take half a minute to import TensorFlow.
RESUMED_SECONDS = 90.0


# Its parts have their own limits, which together are more than a test may usually take.
@pytest.mark.timeout(900)
def test_what_is_trained_under_fire_is_what_is_trained_in_peace(tmp_path: Path) -> None:
    kinds = {kind.name: kind for kind in KINDS}
    campaign = Campaign(
        database="postgresql",
        trials=TRIALS,
        faults=len(FAULTS),
        minutes=3.0,
        recipes=("batchnorm", "stopping"),
        seeds=2,
        kinds=[kinds[name] for name in FAULTS],
    )

    result = run(campaign, tmp_path / "campaign", print)

    verdict = result.verdict
    assert verdict.is_clean, "\n".join(verdict.notes)
    assert verdict.accepted == TRIALS
    assert verdict.finished + verdict.cancelled == TRIALS
    assert verdict.slowest_resume < RESUMED_SECONDS
    assert result.faults.total() == len(FAULTS)
