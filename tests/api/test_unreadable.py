"""Experiments whose spec another version of the service stored: shown as far as they can be."""

from sqlalchemy import update

from models.tables.experiments import ExperimentRow
from tests.api.bodies import inline
from tests.api.serving import Served

FOREIGN = {"network": {"layers": [{"layer": "Telepathy"}]}, "wish": "good"}


def test_an_unreadable_spec_is_shown_as_it_is_and_breaks_no_view(served: Served) -> None:
    body = inline(labels={"team": "risk"})
    experiment_id = served.client.post("/experiments", json=body).json()["id"]
    with served.database.transaction() as tx:
        tx.execute(
            update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(spec=FOREIGN)
        )
    here = f"/experiments/{experiment_id}"

    answers = {
        path: served.client.get(path)
        for path in (
            here,
            "/experiments",
            "/experiments?label=team=risk",
            f"{here}/trials",
            f"{here}/trials/1",
            f"{here}/trials/1/epochs",
            f"{here}/comparison",
            f"{here}/events",
        )
    }

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(
        answers, 200
    )
    shown = answers[here].json()
    assert (shown["spec"], shown["labels"]) == (FOREIGN, {"team": "risk"})
    assert served.client.get(f"{here}/network").status_code == 404
    assert served.client.post(f"{here}/cancel").json()["state"] == "cancelled"
    assert served.client.delete(here).status_code == 204
