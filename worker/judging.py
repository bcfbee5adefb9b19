"""Judges a training at its end: what is stored of it in, a judgement out.

Before the transaction that ends the trial, for reading a hundred thousand epochs takes a second.
"""

import logging
from dataclasses import replace

from health.course import course_of
from health.judge import judge
from models.errors import StorageFull, Unavailable
from models.findings import NOT_JUDGED, Judgement
from models.lifecycle import StopReason
from store import trainings
from store.claims import Claim
from store.database import Database

log = logging.getLogger(__name__)

# Those that come first explain the others.
MAX_FINDINGS = 50


class Judging:
    """The judgement on one attempt's training.

    Args:
        claim: of the trial.
        database: with its epochs and measurements.
    """

    def __init__(self, claim: Claim, database: Database) -> None:
        self._claim = claim
        self._database = database

    def judgement(self, stop_reason: StopReason, resumed: int) -> Judgement:
        """What is to be said of the training; a rule that fails must not cost its result.

        Args:
            stop_reason: how it ended.
            resumed: the last epoch before this attempt's own.

        Returns:
            NOT_JUDGED where it cannot be judged, which is a mistake of ours, and logged.

        Raises:
            Unavailable, StorageFull: the database is away or full.
        """
        claim = self._claim
        try:
            with self._database.snapshot() as tx:
                recorded = trainings.recorded_by(tx, claim.lease, resumed)
            course = course_of(
                claim.spec,
                claim.changes,
                claim.profile,
                recorded,
                seed=claim.seed,
                stop_reason=stop_reason,
            )
            judgement = judge(course, spec=claim.spec, changes=claim.changes)
        except (Unavailable, StorageFull):
            raise
        except Exception:
            log.exception("%s cannot be judged", claim.lease)
            return NOT_JUDGED
        return replace(judgement, findings=judgement.findings[:MAX_FINDINGS])
