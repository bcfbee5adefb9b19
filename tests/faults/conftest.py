"""A service to be harmed by focused tests, and what its trainings come to in peace."""

import threading
from collections.abc import Iterator

import pytest

from tests.faults import reference
from tests.faults.client import Client
from tests.faults.plan import Order
from tests.faults.scene import Scene
from tests.faults.service import Figures, service

FIGURES = Figures(trainers=2, apis=2, lease=3.0)
TRIALS = 2


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """SQLite, two train workers, two APIs. A test may kill what it likes: the next one has all."""
    giving_up = threading.Event()
    folder = tmp_path_factory.mktemp("faults") / "service"
    with service("sqlite", folder, FIGURES) as found:
        client = Client(found.urls, giving_up)
        order = Order(key="reference", recipe=Scene.RECIPE, seed=Scene.SEED, trials=TRIALS)
        yield Scene(found, client, reference.train(client, [order]))
        giving_up.set()
        client.close()
        for member in found.members:
            print(f"--- {member.name}\n{member.log.read_text()[-20_000:]}")  # noqa: T201
