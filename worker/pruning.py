"""Asks, while a trial trains, whether it falls so far behind that it is to end.

Only where the spec wants that. It never holds a training up for long, and while the database is
away nobody is pruned.
"""

import logging
import time

from models.errors import StorageFull, Unavailable
from models.monitor import monitored
from models.specs.search import PrunableSearch
from search.pruning.falling_behind import falls_behind, rule_of
from store import rivals
from store.claims import Claim
from store.database import Database

log = logging.getLogger(__name__)

# The least between two questions.
PAUSE_SECONDS = 1.0
# No more of the time goes into asking than one part in so many.
SHARE = 20


class Pruning:
    """The questions of one attempt.

    Args:
        claim: of the trial.
        database: with the epochs of its siblings.
    """

    def __init__(self, claim: Claim, database: Database) -> None:
        spec = claim.spec
        wanted = spec.search.prune if isinstance(spec.search, PrunableSearch) else None
        self._rule = None if wanted is None else rule_of(wanted)
        self._judged = monitored(spec.compile, spec.fit)
        self._lease = claim.lease
        self._database = database
        self._asked_at = 0  # epochs
        self._due = 0.0

    def reason(self, written: int) -> str | None:
        """Why the training is to end; None when it goes on.

        Args:
            written: the last epoch of it that is in the database.
        """
        epoch = None if self._rule is None else self._rule.judged_at(written)
        begun = time.monotonic()
        if self._rule is None or epoch is None or epoch <= self._asked_at or begun < self._due:
            return None
        try:
            with self._database.snapshot() as tx:
                reached = rivals.reached(tx, self._lease, epoch, self._judged)
        except (Unavailable, StorageFull) as away:
            log.warning("%s is not compared with its siblings: %s", self._lease, away)
            reached = ()
        else:
            self._asked_at = epoch
        now = time.monotonic()
        self._due = now + max(PAUSE_SECONDS, SHARE * (now - begun))
        prune = falls_behind(self._rule, epoch, self._lease.number, reached, self._judged)
        return None if prune is None else prune.reason
