"""The service's own pages: alive, ready, documented without a network, started in a moment."""

import re
import subprocess
import sys
from pathlib import Path

from models.version import VERSION
from store.database import Database
from tests.api.bodies import on_digits
from tests.api.serving import Served, serving


def test_it_is_alive_and_tells_its_version(shared: Served) -> None:
    assert shared.client.get("/healthz").json() == {"status": "ok", "version": VERSION}


def test_it_is_ready_when_database_broker_and_schema_are(
    database: Database, broker_url: str, tmp_path: Path
) -> None:
    with serving(database, tmp_path, broker_url=broker_url) as served:
        answer = served.client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_it_is_not_ready_without_a_broker_and_says_so(shared: Served) -> None:
    answer = shared.client.get("/readyz")
    ready = {name: check["ok"] for name, check in answer.json()["checks"].items()}
    assert answer.status_code == 503
    assert ready == {"database": True, "broker": False, "migrations": True}


def test_queue_and_workers_are_shown(served: Served) -> None:
    served.client.post("/experiments", json=on_digits())
    queue = served.client.get("/queue").json()
    assert (queue["queued"], queue["waiting_for_data"], queue["slots"]) == (1, 1, 0)
    assert served.client.get("/workers").json()["data"] == []


class TestDocumentation:
    def test_the_page_and_all_that_it_loads_come_from_the_service_itself(
        self, shared: Served
    ) -> None:
        page = shared.client.get("/docs")
        assert page.status_code == 200
        loaded = re.findall(r"(?:src|href)=[\"']([^\"']+)|url: [\"']([^\"']+)", page.text)
        addresses = [first or second for first, second in loaded]
        assert len(addresses) == 4  # script, style, icon, OpenAPI document
        for address in addresses:
            assert address.startswith("/"), address
            assert shared.client.get(address).status_code == 200, address
        assert "://" not in page.text
        assert '"validatorUrl": null' in page.text

    def test_the_front_door_leads_there(self, shared: Served) -> None:
        assert shared.client.get("/").headers["Location"].endswith("docs")

    def test_every_operation_says_what_it_is_and_how_it_fails(self, shared: Served) -> None:
        document = shared.client.get("/openapi.json").json()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                where = f"{method} {path}"
                assert operation["summary"], where
                assert operation["description"], where
                assert operation["tags"], where
                for status, answer in operation["responses"].items():
                    assert answer["description"] != "Validation Error", where
                    if status.startswith("4"):
                        assert list(answer["content"]) == ["application/problem+json"], where

    def test_it_names_every_layer_and_its_arguments(self, shared: Served) -> None:
        document = shared.client.get("/openapi.json").json()
        # What can be written and what is answered differ for layers that accept short forms.
        schemas = {
            name.removesuffix("-Input"): schema
            for name, schema in document["components"]["schemas"].items()
        }
        assert {"Dense", "Conv2D", "SeparableConv2D", "Dropout"} <= set(schemas)
        assert "kernel_initializer" in schemas["Dense"]["properties"]

    def test_each_field_of_what_is_judged_is_described(self, shared: Served) -> None:
        schemas = shared.client.get("/openapi.json").json()["components"]["schemas"]
        judged = {"Finding", "models__findings__Check", "PairedLosses", "LackOfFit"}
        assert judged <= set(schemas)
        for name in judged:
            for field, schema in schemas[name]["properties"].items():
                assert schema.get("description"), f"{name}.{field}"


class TestStart:
    def test_the_api_loads_neither_keras_nor_what_reads_data(self) -> None:
        """Checked in a process of its own: this one has loaded everything."""
        heavy = [
            *("keras", "tensorflow", "sklearn", "scipy", "polars", "numpy", "optuna"),
            *("alembic", "httpx"),
        ]
        program = f"import epochd.api, sys; print([m for m in {heavy} if m in sys.modules])"
        ended = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert ended.stdout.strip() == "[]"


class Recorded:
    """A background that tells in which order things happened."""

    def __init__(self, name: str, told: list[str]) -> None:
        self._name = name
        self._told = told

    def start(self) -> None:
        self._told.append(f"{self._name} starts")

    def stop(self) -> None:
        self._told.append(f"{self._name} stops")


def test_backgrounds_live_as_long_as_the_service(database: Database, tmp_path: Path) -> None:
    told: list[str] = []
    background = [Recorded("one", told), Recorded("two", told)]
    with serving(database, tmp_path, background=background) as served:
        served.client.get("/healthz")
        assert told == ["one starts", "two starts"]
    assert told[2:] == ["two stops", "one stops"]
