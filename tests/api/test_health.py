"""The health of a trial over HTTP: measured series, and what the rules make of them."""

import math
from typing import Any

from sqlalchemy import delete, null, update

from health.judge import RULES
from models.lifecycle import StopReason
from models.measurements import LackOfFit, LayerMeasurement, Measurement, PairedLosses
from models.tables.experiments import ExperimentRow
from models.tables.trials import EpochRow, MeasurementRow, TrialRow
from store import leases, measurements, trainings
from store.claims import Claim
from store.outcomes import Cancelled, Succeeded
from tests.api.bodies import inline
from tests.api.serving import Served
from tests.api.training import claim, write_epochs
from worker.judging import Judging


def measured(epoch: int, *, loss: float = 0.5) -> Measurement:
    return Measurement(
        epoch=epoch,
        rows=64,
        layers=(
            LayerMeasurement(
                layer="dense", units=4, zeros=0.5, dead=0.25 * epoch, kernel_gradient=1.5
            ),
            LayerMeasurement(layer="output", units=2, kernel_gradient=2.0),
        ),
        loss=loss,
        prior=0.7,
        largest_input=2.5,
        commonest=0.5,
        since_best=PairedLosses(since=epoch - 1, mean=0.1, standard_error=None, rows=1)
        if epoch
        else None,
    )


def running(served: Served, losses: tuple[float, ...] = (0.5, 0.4)) -> Claim:
    """A trial that has trained and measured so many epochs."""
    answer = served.client.post("/experiments", json=inline())
    assert answer.status_code == 202, answer.text
    taken = claim(served.database)
    write_epochs(served.database, taken.lease, losses)
    with served.database.transaction() as tx:
        measurements.append(tx, taken.lease, [measured(n) for n in range(len(losses) + 1)])
    return taken


def end(served: Served, taken: Claim, stop_reason: StopReason = StopReason.COMPLETED) -> None:
    judgement = Judging(taken, served.database).judgement(stop_reason, resumed=0)
    with served.database.transaction() as tx:
        leases.finish(tx, taken.lease, Succeeded(stop_reason=stop_reason, judgement=judgement))


