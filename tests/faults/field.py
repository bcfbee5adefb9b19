"""What an injector knows of the service that it harms: who trains what, and what is harmed already.

It looks before it strikes. Three crashes end a trial by design, so no fault that counts as a crash
may hit a trial that has had two.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from models.errors import EpochdError
from models.lifecycle import State
from models.tables.datasets import ArtifactKind, ArtifactRow
from models.tables.trials import TrialRow
from store.failpoints import Place
from tests.faults.service import Member, Service

DATABASE, BROKER = "database", "broker"
# Crashes that a trial may have had when a fault is to be its next one.
MOST_CRASHES = 1
# Up to so long after an attempt was first seen it is left alone, so that it dies at any age.
RIPE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A trial that runs, and the worker that holds it."""

    trial_id: int
    experiment_id: str
    number: int
    attempt: int
    crashes: int
    holder: Member


def _nothing() -> None:
    """There is nothing to be undone."""


def _at_once() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """Something that was done.

    Attributes:
        thing: what is harmed; it is not harmed twice at a time.
        detail: to whom exactly, for the log.
        seconds: how long it lasts at least.
        over: whether it can be healed then.
        heal: undoes it.
    """

    thing: str
    detail: str = ""
    seconds: float = 0.0
    over: Callable[[], bool] = _at_once
    heal: Callable[[], None] = _nothing


@dataclass(slots=True)
class Field:
    """Where faults happen.

    Attributes:
        harmed: things that are not as they should be at the moment.
        armed: fail points for the next start of a member, by its name.
        struck: trial and attempt of every crash that was caused.
    """

    service: Service
    luck: random.Random
    harmed: set[str] = field(default_factory=set)
    armed: dict[str, str] = field(default_factory=dict)
    struck: set[tuple[int, int]] = field(default_factory=set)
    _ripe_at: dict[tuple[int, int], float] = field(default_factory=dict)
    _running: Sequence[tuple[int, str, int, int, int, str | None]] = ()

    def victims(self) -> list[Victim]:
        """Running trials that may crash once more, none of whose crashes is under way already."""
        members = {
            member.pid: member
            for member in self.service.trainers
            if member.alive and member.name not in self.harmed
        }
        most = 0 if self._somebody_is_going_to_crash() else MOST_CRASHES
        found = []
        for trial_id, experiment_id, number, attempt, crashes, worker in self._look():
            holder = members.get(int((worker or "::").split(":")[1] or 0))
            if holder is None or (trial_id, attempt) in self.struck or crashes > most:
                continue
            found.append(
                Victim(
                    trial_id=trial_id,
                    experiment_id=experiment_id,
                    number=number,
                    attempt=attempt,
                    crashes=crashes,
                    holder=holder,
                )
            )
        return found

    def victim(self) -> Victim | None:
        """One of them, from now on struck; None when there is none."""
        found = [victim for victim in self.victims() if self._is_ripe(victim)]
        return self.strike(self.luck.choice(found)) if found else None

    def _is_ripe(self, victim: Victim) -> bool:
        now, key = time.monotonic(), (victim.trial_id, victim.attempt)
        return now >= self._ripe_at.setdefault(key, now + self.luck.uniform(0, RIPE_SECONDS))

    def _somebody_is_going_to_crash(self) -> bool:
        """Whether a worker carries a fail point: nobody knows whose trial it will hit."""
        armed = any(
            member.alive and member.fail_points and Place.FINISHED not in member.fail_points
            for member in self.service.trainers
        )
        return armed or bool(self.armed)

    def strike(self, victim: Victim) -> Victim:
        """Note that this attempt is going to crash."""
        self.struck.add((victim.trial_id, victim.attempt))
        return victim

    def nobody_is_close_to_the_end(self) -> bool:
        """Whether no trial has had as many crashes as are allowed without being given up."""
        if DATABASE in self.harmed:
            return False
        try:
            with self.service.database.snapshot() as tx:
                crashes = tx.scalars(
                    select(TrialRow.crashes).where(TrialRow.finished_at.is_(None))
                ).all()
        except EpochdError:
            return False
        return max(crashes, default=0) <= MOST_CRASHES

    def checkpoint_of(self, victim: Victim) -> str | None:
        """The key of its newest checkpoint, of whatever attempt."""
        if DATABASE in self.harmed:
            return None
        newest = (
            select(ArtifactRow.key)
            .where(
                ArtifactRow.experiment_id == victim.experiment_id,
                ArtifactRow.trial == victim.number,
                ArtifactRow.kind == ArtifactKind.CHECKPOINT,
            )
            .order_by(ArtifactRow.id.desc())
            .limit(1)
        )
        try:
            with self.service.database.snapshot() as tx:
                return tx.scalar(newest)
        except EpochdError:
            return None

    def unharmed(self, members: Sequence[Member]) -> Member | None:
        """One of these that is well; None when none is."""
        well = [one for one in members if one.alive and one.name not in self.harmed]
        return self.luck.choice(well) if well else None

    def _look(self) -> Sequence[tuple[int, str, int, int, int, str | None]]:
        """While the database is away nothing in it changes, so the last look still holds."""
        if DATABASE in self.harmed:
            return self._running
        columns = (
            TrialRow.id,
            TrialRow.experiment_id,
            TrialRow.number,
            TrialRow.attempt,
            TrialRow.crashes,
            TrialRow.worker,
        )
        try:
            with self.service.database.snapshot() as tx:
                rows = tx.execute(select(*columns).where(TrialRow.state == State.RUNNING)).all()
        except EpochdError:
            return ()
        self._running = rows
        return self._running
