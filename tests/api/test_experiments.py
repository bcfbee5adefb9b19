"""Experiments listed, looked at, cancelled and deleted; their trials, epochs and results."""

from typing import Any

import pytest

from tests.api.bodies import inline, learning_rates
from tests.api.serving import Served
from tests.api.training import claim, conclude, finish, write_epochs


def submit(served: Served, **parts: Any) -> str:
    answer = served.client.post("/experiments", json=inline(**parts))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


class TestLists:
    def test_the_newest_comes_first_and_a_cursor_leads_on(self, served: Served) -> None:
        ids = [submit(served, name=str(n)) for n in range(5)]
        seen: list[str] = []
        query: dict[str, str | int] = {"limit": 2}
        while True:
            page = served.client.get("/experiments", params=query).json()
            seen += [one["id"] for one in page["data"]]
            assert page["has_more"] == (page["next_cursor"] is not None)
            if not page["has_more"]:
                break
            query["cursor"] = page["next_cursor"]
        assert seen == ids[::-1]

    def test_state_and_labels_choose(self, served: Served) -> None:
        risk = submit(served, labels={"team": "risk", "kind": "a=b"})
        submit(served, labels={"team": "sales"})
        cancelled = submit(served, labels={"team": "risk"})
        served.client.post(f"/experiments/{cancelled}/cancel")

        def found(**query: object) -> list[str]:
            page = served.client.get("/experiments", params=query).json()  # type: ignore[arg-type]
            return [one["id"] for one in page["data"]]

        assert found(label="team=risk") == [cancelled, risk]
        assert found(label=["team=risk", "kind=a=b"]) == [risk]
        assert found(label="team=risk", state="cancelled") == [cancelled]
        assert found(label="team=none") == []

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=501",
            "limit=x",
            "cursor=x",
            "cursor=%00",
            "state=lost",
            "label=team",
            "label=",
            "label=a=%00",
            "cursor=" + "A" * 300,
        ],
    )
    def test_a_parameter_that_makes_no_sense_is_a_422_that_names_it(
        self, shared: Served, query: str
    ) -> None:
        answer = shared.client.get(f"/experiments?{query}")
        assert answer.status_code == 422
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == "invalid_parameter"
        assert problem["errors"][0]["pointer"] == "?" + query.partition("=")[0]

    def test_a_label_that_is_no_pair_is_told_what_one_looks_like(self, shared: Served) -> None:
        answer = shared.client.get("/experiments?label=team")
        assert "name=value" in answer.json()["detail"]


