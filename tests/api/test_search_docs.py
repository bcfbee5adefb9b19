"""Every example of docs/search.md works as it is, and a dry run says what would follow."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from models.specs.experiment import ExperimentSpec
from tests.api.serving import Served

PAGE = Path(__file__).parents[2] / "docs" / "search.md"
EXAMPLES: dict[str, dict[str, Any]] = {
    spec["search"]["strategy"]: spec
    for spec in map(json.loads, re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL))
}
# How many trials each starts with.
FIRST = {"learning_rates": 6, "networks": 6, "capacity": 6, "grid": 6, "random": 12, "tpe": 2}


def test_the_page_has_an_example_of_each_strategy() -> None:
    schema = ExperimentSpec.model_json_schema()
    strategies = schema["properties"]["search"]["anyOf"][0]["discriminator"]["mapping"]
    assert set(EXAMPLES) == set(strategies) == set(FIRST)


@pytest.mark.parametrize("strategy", FIRST)
def test_an_example_of_the_page_starts_what_it_says(shared: Served, strategy: str) -> None:
    answer = shared.client.post("/experiments?dry_run=true", json=EXAMPLES[strategy])
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert len(plan["trials"]) == FIRST[strategy]
    assert all(trial["error"] is None for trial in plan["trials"])
    assert (plan["outlook"] is not None) == (strategy in {"capacity", "tpe"})


@pytest.mark.parametrize("strategy", ["Grid", "Random", "Tpe"])
def test_an_example_in_the_openapi_document_is_accepted(shared: Served, strategy: str) -> None:
    schemas = shared.client.get("/openapi.json").json()["components"]["schemas"]
    search = EXAMPLES[strategy.lower()]["search"]
    for over in schemas[f"{strategy}Search"]["properties"]["over"]["examples"]:
        spec = EXAMPLES["grid"] | {"search": search | {"over": over}}
        answer = shared.client.post("/experiments?dry_run=true", json=spec)
        assert answer.status_code == 200, answer.text


def test_a_plan_of_a_capacity_search_has_its_ceiling_and_what_it_may_come_to(
    shared: Served,
) -> None:
    plan = shared.client.post("/experiments?dry_run=true", json=EXAMPLES["capacity"]).json()
    assert plan["spec"]["search"]["max_units"] == 256
    assert "at most 21 trials" in plan["outlook"]
    assert [trial["setting"] for trial in plan["trials"][::3]] == [
        {"hidden_layers": 0},
        {"hidden_layers": 1, "units": 16},
    ]


def test_an_experiment_is_stored_with_the_ceiling_that_follows_from_its_rows(
    shared: Served,
) -> None:
    view = shared.client.post("/experiments", json=EXAMPLES["capacity"]).json()
    assert view["spec"]["search"]["max_units"] == 256


def test_a_grid_of_ten_thousand_points_is_planned_while_a_client_waits(shared: Served) -> None:
    grid = EXAMPLES["grid"] | {
        "search": {
            "strategy": "grid",
            "over": {
                "compile.optimizer.learning_rate": {
                    "float": {"low": 1e-4, "high": 1, "log": True, "count": 100}
                },
                "network.layers.0.units": {"int": {"low": 1, "high": 100}},
            },
        }
    }
    answer = shared.client.post("/experiments?dry_run=true", json=grid, timeout=20)
    assert answer.status_code == 200
    assert len(answer.json()["trials"]) == 10_000
