"""Deals faults from a shuffled deck, one after the other, and undoes those that do not last.

What dies is started again at once, as a service manager does.
"""

import logging
import random
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.faults.field import BROKER, DATABASE, Field, Harm
from tests.faults.kinds import KINDS, Kind
from tests.faults.service import Member, Service

log = logging.getLogger(__name__)

# How long a fault that finds nothing to strike at is tried before the next of the deck.
TRIED_SECONDS = 6.0
# A member that is asked to end has to be gone by then.
DRAIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Ongoing:
    """A fault that is not healed yet."""

    kind: str
    harm: Harm
    since: float


def deck(service: Service, count: int, luck: random.Random) -> deque[Kind]:
    """So many faults in a random order, each kind by its share."""
    kinds = [kind for kind in KINDS if kind.only in {None, service.kind}]
    cards: list[Kind] = []
    while len(cards) < count:
        more = [kind for kind in kinds for _ in range(kind.share)]
        luck.shuffle(more)
        cards += more
    return deque(cards[:count])


class Injector:
    """Harms a service.

    Args:
        service: that runs.
        cards: what is to be done to it.
        luck: chooses to whom.
    """

    def __init__(self, service: Service, cards: Sequence[Kind], luck: random.Random) -> None:
        self._service = service
        self._field = Field(service, luck)
        self._cards = deque(cards)
        self._ongoing: list[_Ongoing] = []
        self._tried_since: float | None = None
        self.struck: Counter[str] = Counter()
        self.restarts = 0
        self.slowest_end = 0.0
        """Seconds that the slowest of those took that were asked to end."""

    @property
    def left(self) -> int:
        """Faults still to come."""
        return len(self._cards)

    def strike(self) -> str | None:
        """Do what the next card says, if that is possible now; what was done, in words."""
        if not self._cards:
            return None
        kind = self._cards[0]
        harm = kind.strike(self._field)
        if harm is None:
            self._put_off()
            return None
        self._cards.popleft()
        self._tried_since = None
        self._field.harmed.add(harm.thing)
        self._ongoing.append(_Ongoing(kind.name, harm, time.monotonic()))
        self.struck[kind.name] += 1
        log.info("%s: %s (%s)", kind.name, harm.detail, harm.thing)
        return f"{kind.name} ({harm.detail})" if harm.detail else kind.name

    def tend(self) -> None:
        """Heal what has lasted long enough, and start again what is dead."""
        now = time.monotonic()
        for one in list(self._ongoing):
            lasted = now - one.since
            if lasted >= one.harm.seconds and one.harm.over():
                self._heal(one)
            elif lasted > one.harm.seconds + DRAIN_SECONDS:
                log.error("%s (%s) is not over after %.0f s", one.kind, one.harm.detail, lasted)
                self._kill(one.harm.thing)
        for member in self._service.members:
            if not member.alive:
                self._start_again(member)

    def end(self) -> None:
        """Let everything be well again; faults that are still to come do not."""
        self._cards.clear()
        self._field.armed.clear()
        while self._ongoing:
            self.tend()
            for one in list(self._ongoing):
                if one.harm.over():
                    self._heal(one)
            time.sleep(0.05)
        self.tend()

    def _heal(self, one: _Ongoing) -> None:
        one.harm.heal()
        self._ongoing.remove(one)
        self._field.harmed.discard(one.harm.thing)
        if one.kind.startswith("worker told"):
            self.slowest_end = max(self.slowest_end, time.monotonic() - one.since)
        if one.harm.thing in {DATABASE, BROKER}:
            log.info("%s is over", one.kind)

    def _start_again(self, member: Member) -> None:
        armed = self._field.armed.pop(member.name, "")
        member.start(armed)
        self.restarts += 1
        log.info("%s starts again as %d %s", member.name, member.pid, armed)

    def _kill(self, name: str) -> None:
        with suppress(StopIteration):
            next(member for member in self._service.members if member.name == name).kill()

    def _put_off(self) -> None:
        """Try the card for a moment, then put it under the deck."""
        now = time.monotonic()
        if self._tried_since is None:
            self._tried_since = now
        elif now - self._tried_since > TRIED_SECONDS:
            self._cards.rotate(-1)
            self._tried_since = None
