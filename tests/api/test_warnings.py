"""A POST, its replay, a GET and a dry run all show what looks wrong, and nothing that does not."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from api.examples import SPECS
from epochd.demo.run import EXPERIMENT
from tests.api.bodies import DENSE, grid, inline, learning_rates, networks, on_digits, with_layers
from tests.api.serving import Served
from tests.health.static.test_warnings import ODD

ROOT = Path(__file__).parents[2]
ITS_OWN_PAGE = ROOT / "docs" / "warnings.md"
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").glob("*.md")) - {ITS_OWN_PAGE})]
ZEROS = DENSE | {"kernel_initializer": "zeros"}


def planned(served: Served, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The warnings of a dry run."""
    answer = served.client.post("/experiments?dry_run=true", json=spec, timeout=20)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["warnings"]
    return found


def codes(found: list[dict[str, Any]]) -> list[str]:
    return [warning["code"] for warning in found]


def test_a_post_its_replay_a_get_and_a_dry_run_show_the_same_warnings(served: Served) -> None:
    spec = with_layers(ZEROS, {"layer": "Dense", "units": 64})
    dry = planned(served, spec)
    key = {"Idempotency-Key": "once"}
    posted = served.client.post("/experiments", json=spec, headers=key)
    replayed = served.client.post("/experiments", json=spec, headers=key)
    shown = served.client.get(posted.headers["Location"])
    assert posted.status_code == replayed.status_code == 202
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert codes(dry) == ["no_nonlinearity", "constant_weights"]
    assert posted.json()["warnings"] == dry
    assert replayed.json()["warnings"] == dry
    assert shown.json()["warnings"] == dry


def test_a_sound_experiment_has_no_warnings(shared: Served) -> None:
    assert planned(shared, on_digits()) == []


def test_rows_in_the_request_are_looked_at_too(shared: Served) -> None:
    assert codes(planned(shared, inline())) == ["tiny_validation"]


def test_what_is_wrong_with_one_of_several_networks_says_which(shared: Served) -> None:
    spec = networks(sound={"layers": [DENSE]}, zeros={"layers": [ZEROS]})
    (warning,) = planned(shared, spec)
    assert warning["pointer"] == "/search/networks/zeros/layers/0/kernel_initializer"
    assert warning["evidence"].startswith("Trial 2: ")
    assert warning["patch"][0]["path"] == warning["pointer"]


def test_what_is_wrong_with_all_settings_is_said_once(shared: Served) -> None:
    spec = grid(fit__batch_size=[16, 32]) | {"network": {"layers": [ZEROS]}}
    (warning,) = planned(shared, spec)
    assert warning["evidence"].startswith("All weights")


def test_of_many_settings_the_first_are_looked_at(shared: Served) -> None:
    spec = grid(fit__batch_size={"int": {"low": 1, "high": 30}}, fit__shuffle=[True, False])
    (warning,) = planned(shared, spec | {"network": {"layers": [ZEROS]}})
    assert warning["evidence"].startswith("All weights")


def test_a_layer_that_the_service_appends_is_pointed_at_where_it_was_asked_for(
    shared: Served,
) -> None:
    spec = {
        "data": {"dataset": "builtin:digits"},
        "search": {"strategy": "capacity", "activation": "linear"},
    }
    (warning,) = planned(shared, spec)
    assert (warning["code"], warning["pointer"]) == ("no_nonlinearity", "/search/activation")
    assert warning["patch"] == [{"op": "replace", "path": "/search/activation", "value": "relu"}]


@pytest.mark.parametrize(
    "spec",
    [
        on_digits(compile={"optimizer": "sgd"}, search=learning_rates(1e-7, 0.01, 10.0)),
        grid(compile__optimizer__learning_rate=[1e-7, 0.01, 10.0]),
        grid(data__scaling=["none", "auto"]),
        grid(network__layers__0__kernel_initializer=["zeros", "he_normal"]),
    ],
)
def test_what_a_search_tries_on_purpose_is_not_warned_of(
    shared: Served, spec: dict[str, Any]
) -> None:
    assert planned(shared, spec) == []


def test_a_patch_does_not_take_away_what_a_search_varies(shared: Served) -> None:
    normal = {"initializer": "RandomNormal", "stddev": 20.0}
    spec = grid(network__layers__0__kernel_initializer__mean=[0.0, 0.1])
    spec["network"] = {"layers": [DENSE | {"kernel_initializer": normal}]}
    (warning,) = planned(shared, spec)
    assert (warning["code"], warning["patch"]) == ("huge_weights", [])


def _documented() -> dict[str, dict[str, Any]]:
    """Every spec of the pages, of the documentation of the API, and of the demo."""
    found: dict[str, Any] = {name: example["value"] for name, example in SPECS.items()}
    for page in PAGES:
        blocks = re.findall(r"```json\n(\{.*?)```", page.read_text(), re.DOTALL)
        for place, block in enumerate(blocks):
            with suppress(ValueError):  # an answer with "…" in it
                found[f"{page.name} {place}"] = json.loads(block)
    return {name: spec for name, spec in found.items() if isinstance(spec.get("data"), dict)}


DOCUMENTED = {**_documented(), "the demo": dict(EXPERIMENT)}
# Six rows that show how rows are written are too few to validate on; one example is to be repaired.
EXPECTED = {"inline": ["tiny_validation"], "unscaled": ["inputs_not_scaled"]}


def test_the_readme_and_the_page_on_searches_have_examples() -> None:
    assert {"README.md 0", "README.md 1", "search.md 5"} <= set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_no_documented_example_is_warned_of_without_reason(shared: Served, name: str) -> None:
    spec = DOCUMENTED[name]
    if spec["data"].get("dataset") == "ds_…":
        spec = spec | {"data": {"dataset": "builtin:breast_cancer"}}
    assert codes(planned(shared, spec)) == EXPECTED.get(name, [])


SHOWN = re.findall(r"```json\n(.*?)```\n\n→ (.*?)\n", ITS_OWN_PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize(("example", "said"), SHOWN)
def test_an_example_of_the_page_on_warnings_has_those_that_it_says(
    shared: Served, example: str, said: str
) -> None:
    assert codes(planned(shared, json.loads(example))) == re.findall(r"`(\w+)`", said)


def test_the_page_on_warnings_has_every_code_and_its_place() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", ITS_OWN_PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted({odd.code for odd in ODD.values()} | {"no_validation"})
    assert len(SHOWN) == 3