class TestOne:
    def test_its_tag_is_known_again_until_something_changes(self, served: Served) -> None:
        path = f"/experiments/{submit(served)}"
        tag = served.client.get(path).headers["ETag"]
        same = served.client.get(path, headers={"If-None-Match": tag})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)

        served.client.post(f"{path}/cancel")

        changed = served.client.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert changed.status_code == 200
        assert changed.headers["ETag"] != tag

    def test_cancelled_again_it_answers_the_same_and_over_it_refuses(self, served: Served) -> None:
        first = submit(served)
        for _ in range(2):
            answer = served.client.post(f"/experiments/{first}/cancel")
            assert answer.status_code == 202
            assert answer.json()["state"] == "cancelled"
        other = submit(served)
        lease = claim(served.database).lease
        finish(served.database, lease, served.artifacts, b"net")
        conclude(served.database, other, winner=1)
        answer = served.client.post(f"/experiments/{other}/cancel")
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")

    def test_more_of_its_trials_may_train_at_once(self, served: Served) -> None:
        path = f"/experiments/{submit(served, search=learning_rates(0.1, 0.01))}"
        before = served.client.get(path)

        answer = served.client.patch(path, json={"limits": {"max_parallel": 9}})

        assert answer.status_code == 200
        assert answer.json()["spec"]["limits"]["max_parallel"] == 9
        assert answer.headers["ETag"] != before.headers["ETag"]
        after = served.client.get(path)
        assert after.headers["ETag"] == answer.headers["ETag"]
        assert after.json()["spec"] == answer.json()["spec"]
        told = served.client.get(f"{path}/events").json()["data"]
        assert told[-1]["kind"] == "experiment.changed"

    @pytest.mark.parametrize(
        ("patch", "pointer", "code", "allowed"),
        [
            ({"limits": {"max_parallel": 0}}, "/limits/max_parallel", "out_of_range", []),
            ({"limits": {"max_parallel": 1001}}, "/limits/max_parallel", "out_of_range", []),
            ({"limits": {"max_parallel": None}}, "/limits/max_parallel", "wrong_type", []),
            ({"limits": {}}, "/limits/max_parallel", "missing", []),
            ({}, "/limits", "missing", []),
            ({"limits": 3}, "/limits", "wrong_type", []),
            (
                {"limits": {"max_parallel": 2, "max_seconds": 9}},
                "/limits/max_seconds",
                "unknown_field",
                ["max_parallel"],
            ),
            (
                {"limits": {"max_parallel": 2}, "fit": {"epochs": 3}},
                "/fit",
                "unknown_field",
                ["limits"],
            ),
        ],
    )
    def test_nothing_else_of_it_can_be_changed(
        self, served: Served, patch: dict[str, Any], pointer: str, code: str, allowed: list[str]
    ) -> None:
        path = f"/experiments/{submit(served)}"
        before = served.client.get(path).json()

        answer = served.client.patch(path, json=patch)

        assert answer.status_code == 422
        (issue,) = answer.json()["errors"]
        assert (issue["pointer"], issue["code"], issue["allowed"]) == (pointer, code, allowed)
        assert served.client.get(path).json() == before

    def test_over_it_cannot_be_changed(self, served: Served) -> None:
        path = f"/experiments/{submit(served)}"
        served.client.post(f"{path}/cancel")
        answer = served.client.patch(path, json={"limits": {"max_parallel": 2}})
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")

    def test_it_can_be_deleted_when_it_is_over_with_its_files(self, served: Served) -> None:
        experiment = submit(served)
        lease = claim(served.database).lease
        refused = served.client.delete(f"/experiments/{experiment}")
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
        write_epochs(served.database, lease, [0.5])
        finish(served.database, lease, served.artifacts, b"net")
        conclude(served.database, experiment, winner=1)

        assert served.client.delete(f"/experiments/{experiment}").status_code == 204

        rows = served.stored_rows()
        for table in ("experiments", "trials", "epochs", "events", "attempts", "artifacts"):
            assert rows[table] == 0, table
        assert not any(path.suffix == ".keras" for path in served.stored_files())
        for path in ("", "/trials", "/trials/1", "/trials/1/epochs", "/comparison", "/events",
                     "/network", "/trials/1/network"):  # fmt: skip
            answer = served.client.get(f"/experiments/{experiment}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestTrials:
    def test_one_is_cancelled_and_its_siblings_go_on(self, served: Served) -> None:
        experiment = submit(served, search=learning_rates(0.1, 0.01))
        answer = served.client.post(f"/experiments/{experiment}/trials/2/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
        states = [
            trial["state"]
            for trial in served.client.get(f"/experiments/{experiment}/trials").json()["data"]
        ]
        assert states == ["queued", "cancelled"]

    @pytest.mark.parametrize("number", ["0", "2", "-1", "x", "1.5", "99999999999999999999", "%00"])
    def test_a_number_that_is_no_trial_is_not_found(self, served: Served, number: str) -> None:
        experiment = submit(served)
        for path in ("", "/epochs", "/network"):
            answer = served.client.get(f"/experiments/{experiment}/trials/{number}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_epochs_are_read_on_from_the_last_one_seen(self, served: Served) -> None:
        experiment = submit(served)
        lease = claim(served.database).lease
        write_epochs(served.database, lease, [0.9, 0.8, float("nan")])
        path = f"/experiments/{experiment}/trials/1/epochs"

        first = served.client.get(path, params={"limit": 2}).json()
        assert [row["epoch"] for row in first["data"]] == [1, 2]
        assert first["has_more"]
        rest = served.client.get(path, params={"after": first["next_cursor"]}).json()
        (third,) = rest["data"]
        assert third["metrics"] == {"loss": None, "val_loss": None}
        assert third["non_finite"] == {"loss": "nan", "val_loss": "nan"}
        assert not rest["is_terminal"]
        finish(served.database, lease, served.artifacts, b"net")
        last = served.client.get(path, params={"after": 3}).json()
        assert (last["data"], last["is_terminal"]) == ([], True)


class TestResults:
    def test_the_comparison_aligns_the_curves_best_first(self, served: Served) -> None:
        experiment = submit(served, search=learning_rates(0.1, 0.01))
        for losses in ([0.9, 0.8], [0.5, 0.4, 0.3]):
            lease = claim(served.database).lease
            write_epochs(served.database, lease, losses)
            finish(served.database, lease, served.artifacts, b"net")
        comparison = served.client.get(f"/experiments/{experiment}/comparison").json()
        assert comparison["epochs"] == [1, 2, 3]
        best, other = comparison["candidates"]
        assert (best["rank"], best["setting"]) == (1, {"learning_rate": 0.01})
        assert best["curves"]["val_loss"] == [0.5, 0.4, 0.3]
        assert other["curves"]["val_loss"] == [0.9, 0.8, None]

    def test_the_winners_network_is_a_file_tagged_with_its_hash(self, served: Served) -> None:
        experiment = submit(served, search=learning_rates(0.1, 0.01))
        path = f"/experiments/{experiment}/network"
        assert served.client.get(path).status_code == 404
        hashes = []
        for content in (b"one", b"two"):
            lease = claim(served.database).lease
            hashes.append(finish(served.database, lease, served.artifacts, content))
        conclude(served.database, experiment, winner=2)

        answer = served.client.get(path)

        assert (answer.status_code, answer.content) == (200, b"two")
        assert answer.headers["ETag"] == f'"{hashes[1]}"'
        assert answer.headers["Content-Disposition"] == (
            f'attachment; filename="{experiment}.keras"'
        )
        again = served.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = served.client.get(f"/experiments/{experiment}/trials/1/network")
        assert other.content == b"one"

    def test_a_network_whose_file_is_gone_is_a_problem(self, served: Served) -> None:
        experiment = submit(served)
        lease = claim(served.database).lease
        finish(served.database, lease, served.artifacts, b"net")
        for path in served.stored_files():
            if path.suffix == ".keras":
                path.unlink()
        answer = served.client.get(f"/experiments/{experiment}/trials/1/network")
        assert (answer.status_code, answer.json()["code"]) == (500, "artifact_missing")

    def test_events_are_numbered_and_read_on_by_cursor(self, served: Served) -> None:
        experiment = submit(served)
        served.client.post(f"/experiments/{experiment}/cancel")
        path = f"/experiments/{experiment}/events"
        every = served.client.get(path).json()["data"]
        assert [event["number"] for event in every] == list(range(1, len(every) + 1))
        assert every[0]["kind"] == "experiment.queued"
        assert len(every) > 1
        first = served.client.get(path, params={"limit": 1}).json()
        rest = served.client.get(path, params={"cursor": first["next_cursor"]}).json()
        assert first["data"] + rest["data"] == every
