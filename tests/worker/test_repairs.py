"""A fault that a client makes is found, its repair is POSTed as it comes, and it helps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.serving import serving
from tests.worker.site import Site

# No row of scaled inputs brings a unit above zero from there, so nothing but the output's bias
# has a gradient.
DEAD_FROM_THE_START = {
    "layer": "Dense",
    "units": 16,
    "activation": "relu",
    "bias_initializer": {"initializer": "Constant", "value": -10.0},
}


@pytest.fixture
def client(sqlite_site: Site, tmp_path: Path) -> Iterator[httpx.Client]:
    """The API of a site with workers."""
    site = sqlite_site
    with serving(
        site.database, tmp_path, broker_url=site.broker_url, artifacts=site.artifacts
    ) as served:
        yield served.client


def trained(client: httpx.Client, site: Site, spec: dict[str, Any]) -> dict[str, Any]:
    """POST a spec, and wait for its end."""
    answer = client.post("/experiments", json=spec)
    assert answer.status_code == 202, answer.text
    site.wait_until_over(answer.json()["id"])
    view: dict[str, Any] = client.get(answer.headers["location"]).json()
    assert view["state"] == "succeeded", view["error"]
    return view


def test_dead_neurons_are_found_and_repaired(client: httpx.Client, sqlite_site: Site) -> None:
    spec = {
        "data": {"dataset": sqlite_site.table(), "target": "label"},
        "network": {"layers": [DEAD_FROM_THE_START]},
        "compile": {"optimizer": {"optimizer": "Adam", "learning_rate": 0.01}},
        "fit": {"epochs": 5, "early_stopping": None},
        # It could be searched over; what is repaired is one training all the same.
        "search": {"strategy": "grid", "over": {"fit.batch_size": [16, 32]}},
    }
    faulty = trained(client, sqlite_site, spec)
    assert "dead_neurons" in [found["code"] for found in faulty["findings"]]
    winner = faulty["conclusion"]["winner"]["trial"]
    health = client.get(f"{faulty['links']['trials']}/{winner}/health").json()
    assert health["layers"][0]["dead"][-1] == 1.0
    assert {check["code"]: check["outcome"] for check in health["checks"]}[
        "dead_neurons"
    ] == "found"
    assert any("dead neurons" in sentence for sentence in faulty["conclusion"]["summary"])

    repaired = trained(client, sqlite_site, client.get(faulty["links"]["next"]).json())

    repair = repaired["conclusion"]["repair"]
    assert (repair["experiment"], repair["trial"]) == (faulty["id"], winner)
    assert repair["finding"] == "dead_neurons"
    assert repair["helped"] is True, repair
    assert repair["difference"]["rows"] == 120
    assert "dead_neurons" not in [found["code"] for found in repaired["findings"]]
