"""One trial and what is done to it: the steps that focused fault tests are made of."""

import itertools
import random
import signal
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import ClassVar

from tests.faults.client import Accepted, Client
from tests.faults.field import Field, Victim
from tests.faults.judge import Judge, Verdict
from tests.faults.plan import FIRST_SEED, Order
from tests.faults.reference import References
from tests.faults.service import Member, Service, until

SECONDS = 90.0
# How long a lock of SQLite may be held by one who is not stopped.
LOCK_SECONDS = 1.0


class Scene:
    """A service that runs, a client of it, and what trials come to that nothing disturbs."""

    RECIPE: ClassVar[str] = "dropout"
    SEED: ClassVar[int] = FIRST_SEED
    _numbers: ClassVar["itertools.count[int]"] = itertools.count(1)

    def __init__(self, service: Service, client: Client, references: References) -> None:
        self.service = service
        self.client = client
        self._judge = Judge(service.database, service.store, references)

    def submit(self, trials: int = 1) -> Accepted:
        """POST one experiment of the recipe."""
        order = Order(
            key=f"scene-{next(self._numbers)}", recipe=self.RECIPE, seed=self.SEED, trials=trials
        )
        accepted = self.client.submit(order)
        assert accepted is not None
        return accepted

    def everything_runs(self) -> None:
        """Start anew what an earlier test has left dead, or with fail points."""
        for member in self.service.members:
            if not member.alive or member.fail_points:
                member.end()
                member.start()

    def only(self, member: Member, fail_points: str) -> None:
        """Let this be the only train worker, with fail points."""
        for other in self.service.trainers:
            other.end()
        member.start(fail_points)

    def victim(self, accepted: Accepted) -> Victim:
        """Its running trial, once that has a checkpoint."""
        field = Field(self.service, random.Random(0))  # noqa: S311 - nothing is drawn

        def found() -> Victim | None:
            return next(
                (
                    victim
                    for victim in field.victims()
                    if victim.experiment_id == accepted.id and field.checkpoint_of(victim)
                ),
                None,
            )

        return until(found, "a checkpoint", SECONDS)

    def stop(self, member: Member) -> None:
        """SIGSTOP it, but not while it holds SQLite's only lock: that would stop everybody."""

        def stopped() -> bool:
            member.send(signal.SIGSTOP)
            file = self.service.sqlite_file()
            with closing(
                sqlite3.connect(file, isolation_level=None, timeout=LOCK_SECONDS)
            ) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    member.send(signal.SIGCONT)
                    return False
                other.execute("ROLLBACK")
                return True

        until(stopped, f"{member.name} stopped outside a transaction", SECONDS)

    def died(self, member: Member) -> int:
        """Wait for its end; its exit status, which is minus the signal's number."""
        return member.wait(SECONDS)

    def wait_for(self, look: Callable[[], bool], what: str) -> None:
        """Until it is so."""
        until(look, what, SECONDS)

    def verdict(self, accepted: Accepted) -> Verdict:
        """What became of it, once it is over."""
        self.client.follow(accepted)
        return self._judge.judge([accepted], self.client.unexpected)


def figures(verdict: Verdict) -> Mapping[str, int]:
    """What has to be exact, whatever is done to a trial."""
    return {
        "finished": verdict.finished,
        "epochs missing": verdict.epochs_missing,
        "epochs doubled or different": verdict.epochs_wrong,
        "other weights": verdict.weights_differ,
        "stale writes accepted": verdict.stale_writes,
        "experiments doubled": verdict.experiments_doubled,
        "broken histories": verdict.illegal_histories,
    }


EXACT = {
    "finished": 1,
    "epochs missing": 0,
    "epochs doubled or different": 0,
    "other weights": 0,
    "stale writes accepted": 0,
    "experiments doubled": 0,
    "broken histories": 0,
}
