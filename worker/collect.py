"""Removes stored files that no row names: of workers that were killed between a file and its row.

Now and then, in the control worker. Two of them at once are no matter; a file of an attempt that
goes on, or of a store under way, is never touched.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from sqlalchemy.orm import Session

from models.errors import ArtifactMissing, ArtifactsUnavailable
from store import keys, orphans
from store.artifacts import Artifacts
from store.database import Database

log = logging.getLogger(__name__)

# A store under way takes seconds, minutes at most.
AGE_SECONDS = 3600.0
# Nothing but its age tells an upload that is about to get its row from one that never will, and
# a folder that is being copied keeps the times of its files; so they get that much longer.
UPLOAD_AGE_FACTOR = 24
# So many files are judged in one transaction.
AT_ONCE = 500

Judge = Callable[[Session, Collection[str]], tuple[str, ...]]


class Collector:
    """Looks through the whole store.

    Args:
        drain: set when the worker is to end; a round that is under way ends then.
        age: in seconds; what is younger stays, and uploads UPLOAD_AGE_FACTOR times that.
    """

    def __init__(
        self,
        *,
        database: Database,
        artifacts: Artifacts,
        drain: threading.Event,
        age: float = AGE_SECONDS,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._drain = drain
        self._age = age

    def collect(self) -> None:
        """One round. A store that is away is no reason for more than a line in the log.

        Raises:
            Unavailable: the database is away.
        """
        try:
            self._collect(keys.EXPERIMENTS, orphans.of_experiments, self._age)
            self._collect(keys.UPLOADS, orphans.of_uploads, UPLOAD_AGE_FACTOR * self._age)
            self._artifacts.tidy(UPLOAD_AGE_FACTOR * self._age)
        except ArtifactsUnavailable as away:
            log.warning("orphaned files are not collected: %s", away)

    def _collect(self, prefix: str, judge: Judge, age: float) -> None:
        for listed in _portions(self._artifacts.keys(prefix)):
            if self._drain.is_set():
                return
            with self._database.snapshot() as tx:  # begun after the files were listed
                found = judge(tx, listed)
            for key in found:
                self._remove(key, age)

    def _remove(self, key: str, age: float) -> None:
        try:
            old = self._artifacts.age(key) >= age
        except ArtifactMissing:  # another was quicker
            return
        if old:
            log.info("%s is removed: nothing names it", key)
            self._artifacts.delete(key)


def _portions(listed: Iterator[str]) -> Iterator[tuple[str, ...]]:
    while portion := tuple(islice(listed, AT_ONCE)):
        yield portion
