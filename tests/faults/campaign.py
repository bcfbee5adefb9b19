"""The campaign: a service under fire trains what clients POST, and has to come to what peace does.

References first, in peace. Then clients and faults at the same time, each held back so that neither
is done long before the other. Then all faults end, and whatever was accepted has to end too.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import plan, reference
from tests.faults.client import Accepted, Client, Refused
from tests.faults.injector import Injector, deck
from tests.faults.judge import Judge, Verdict
from tests.faults.kinds import Kind
from tests.faults.plan import Order
from tests.faults.service import Figures, Service, service
from tests.servers.databases import Kind as DatabaseKind

log = logging.getLogger(__name__)

CLIENTS = 4
# Two faults are at least so far apart.
GAP_SECONDS = 0.8
# Without a trial that ends, the next fault comes all the same after this.
LULL_SECONDS = 12.0
# Once all trials are over, faults that need one wait in vain; the table says how many struck.
SPENT_SECONDS = 30.0
TICK_SECONDS = 0.1
SAY_SECONDS = 5.0
# What is accepted has to be over so long after the last fault; a lease, a warm-up, some trainings.
PEACE_SECONDS = 150.0

FIGURES = Figures()

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """How much of what.

    Attributes:
        seed: of everything that is drawn by chance.
        minutes: after so many no more is POSTed and no more is harmed.
        recipes, seeds: what there is to be trained.
        kinds: the faults, in order; drawn by their shares when left out.
    """

    database: DatabaseKind
    trials: int = 200
    faults: int = 150
    seed: int = 1
    minutes: float = 25.0
    recipes: Sequence[str] = tuple(plan.RECIPES)
    seeds: int = 4
    kinds: Sequence[Kind] | None = None
    figures: Figures = FIGURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it.

    Attributes:
        faults: struck, by kind.
        seconds: of the campaign without its references.
        slowest_end: that a worker took which was told to end, in seconds.
    """

    campaign: Campaign
    verdict: Verdict
    faults: Counter[str]
    restarts: int
    retries: int
    seconds: float
    reference_seconds: float
    slowest_end: float


class Clients:
    """Threads that POST the orders and follow what became of them."""

    def __init__(self, urls: Sequence[str], orders: Sequence[Order]) -> None:
        self._giving_up = threading.Event()
        self._clients = [Client(urls, self._giving_up) for _ in range(CLIENTS)]
        self._orders = iter(orders)
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(client,), name="client")
            for client in self._clients
        ]
        self.accepted: list[Accepted] = []
        self.wrongs: Counter[str] = Counter()
        self.allowed = 0
        """Trials that may be POSTed by now."""
        self._posted = 0
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether any of them still waits for something."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def ended(self) -> int:
        """Trials that clients saw the end of."""
        return sum(trial.is_terminal for one in tuple(self.accepted) for trial in one.trials)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def no_more(self) -> None:
        """POST nothing more."""
        self._closed = True

    def give_up(self) -> None:
        """End, whatever is still open."""
        self._closed = True
        self._giving_up.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            self.wrongs += client.unexpected
            client.close()

    @property
    def retries(self) -> int:
        """Requests that had to be made again."""
        return sum(client.retries for client in self._clients)

    def _work(self, client: Client) -> None:
        while (order := self._next()) is not None:
            try:
                accepted = client.submit(order)
                if accepted is None:
                    return
                self.accepted.append(accepted)
                client.follow(accepted)
            except Refused as refused:
                log.exception("refused")
                self.wrongs[str(refused)] += 1

    def _next(self) -> Order | None:
        while not self._closed:
            with self._lock:
                if self._posted < self.allowed:
                    order = next(self._orders, None)
                    self._posted += order.trials if order else 0
                    return order
            self._giving_up.wait(TICK_SECONDS)
        return None


def run(campaign: Campaign, folder: Path, say: Say) -> Result:
    """Run it; the folder keeps the logs of everything."""
    drawn = plan.draw(campaign.trials, campaign.seed, campaign.recipes, campaign.seeds)
    with service(campaign.database, folder, campaign.figures) as found:
        begun = time.monotonic()
        say(f"training {len(campaign.recipes) * campaign.seeds} references in peace")
        with _client(found) as client:
            references = reference.train(client, drawn.references)
        peace = time.monotonic() - begun
        say(f"that took {peace:.0f} s; now {campaign.trials} trials and {campaign.faults} faults")
        begun = time.monotonic()
        clients, injector = _fire(campaign, found, drawn.orders, say)
        seconds = time.monotonic() - begun
        judge = Judge(found.database, found.store, references)
        verdict = judge.judge(clients.accepted, clients.wrongs)
    return Result(
        campaign=campaign,
        verdict=verdict,
        faults=injector.struck,
        restarts=injector.restarts,
        retries=clients.retries,
        seconds=seconds,
        reference_seconds=peace,
        slowest_end=injector.slowest_end,
    )


def _fire(
    campaign: Campaign, found: Service, orders: Sequence[Order], say: Say
) -> tuple[Clients, Injector]:
    luck = random.Random(campaign.seed)  # noqa: S311 - a campaign has to be repeatable
    cards = deck(found, campaign.faults, luck) if campaign.kinds is None else campaign.kinds
    injector = Injector(found, cards, luck)
    clients = Clients(found.urls, orders)
    with ExitStack() as ending:
        ending.callback(clients.give_up)
        ending.callback(injector.end)
        clients.start()
        _strike_while_they_train(campaign, clients, injector, say)
        clients.no_more()
        injector.end()
        say(f"peace after {injector.struck.total()} faults; waiting for what was accepted")
        _wait_in_peace(clients, injector)
    return clients, injector


def _strike_while_they_train(
    campaign: Campaign, clients: Clients, injector: Injector, say: Say
) -> None:
    """Until all faults have struck and all is POSTed, or nothing can be struck, or time is up."""
    begun = time.monotonic()
    deadline = begun + campaign.minutes * 60
    last = said = begun
    latest = ""
    while time.monotonic() < deadline and (clients.busy or injector.left):
        now = time.monotonic()
        struck = campaign.faults - injector.left
        # As many trials ahead of the faults as keep all trainers busy.
        share = struck / campaign.faults if injector.left else 1.0
        clients.allowed = int(campaign.trials * share) + 2 * CLIENTS
        behind = struck / campaign.faults < clients.ended / campaign.trials
        if injector.left and now - last > (GAP_SECONDS if behind else LULL_SECONDS):
            what = injector.strike()
            if what is not None:
                last, latest = now, what
        injector.tend()
        if now - said > SAY_SECONDS:
            said = now
            say(
                f"{_clock(now - begun)}  trials {clients.ended}/{campaign.trials} over"
                f"  faults {struck}/{campaign.faults}  {latest}"
            )
        if not clients.busy and (not injector.left or now - last > SPENT_SECONDS):
            return
        time.sleep(TICK_SECONDS)


def _wait_in_peace(clients: Clients, injector: Injector) -> None:
    deadline = time.monotonic() + PEACE_SECONDS
    while clients.busy and time.monotonic() < deadline:
        injector.tend()
        time.sleep(TICK_SECONDS)


@contextmanager
def _client(found: Service) -> Iterator[Client]:
    client = Client(found.urls, threading.Event())
    yield client
    client.close()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