def health(served: Served, taken: Claim) -> dict[str, Any]:
    trial = served.client.get(f"/experiments/{taken.lease.experiment_id}/trials/1").json()
    answer = served.client.get(trial["links"]["health"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_was_measured_comes_as_series_along_the_epochs(served: Served) -> None:
    found = health(served, running(served))
    assert (found["epochs"], found["rows"]) == ([0, 1, 2], 64)
    assert (found["loss"], found["prior"]) == ([0.5, 0.5, 0.5], 0.7)
    dense, output = found["layers"]
    assert (dense["layer"], dense["units"], dense["dead"]) == ("dense", 4, [0.0, 0.25, 0.5])
    assert (output["kernel_gradient"], output["dead"]) == ([2.0, 2.0, 2.0], [])
    assert found["minority_recall"] == []
    assert [each and each["mean"] for each in found["since_best"]] == [None, 0.1, 0.1]
    assert (found["state"], found["is_terminal"]) == ("running", False)


def test_a_trial_under_way_is_judged_by_what_is_there_and_stays_so_judged(served: Served) -> None:
    taken = running(served, (0.5, 40.0))
    before = health(served, taken)
    assert "diverged" in [finding["code"] for finding in before["findings"]]

    end(served, taken, StopReason.DIVERGED)

    after = health(served, taken)
    assert "diverged" in [finding["code"] for finding in after["findings"]]
    assert after["is_terminal"]
    trial = served.client.get(after["links"]["trial"]).json()
    assert trial["findings"] == after["findings"]


def test_a_trial_that_was_cancelled_is_judged_by_what_it_came_to(served: Served) -> None:
    taken = running(served, (0.5, 40.0))
    address = f"/experiments/{taken.lease.experiment_id}"
    assert served.client.post(f"{address}/cancel").status_code == 202
    with served.database.transaction() as tx:
        leases.finish(tx, taken.lease, Cancelled())
    found = health(served, taken)
    assert (found["state"], found["is_terminal"]) == ("cancelled", True)
    assert [each["code"] for each in found["findings"]] == [
        each["code"] for each in found["checks"] if each["outcome"] == "found"
    ]
    assert found["findings"]


def test_a_trial_stays_as_it_was_judged_whatever_rules_say_later_and_its_epochs_are_not_read(
    served: Served,
) -> None:
    taken = running(served, (0.5, 40.0))
    end(served, taken, StopReason.DIVERGED)
    before = health(served, taken)
    with served.database.transaction() as tx:
        tx.execute(update(EpochRow).values(metrics={"loss": 0.1, "val_loss": 0.1}))

    after = health(served, taken)

    assert after == before
    assert {each["code"] for each in after["findings"]} == {
        each["code"] for each in after["checks"] if each["outcome"] == "found"
    }


def test_a_healthy_trial_keeps_what_every_rule_came_to(served: Served) -> None:
    taken = running(served)
    with served.database.transaction() as tx:
        tx.execute(delete(MeasurementRow))
    end(served, taken)
    with served.database.snapshot() as tx:
        training = trainings.get(
            tx, owner="local", experiment_id=taken.lease.experiment_id, number=1
        )
    assert training.findings == ()
    assert {check.code for check in training.checks or ()} == set(RULES)
    assert training.recorded.epochs == ()


def test_a_trial_that_an_earlier_version_judged_keeps_its_findings_and_is_checked_anew(
    served: Served,
) -> None:
    taken = running(served, (0.5, 40.0))
    end(served, taken, StopReason.DIVERGED)
    before = health(served, taken)
    with served.database.transaction() as tx:
        tx.execute(update(TrialRow).values(checks=null()))
        tx.execute(update(EpochRow).values(metrics={"loss": 0.1, "val_loss": 0.1}))

    after = health(served, taken)

    assert after["findings"] == before["findings"]
    assert [each["code"] for each in after["checks"]] == [each["code"] for each in before["checks"]]
    assert after["checks"] != before["checks"]


def test_every_rule_says_what_it_came_to(served: Served) -> None:
    checks = {check["code"]: check for check in health(served, running(served))["checks"]}
    assert checks["diverged"]["outcome"] == "healthy"
    assert all(check["reason"] for check in checks.values())


def test_what_the_inputs_could_still_explain_is_there_from_the_end_on(served: Served) -> None:
    taken = running(served)
    assert health(served, taken)["lack_of_fit"] is None

    fit = LackOfFit(share=0.25, standard_error=0.5)
    with served.database.transaction() as tx:
        last = measured(2).model_copy(update={"lack_of_fit": fit})
        measurements.append(tx, taken.lease, [last])
    end(served, taken)

    assert health(served, taken)["lack_of_fit"] == {"share": 0.25, "standard_error": 0.5}


def test_a_trial_that_nobody_measured_has_empty_series(served: Served) -> None:
    taken = running(served, (0.5, math.nan))
    with served.database.transaction() as tx:
        tx.execute(delete(MeasurementRow))
    end(served, taken)
    found = health(served, taken)
    assert (found["epochs"], found["layers"], found["loss"], found["rows"]) == ([], [], [], None)
    assert found["checks"]


def test_a_trial_of_another_version_keeps_its_findings_and_is_not_judged(served: Served) -> None:
    taken = running(served, (0.5, 40.0))
    end(served, taken, StopReason.DIVERGED)
    with served.database.transaction() as tx:
        tx.execute(update(TrialRow).values(checks=null()))
        tx.execute(update(ExperimentRow).values(spec={"data": {}, "of": "another version"}))
    found = health(served, taken)
    assert found["findings"]
    assert (found["checks"], found["epochs"]) == ([], [0, 1, 2])


def test_a_trial_that_does_not_exist_has_no_health(served: Served) -> None:
    experiment_id = running(served).lease.experiment_id
    for address in (f"/experiments/{experiment_id}/trials/2", "/experiments/exp_0/trials/1"):
        answer = served.client.get(f"{address}/health")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
