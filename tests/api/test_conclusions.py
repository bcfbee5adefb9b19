"""What an experiment showed can be read over HTTP, and its winner be POSTed as it is shown."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from models.lifecycle import StopReason
from models.tables.experiments import ExperimentRow
from models.views.experiment import ExperimentView
from store import leases
from store.outcomes import RowLosses, Succeeded
from tests.api.bodies import DENSE, inline, learning_rates
from tests.api.serving import Served
from tests.api.training import claim, write_epochs
from worker.advance import advance

SEARCHES: dict[str, dict[str, Any]] = {
    "learning rates": {"search": learning_rates(0.1, 0.01)},
    "networks": {
        "network": None,
        "search": {
            "strategy": "networks",
            "networks": {"one": {"layers": [DENSE]}, "two": {"layers": [DENSE, DENSE]}},
        },
    },
    "grid": {"search": {"strategy": "grid", "over": {"network.layers.0.units": [4, 8]}}},
    "none": {"repeats": 2},
}
ROWS = 3


def trained(served: Served, **parts: Any) -> str:
    """An experiment whose trials have all been trained, the first a little better: its id."""
    body = {name: part for name, part in inline(**parts).items() if part is not None}
    answer = served.client.post("/experiments", json=body)
    assert answer.status_code == 202, answer.text
    experiment = str(answer.json()["id"])
    for number in range(2):
        taken = claim(served.database)
        write_epochs(served.database, taken.lease, [0.5, 0.4 + 0.1 * number])
        losses = np.array([0.1, 0.2, 0.9], dtype="<f4") + np.float32(0.1 * number)
        kept = RowLosses(rows=ROWS, values=losses.tobytes())
        done = Succeeded(stop_reason=StopReason.COMPLETED, row_losses=kept)
        with served.database.transaction() as tx:
            leases.finish(tx, taken.lease, done)
            advance(tx, experiment)
    return experiment


@pytest.mark.parametrize("search", SEARCHES)
def test_the_winners_spec_is_accepted_as_it_is_shown(served: Served, search: str) -> None:
    experiment = trained(served, **SEARCHES[search])
    view = served.client.get(f"/experiments/{experiment}").json()
    spec = view["conclusion"]["winner"]["spec"]
    assert experiment in spec["name"]

    plan = served.client.post("/experiments?dry_run=true", json=spec)
    assert plan.status_code == 200, plan.text
    assert len(plan.json()["trials"]) == 1
    posted = served.client.post("/experiments", json=spec)
    assert posted.status_code == 202, posted.text
    assert posted.json()["spec"] == spec


def test_a_conclusion_shows_ties_and_differences_and_reads_back(served: Served) -> None:
    experiment = trained(served, search=learning_rates(0.1, 0.01))
    shown = served.client.get(f"/experiments/{experiment}").json()
    conclusion = shown["conclusion"]
    assert conclusion["summary"] == [
        "0.1 won: val_loss 0.4 at epoch 2.",
        "It is the highest rate that was tried: a higher one may be better still.",
        "0.01 was too low: after 2 epochs the loss had not fallen.",
    ]
    assert conclusion["ties"] == []
    assert conclusion["ranking"][1]["tied"] is False
    assert conclusion["ranking"][1]["difference"]["mean"] == pytest.approx(0.1)
    assert ExperimentView.model_validate(
        {name: part for name, part in shown.items() if name not in {"is_terminal", "links"}}
    ).conclusion


def test_the_comparison_shows_how_surely_the_others_differ(served: Served) -> None:
    experiment = trained(served, search=learning_rates(0.1, 0.01))
    best, other = served.client.get(f"/experiments/{experiment}/comparison").json()["candidates"]
    assert (best["difference"], best["tied"]) == (None, None)
    assert other["difference"]["mean"] == pytest.approx(0.1)
    assert other["difference"]["rows"] == ROWS
    assert (other["tied"], other["accuracy"]) == (False, None)


def test_a_conclusion_of_an_earlier_version_can_still_be_read(served: Served) -> None:
    experiment = trained(served, search=learning_rates(0.1, 0.01))
    with served.database.transaction() as tx:
        mine = ExperimentRow.id == experiment
        stored = dict(tx.scalars(select(ExperimentRow.conclusion).where(mine)).one() or {})
        for added in ("ties", "sizes"):
            del stored[added]
        stored["winner"] = {k: v for k, v in stored["winner"].items() if k != "spec"}
        stored["ranking"] = [
            {name: part for name, part in line.items() if name not in {"difference", "tied"}}
            for line in stored["ranking"]
        ]
        tx.execute(update(ExperimentRow).where(mine).values(conclusion=stored))
    conclusion = served.client.get(f"/experiments/{experiment}").json()["conclusion"]
    assert conclusion["winner"]["spec"] is None
    assert conclusion["ties"] == []
