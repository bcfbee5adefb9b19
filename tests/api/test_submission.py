"""POST /experiments: what is answered is stored, and what is stored is answered."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from api.examples import SPECS
from store.database import Database
from tests.api.bodies import inline, learning_rates, on_digits
from tests.api.serving import Served, serving


@pytest.mark.parametrize("example", SPECS.values(), ids=SPECS)
def test_every_example_of_the_documentation_is_accepted(
    served: Served, example: dict[str, Any]
) -> None:
    answer = served.client.post("/experiments", json=example["value"])

    assert answer.status_code == 202, answer.text
    view = answer.json()
    assert answer.headers["Location"] == f"/experiments/{view['id']}" == view["links"]["self"]
    assert view["state"] == "queued"
    assert not view["is_terminal"]
    assert view["name"] == example["value"]["name"]
    assert served.client.get(view["links"]["self"]).json()["id"] == view["id"]


def test_a_network_may_have_any_name(served: Served) -> None:
    name = "\U000e0001" * 100  # a tag: Python writes ten characters for each
    search = {"strategy": "networks", "networks": {name: {"layers": []}}}
    answer = served.client.post("/experiments", json=on_digits(network=None, search=search))
    assert answer.status_code == 202, answer.text
    trials = served.client.get(answer.json()["links"]["trials"]).json()["data"]
    assert trials[0]["setting"] == {"network": name}


def test_a_comparison_of_rates_becomes_a_trial_for_each_rate_and_repeat(served: Served) -> None:
    spec = on_digits(search=learning_rates(1e-7, 0.01, 1), repeats=2, seed=40)
    experiment = served.client.post("/experiments", json=spec).json()
    trials = served.client.get(experiment["links"]["trials"]).json()["data"]
    assert [(t["number"], t["setting"], t["seed"]) for t in trials] == [
        (1, {"learning_rate": 1e-7}, 40),
        (2, {"learning_rate": 0.01}, 40),
        (3, {"learning_rate": 1}, 40),
        (4, {"learning_rate": 1e-7}, 41),
        (5, {"learning_rate": 0.01}, 41),
        (6, {"learning_rate": 1}, 41),
    ]
    assert {t["parameters"] for t in trials} == {64 * 10 + 10 + 10 * 10 + 10}


def test_a_dry_run_tells_the_plan_and_stores_nothing(served: Served) -> None:
    before = served.stored_rows(), served.stored_files()
    spec = inline(search=learning_rates(0.1, 0.01))

    answer = served.client.post("/experiments?dry_run=true", json=spec)

    assert answer.status_code == 200
    plan = answer.json()
    assert (plan["task"], plan["rows"]) == ("classification", 10)
    assert (plan["training_rows"], plan["validation_rows"]) == (7, 3)
    assert plan["spec"]["fit"]["early_stopping"]["patience"] == 2
    assert [trial["setting"] for trial in plan["trials"]] == [
        {"learning_rate": 0.1},
        {"learning_rate": 0.01},
    ]
    assert [layer["layer"] for layer in plan["trials"][0]["layers"]] == ["Dense", "Dense"]
    assert (served.stored_rows(), served.stored_files()) == before


def test_rows_in_the_request_become_a_dataset_that_the_spec_then_names(served: Served) -> None:
    first = served.client.post("/experiments", json=inline()).json()
    second = served.client.post("/experiments", json=inline(name="again")).json()

    dataset = first["spec"]["data"]["dataset"]
    assert dataset.startswith("ds_")
    assert first["spec"]["data"]["inline"] is None
    assert second["spec"]["data"]["dataset"] == dataset  # the same rows, once
    rows = served.client.get(f"/datasets/{dataset}/rows?limit=2").json()
    assert rows == {
        "columns": ["size", "weight", "kind"],
        "rows": [[0, 0, "small"], [1, 1, "big"]],
        "total": 10,
    }


class TestSkipping:
    """Points of a grid that cannot be trained: ten rows leave seven to train on."""

    SEARCH: ClassVar = {"strategy": "grid", "over": {"fit.batch_size": [2, 8, 4]}}

    def test_a_point_that_cannot_be_trained_is_skipped_and_the_others_are_tried(
        self, served: Served
    ) -> None:
        answer = served.client.post("/experiments", json=inline(search=self.SEARCH, repeats=2))

        assert answer.status_code == 202, answer.text
        links = answer.json()["links"]
        trials = served.client.get(links["trials"]).json()["data"]
        assert [trial["state"] for trial in trials] == ["queued", "failed", "queued"] * 2
        skipped = trials[1]
        assert (skipped["stop_reason"], skipped["attempts"]) == ("error", [])
        assert (skipped["parameters"], skipped["epochs_planned"]) == (0, 0)
        assert skipped["finished_at"] is not None
        assert skipped["error"]["code"] == "invalid_spec"
        assert skipped["error"]["errors"][0]["pointer"] == "/fit/batch_size"
        told = served.client.get(links["events"]).json()["data"]
        assert [(event["kind"], event["trial"]) for event in told] == [
            ("experiment.queued", None),
            ("trial.queued", 1),
            ("trial.failed", 2),
            ("trial.queued", 3),
            ("trial.queued", 4),
            ("trial.failed", 5),
            ("trial.queued", 6),
        ]
        assert told[2]["reason"] == f"{skipped['reason']}. {skipped['error']['detail']}"
        assert served.client.get(skipped["error"]["type"]).status_code == 200

    def test_a_dry_run_says_what_would_be_skipped_and_why(self, shared: Served) -> None:
        spec = inline(search=self.SEARCH)
        plan = shared.client.post("/experiments?dry_run=true", json=spec).json()
        codes = [trial["error"] and trial["error"]["code"] for trial in plan["trials"]]
        assert codes == [None, "invalid_spec", None]
        assert (plan["trials"][1]["layers"], plan["trials"][1]["loss"]) == ([], None)

    @pytest.mark.parametrize(
        "search",
        [
            {"strategy": "grid", "over": {"fit.batch_size": [8, 9]}},
            {
                "strategy": "networks",
                "networks": {
                    "good": {"layers": []},
                    "bad": {"layers": [{"layer": "Conv2D", "filters": 1, "kernel_size": 3}]},
                },
            },
        ],
        ids=["no point of a grid", "not every network of a list"],
    )
    def test_it_is_refused_where_nothing_is_left_or_the_client_wrote_it(
        self, served: Served, search: dict[str, Any]
    ) -> None:
        spec = inline(search=search)
        if search["strategy"] == "networks":
            del spec["network"]
        before = served.stored_rows()
        answer = served.client.post("/experiments", json=spec)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith(
            ("/search/over", "/search/networks/bad")
        )
        assert served.stored_rows() == before


class TestIdempotency:
    def test_the_same_key_and_body_gives_the_first_answer_again(self, served: Served) -> None:
        headers = {"Idempotency-Key": "one"}
        first = served.client.post("/experiments", json=inline(name="a"), headers=headers)
        served.client.post(f"{first.headers['Location']}/cancel")
        # Fields in another order are the same body.
        turned = dict(reversed(inline(name="a").items()))

        again = served.client.post("/experiments", json=turned, headers=headers)

        assert again.status_code == 202
        assert again.json() == first.json()
        assert again.headers["Location"] == first.headers["Location"]
        assert again.headers["Idempotent-Replayed"] == "true"
        assert served.stored_rows()["experiments"] == 1

    def test_the_same_key_with_another_body_is_refused(self, served: Served) -> None:
        headers = {"Idempotency-Key": "one"}
        served.client.post("/experiments", json=inline(name="a"), headers=headers)
        answer = served.client.post("/experiments", json=inline(name="b"), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert served.stored_rows()["experiments"] == 1

    def test_a_refused_spec_does_not_use_its_key_up(self, served: Served) -> None:
        headers = {"Idempotency-Key": "one"}
        served.client.post("/experiments", json=inline(fit={"epochs": 0}), headers=headers)
        answer = served.client.post("/experiments", json=inline(), headers=headers)
        assert answer.status_code == 202

    def test_of_many_at_once_one_is_stored_and_all_get_its_answer(self, served: Served) -> None:
        def post(_: int) -> tuple[int, str]:
            answer = served.client.post(
                "/experiments", json=on_digits(), headers={"Idempotency-Key": "race"}
            )
            return answer.status_code, answer.json()["id"]

        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(post, range(8)))

        assert len(answers) == 1
        assert answers.pop()[0] == 202
        assert served.stored_rows()["experiments"] == 1

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\xe9"])
    def test_a_key_that_is_no_key_is_refused(self, shared: Served, key: str) -> None:
        headers = {b"Idempotency-Key": key.encode("latin-1")}
        answer = shared.client.post("/experiments?dry_run=true", json=inline(), headers=headers)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "header:Idempotency-Key"


def test_a_commit_that_fails_is_a_problem_and_never_a_202(
    database: Database, tmp_path: Path
) -> None:
    with serving(database, tmp_path) as served:
        before = served.stored_rows()
        with commits_failing():
            answer = served.client.post("/experiments", json=on_digits())
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "no room for this commit" not in answer.text
        assert served.stored_rows() == before


@contextmanager
def commits_failing() -> Any:
    def fail(_: Session) -> None:
        raise RuntimeError("no room for this commit")

    event.listen(Session, "before_commit", fail)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", fail)


def test_an_experiment_is_accepted_while_the_broker_is_away(served: Served) -> None:
    assert not served.client.get("/readyz").json()["checks"]["broker"]["ok"]
    assert served.client.post("/experiments", json=on_digits()).status_code == 202


def test_an_experiment_on_a_dataset_that_is_still_read_has_to_wait(served: Served) -> None:
    csv = b"a,b\n" + b"1,2\n3,4\n" * 50
    dataset = served.client.post("/datasets", files={"file": ("a.csv", csv)}).json()["id"]
    spec = on_digits(data={"dataset": dataset, "target": "b"})
    before = served.stored_rows()

    answer = served.client.post("/experiments", json=spec)

    assert (answer.status_code, answer.json()["code"]) == (409, "dataset_processing")
    assert answer.headers["Retry-After"] == "1"
    assert served.stored_rows() == before


def test_a_deleted_dataset_is_unknown(served: Served) -> None:
    experiment = served.client.post("/experiments", json=inline()).json()
    dataset = experiment["spec"]["data"]["dataset"]
    in_use = served.client.delete(f"/datasets/{dataset}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "dataset_in_use")
    served.client.post(experiment["links"]["cancel"])
    assert served.client.delete(f"/datasets/{dataset}").status_code == 204

    answer = served.client.post(
        "/experiments", json=on_digits(data={"dataset": dataset, "target": "kind"})
    )

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/data/dataset", "unknown_dataset")
    assert served.client.get(f"/datasets/{dataset}").status_code == 404
