"""The faults: each is the operating system's or the network's own, and none can be tidied up after.

A kind strikes a field and says what it harmed, or finds nothing to strike at right now.
"""

import signal
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil
import redis

from store.failpoints import Place
from tests.faults.field import BROKER, DATABASE, Field, Harm
from tests.faults.service import Member
from tests.servers.databases import Kind as DatabaseKind
from tests.servers.proxy import Proxy

Strike = Callable[[Field], Harm | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Attributes:
        share: how many of 150 or so faults are of this kind.
        only: the database that it needs.
    """

    name: str
    share: int
    strike: Strike
    only: DatabaseKind | None = None


def kill_trainer(field: Field) -> Harm | None:
    """The kernel's out-of-memory killer, a segmentation fault."""
    victim = field.victim()
    if victim is None:
        return None
    for trainer in victim.holder.trainers():
        with suppress(psutil.NoSuchProcess):
            trainer.kill()
    return Harm(thing=f"{victim.holder.name}'s trainer", detail=victim.holder.name)


def stop_trainer(field: Field) -> Harm | None:
    """A trainer that gets no processor for a while; nobody may take that for a crash."""
    member = field.unharmed(field.service.trainers)
    trainers = member.trainers() if member else []
    if member is None or not trainers:
        return None
    trainer = trainers[0]

    def go_on() -> None:
        with suppress(psutil.NoSuchProcess):
            trainer.resume()

    with suppress(psutil.NoSuchProcess):
        trainer.suspend()
    seconds = field.luck.uniform(0.5, field.service.figures.lease)
    return Harm(thing=f"{member.name}'s trainer", detail=member.name, seconds=seconds, heal=go_on)


def kill_worker(field: Field) -> Harm | None:
    """The supervisor alone; its trainer has to notice."""
    victim = field.victim()
    if victim is None:
        return None
    victim.holder.kill()
    return Harm(thing=victim.holder.name, detail=victim.holder.name)


def kill_family(field: Field) -> Harm | None:
    """A container or a machine that is gone."""
    victim = field.victim()
    if victim is None:
        return None
    victim.holder.kill_family()
    return Harm(thing=victim.holder.name, detail=victim.holder.name)


def stop_worker(field: Field) -> Harm | None:
    """A supervisor that sleeps through its lease, and wakes up believing that it holds it."""
    victim = field.victim()
    if victim is None:
        return None
    member = victim.holder
    member.send(signal.SIGSTOP)
    return Harm(
        thing=member.name,
        detail=member.name,
        seconds=field.service.figures.lease + field.luck.uniform(1.5, 4.0),
        heal=lambda: member.send(signal.SIGCONT),
    )


def drain_worker(field: Field) -> Harm | None:
    """A deployment."""
    member = field.unharmed(field.service.trainers)
    return None if member is None else _drained(member)


def fail_point_in_worker(field: Field) -> Harm | None:
    """A worker that dies at an awkward place, when it next comes there."""
    member = field.unharmed(field.service.trainers)
    if member is None or not field.nobody_is_close_to_the_end():
        return None
    place = field.luck.choice([place for place in Place if place is not Place.SUBMITTED])
    field.armed[member.name] = f"{place}=kill"
    return _drained(member, f" for {place}")


def _drained(member: Member, why: str = "") -> Harm:
    member.send(signal.SIGTERM)
    return Harm(
        thing=member.name,
        detail=member.name + why,
        seconds=0.0,
        over=lambda: not member.alive,
    )


def kill_control(field: Field) -> Harm | None:
    """The one who reads datasets and takes searches on."""
    return _killed(field.unharmed([field.service.control]))


def kill_api(field: Field) -> Harm | None:
    """In the middle of whatever it answers."""
    return _killed(field.unharmed(field.service.apis))


def fail_point_in_api(field: Field) -> Harm | None:
    """An API that dies between a commit and its answer."""
    member = field.unharmed(field.service.apis)
    if member is None:
        return None
    field.armed[member.name] = f"{Place.SUBMITTED}=kill"
    return _killed(member, f" for {Place.SUBMITTED}")


def _killed(member: Member | None, why: str = "") -> Harm | None:
    if member is None:
        return None
    member.kill()
    return Harm(thing=member.name, detail=member.name + why)


def kill_broker(field: Field) -> Harm | None:
    """And start it again after a while, with what its file still has."""
    if BROKER in field.harmed:
        return None
    broker = field.service.broker
    broker.stop(signal.SIGKILL)
    seconds = field.luck.uniform(0.5, 5.0)
    return Harm(thing=BROKER, detail=f"{seconds:.1f} s", seconds=seconds, heal=broker.start)


def wipe_broker(field: Field) -> Harm | None:
    """All messages are gone; the rows are the jobs."""
    if BROKER in field.harmed:
        return None
    with redis.Redis.from_url(field.service.broker.url()) as client:
        client.flushall()
    return Harm(thing=BROKER)


def freeze_database(field: Field) -> Harm | None:
    """Connections stay open, and nothing answers; sometimes for longer than a lease."""
    postgres = field.service.postgres
    if DATABASE in field.harmed or postgres is None:
        return None
    field.victims()  # the last look for a while
    postgres.freeze()
    seconds = field.luck.uniform(1.0, 2.0 * field.service.figures.lease)
    return Harm(thing=DATABASE, detail=f"{seconds:.1f} s", seconds=seconds, heal=postgres.thaw)


def kill_database(field: Field) -> Harm | None:
    """A crash: what was committed is there when it is back."""
    postgres = field.service.postgres
    if DATABASE in field.harmed or postgres is None:
        return None
    field.victims()
    postgres.kill()
    seconds = field.luck.uniform(0.0, 2.0 * field.service.figures.lease)
    return Harm(
        thing=DATABASE, detail=f"{seconds:.1f} s", seconds=seconds, heal=postgres.start_again
    )


def lock_database(field: Field) -> Harm | None:
    """Another program writes into the file and takes its time."""
    return _locked(field, "IMMEDIATE")


def lock_database_for_readers(field: Field) -> Harm | None:
    """A backup or a repair: nobody may even read."""
    return _locked(field, "EXCLUSIVE")


def _locked(field: Field, how: str) -> Harm | None:
    if DATABASE in field.harmed:
        return None
    field.victims()
    connection = sqlite3.connect(
        field.service.sqlite_file(), isolation_level=None, timeout=2.0, check_same_thread=False
    )
    try:
        connection.execute(f"BEGIN {how}")
    except sqlite3.OperationalError:  # somebody writes all the time; tried again later
        connection.close()
        return None

    def let_go() -> None:
        connection.execute("ROLLBACK")
        connection.close()

    seconds = field.luck.uniform(1.0, 2.0 * field.service.figures.lease)
    return Harm(thing=DATABASE, detail=f"{seconds:.1f} s", seconds=seconds, heal=let_go)


def damage_checkpoint(field: Field) -> Harm | None:
    """The newest checkpoint of a trial loses its end or some bits, and then it is needed."""
    found = [(victim, field.checkpoint_of(victim)) for victim in field.victims()]
    choices = [(victim, field.service.store / key) for victim, key in found if key is not None]
    if not choices:
        return None
    victim, path = field.luck.choice(choices)
    with suppress(FileNotFoundError):  # a newer one has just taken its place
        content = path.read_bytes()
        half = len(content) // 2
        damaged = content[:half]
        if field.luck.random() < 0.5:
            damaged += bytes(len(content) - half)
        path.write_bytes(damaged)
    for trainer in field.strike(victim).holder.trainers():
        with suppress(psutil.NoSuchProcess):
            trainer.kill()
    return Harm(thing=f"{victim.holder.name}'s trainer", detail=f"{path.parent.name}/{path.name}")


def _through_proxy(
    thing: str, harm: Callable[[Proxy, Field], None], *, seconds: float, deadly: bool = False
) -> Strike:
    """A fault of the network.

    Args:
        thing: DATABASE or BROKER.
        harm: what is done to its proxy.
        seconds: at most.
        deadly: workers may rightly be taken for dead meanwhile.
    """

    def strike(field: Field) -> Harm | None:
        service = field.service
        proxy = service.database_proxy if thing == DATABASE else service.broker_proxy
        if thing in field.harmed or proxy is None:
            return None
        victims = field.victims()
        if deadly:
            if not field.nobody_is_close_to_the_end():
                return None
            for victim in victims:
                field.strike(victim)
        harm(proxy, field)
        lasts = field.luck.uniform(0.5, seconds)
        return Harm(thing=thing, detail=f"{lasts:.1f} s", seconds=lasts, heal=proxy.restore)

    return strike


def _cut(proxy: Proxy, field: Field) -> None:
    del field
    proxy.cut()


def _slow(proxy: Proxy, field: Field) -> None:
    proxy.slow(seconds=field.luck.uniform(0.05, 0.3))


def _half_open(proxy: Proxy, field: Field) -> None:
    del field
    proxy.half_open()


KINDS: tuple[Kind, ...] = (
    Kind("trainer killed", 26, kill_trainer),
    Kind("trainer stopped for a while", 8, stop_trainer),
    Kind("worker killed", 12, kill_worker),
    Kind("worker and trainer killed", 10, kill_family),
    Kind("worker stopped beyond its lease", 12, stop_worker),
    Kind("worker told to end", 12, drain_worker),
    Kind("worker killed at a fail point", 10, fail_point_in_worker),
    Kind("control worker killed", 4, kill_control),
    Kind("API killed", 9, kill_api),
    Kind("API killed before it answers", 4, fail_point_in_api),
    Kind("broker killed", 7, kill_broker),
    Kind("broker wiped", 6, wipe_broker),
    Kind("broker cut off", 4, _through_proxy(BROKER, _cut, seconds=5.0)),
    Kind("broker slow", 3, _through_proxy(BROKER, _slow, seconds=6.0)),
    Kind("broker half open", 3, _through_proxy(BROKER, _half_open, seconds=5.0)),
    Kind("checkpoint damaged", 8, damage_checkpoint),
    Kind("database frozen", 5, freeze_database, "postgresql"),
    Kind("database killed", 5, kill_database, "postgresql"),
    Kind("database cut off", 4, _through_proxy(DATABASE, _cut, seconds=7.0), "postgresql"),
    Kind("database slow", 4, _through_proxy(DATABASE, _slow, seconds=6.0), "postgresql"),
    Kind(
        "database half open",
        3,
        _through_proxy(DATABASE, _half_open, seconds=5.0, deadly=True),
        "postgresql",
    ),
    Kind("database locked", 11, lock_database, "sqlite"),
    Kind("database locked for readers too", 10, lock_database_for_readers, "sqlite"),
)
