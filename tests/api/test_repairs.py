"""From a finding to the next experiment and back: what /next answers is POSTed and judged."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from models.findings import Finding, Judgement
from models.lifecycle import StopReason
from models.tables.experiments import ExperimentRow
from store import leases
from store.outcomes import RowLosses, Succeeded
from tests.api.bodies import inline, learning_rates
from tests.api.serving import Served
from tests.api.training import claim, write_epochs
from worker.advance import advance


def finding(code: str, value: object, **more: Any) -> Finding:
    return Finding(
        code=code,
        severity="problem",
        evidence="8 of 8.",
        explanation="So it is.",
        advice="Try more epochs.",
        patch=({"op": "replace", "path": "/fit/epochs", "value": value},),
        **more,
    )


DEAD = finding("dead_neurons", 9)
SLOW = finding("learning_rate_too_low", 12)
OTHER = SLOW.model_copy(
    update={"patch": ({"op": "replace", "path": "/fit/batch_size", "value": 4},)}
)
UNPATCHED = DEAD.model_copy(update={"code": "overfitting", "patch": ()})


def trained(
    served: Served,
    spec: dict[str, Any],
    *trials: tuple[float, tuple[Finding, ...]],
    apart: Sequence[float] = (0.1, 0.2, 0.9),
) -> str:
    """An experiment whose trials came to these losses and findings: its id.

    Three rows validate, whose losses are so far above that.
    """
    answer = served.client.post("/experiments", json=spec)
    assert answer.status_code == 202, answer.text
    experiment = str(answer.json()["id"])
    for loss, found in trials:
        taken = claim(served.database)
        write_epochs(served.database, taken.lease, [loss])
        rows = np.array(apart, dtype="<f4") + np.float32(loss)
        kept = RowLosses(rows=3, values=rows.tobytes())
        judged = Judgement(findings=found)
        done = Succeeded(stop_reason=StopReason.COMPLETED, row_losses=kept, judgement=judged)
        with served.database.transaction() as tx:
            leases.finish(tx, taken.lease, done)
            advance(tx, experiment)
    return experiment


def view(served: Served, experiment: str) -> dict[str, Any]:
    found: dict[str, Any] = served.client.get(f"/experiments/{experiment}").json()
    return found


def following(served: Served, experiment: str, **query: Any) -> dict[str, Any]:
    answer = served.client.get(f"/experiments/{experiment}/next", params=query)
    assert answer.status_code == 200, answer.text
    spec: dict[str, Any] = answer.json()
    return spec


def refused(served: Served, experiment: str, **query: Any) -> tuple[int, str, str]:
    answer = served.client.get(f"/experiments/{experiment}/next", params=query)
    return answer.status_code, answer.json()["code"], answer.json()["detail"]


def test_what_next_answers_is_posted_as_it_is_and_its_conclusion_says_whether_it_helped(
    served: Served,
) -> None:
    first = trained(served, inline(name="kinds"), (0.5, (DEAD,)))
    spec = following(served, first)
    assert spec["fit"]["epochs"] == 9
    assert spec["name"] == "dead_neurons repaired: kinds"
    assert spec["derived_from"] == {"experiment": first, "trial": 1, "finding": "dead_neurons"}

    second = trained(served, spec, (0.2, ()))

    after = view(served, second)
    assert after["links"]["derived_from"] == f"/experiments/{first}"
    repair = after["conclusion"]["repair"]
    assert (repair["helped"], repair["before"], repair["after"]) == (True, 0.5, 0.2)
    assert repair["difference"]["mean"] == pytest.approx(-0.3, abs=1e-6)
    assert repair["sentence"] in after["conclusion"]["summary"]
    assert after["conclusion"]["winner"]["spec"]["derived_from"] is None


def test_a_repair_of_a_repair_has_no_longer_name(served: Served) -> None:
    first = trained(served, inline(name="kinds"), (0.5, (DEAD,)))
    second = trained(served, following(served, first), (0.5, (SLOW,)))
    spec = following(served, second)
    assert spec["name"] == "learning_rate_too_low repaired: kinds"
    assert spec["derived_from"]["experiment"] == second
    repair = view(served, second)["conclusion"]["repair"]
    assert repair["helped"] is False


def test_what_did_not_help_is_not_suggested_again(served: Served) -> None:
    first = trained(served, inline(name="kinds"), (0.5, (DEAD,)))
    again = finding("dead_neurons", 18)
    second = trained(served, following(served, first), (0.5, (again, OTHER)))
    assert view(served, second)["conclusion"]["repair"]["helped"] is False

    other = following(served, second)
    assert other["derived_from"]["finding"] == "learning_rate_too_low"
    assert other["fit"]["batch_size"] == 4
    third = trained(served, other, (0.5, (again,)))
    status, code, detail = refused(served, third)
    assert (status, code) == (404, "nothing_to_repair")
    assert "The repair of dead_neurons was tried and did not help" in detail
    asked = following(served, third, finding="dead_neurons")
    assert asked["fit"]["epochs"] == 18


def test_what_did_not_help_is_suggested_again_once_something_has(served: Served) -> None:
    first = trained(served, inline(), (0.5, (DEAD,)))
    again = finding("dead_neurons", 18)
    second = trained(served, following(served, first), (0.5, (OTHER,)))
    third = trained(served, following(served, second), (0.1, (again,)))
    assert view(served, third)["conclusion"]["repair"]["helped"] is True

    assert following(served, third)["fit"]["epochs"] == 18


def test_what_nobody_can_tell_of_may_be_suggested_again(served: Served) -> None:
    first = trained(served, inline(), (0.5, (DEAD,)))
    others = following(served, first) | {"seed": 99}  # other rows validate
    second = trained(served, others, (0.5, (finding("dead_neurons", 18),)))
    assert view(served, second)["conclusion"]["repair"]["helped"] is None

    assert following(served, second)["fit"]["epochs"] == 18


def test_a_repair_that_goes_further_follows_one_that_did_not_help(served: Served) -> None:
    first = trained(served, inline(), (0.5, (DEAD,)))
    further = DEAD.model_copy(update={"patch": (*DEAD.patch, *OTHER.patch)})
    second = trained(served, following(served, first), (0.5, (further,)))

    assert following(served, second)["fit"]["batch_size"] == 4


def test_after_what_made_it_worse_next_goes_on_from_before(served: Served) -> None:
    first = trained(served, inline(name="kinds"), (0.5, (DEAD, OTHER)))
    worse = trained(served, following(served, first), (0.9, (finding("oscillating", 40),)))

    other = following(served, worse)
    assert other["derived_from"] == {
        "experiment": first,
        "trial": 1,
        "finding": "learning_rate_too_low",
    }
    assert other["fit"] == view(served, first)["spec"]["fit"] | {"batch_size": 4}
    assert other["name"] == "learning_rate_too_low repaired: kinds"

    worse_too = trained(served, other, (0.8, (finding("overfitting", 50),)))
    last = following(served, worse_too)  # nothing is left before, so what was found since
    assert last["derived_from"]["experiment"] == worse_too
    assert (last["fit"]["epochs"], last["fit"]["batch_size"]) == (50, 4)


def test_what_made_it_worse_is_not_suggested_again_for_another_finding(served: Served) -> None:
    """Swings that do harm ask for the same lower rate as a rate that is too high."""
    high = finding("learning_rate_too_high", 9)
    swings = finding("oscillating", 9, consequence_of="learning_rate_too_high")
    first = trained(served, inline(), (0.5, (high, swings, OTHER)))
    worse = trained(served, following(served, first), (0.9, ()))

    other = following(served, worse)
    assert other["derived_from"]["finding"] == "learning_rate_too_low"
    worse_too = trained(served, other, (0.9, ()))
    assert refused(served, worse_too)[:2] == (404, "nothing_to_repair")


@pytest.mark.parametrize("query", [{"trial": 1}, {"finding": "oscillating"}])
def test_what_made_it_worse_is_repaired_when_that_is_asked_for(
    served: Served, query: dict[str, Any]
) -> None:
    first = trained(served, inline(), (0.5, (DEAD, OTHER)))
    worse = trained(served, following(served, first), (0.9, (finding("oscillating", 40),)))

    assert following(served, worse, **query)["derived_from"]["experiment"] == worse


def test_what_diverges_since_its_repair_is_left_for_what_there_was_before(served: Served) -> None:
    first = trained(served, inline(), (0.5, (DEAD, OTHER)))
    second = diverged(served, following(served, first), finding("diverged", 40))

    assert following(served, second)["derived_from"]["experiment"] == first


def test_what_is_worse_within_the_noise_of_the_rows_is_gone_on_with(served: Served) -> None:
    first = trained(served, inline(), (0.5, (DEAD, OTHER)))
    swings = finding("oscillating", 40)
    second = trained(served, following(served, first), (0.52, (swings,)), apart=(0.3, 0.0, 0.9))
    assert view(served, second)["conclusion"]["repair"]["helped"] is False

    assert following(served, second)["derived_from"]["experiment"] == second


def test_after_what_diverges_as_before_next_goes_on_with_what_was_found_since(
    served: Served,
) -> None:
    first = diverged(served, inline(), DEAD, OTHER)
    second = diverged(served, following(served, first), finding("oscillating", 40))

    assert following(served, second)["derived_from"]["experiment"] == second


def test_before_what_made_it_worse_next_does_not_lead_back_either(served: Served) -> None:
    first = trained(served, inline(), (0.5, (SLOW,)))
    epochs = view(served, first)["spec"]["fit"]["epochs"]
    wider = OTHER.model_copy(update={"code": "underfitting"})
    back = finding("overfitting", epochs)
    better = trained(served, following(served, first), (0.4, (wider, back)))
    worse = trained(served, following(served, better), (0.9, ()))

    assert refused(served, worse)[:2] == (404, "nothing_to_repair")


def test_next_does_not_lead_back_to_where_it_came_from(served: Served) -> None:
    first = trained(served, inline(repeats=2), (0.5, (SLOW,)), (0.5, (SLOW,)))
    epochs = view(served, first)["spec"]["fit"]["epochs"]
    back = finding("learning_rate_too_high", epochs)
    once = following(served, first) | {"repeats": 1, "seed": 8}  # the same, however often
    second = trained(served, once, (0.9, (back,)))

    status, code, detail = refused(served, second)
    assert (status, code) == (404, "nothing_to_repair")
    assert "leads back" in detail
    asked = following(served, second, finding="learning_rate_too_high")
    assert asked["fit"]["epochs"] == epochs


def diverged(served: Served, spec: dict[str, Any], *found: Finding) -> str:
    """An experiment whose one trial ran away: its id."""
    experiment = str(served.client.post("/experiments", json=spec).json()["id"])
    taken = claim(served.database)
    write_epochs(served.database, taken.lease, [9.0])
    done = Succeeded(stop_reason=StopReason.DIVERGED, judgement=Judgement(findings=found))
    with served.database.transaction() as tx:
        leases.finish(tx, taken.lease, done)
        advance(tx, experiment)
    return experiment


def test_where_nothing_won_it_is_said_too_that_a_repair_did_not_help(served: Served) -> None:
    first = diverged(served, inline(), DEAD)
    second = diverged(served, following(served, first), finding("dead_neurons", 18))

    status, code, detail = refused(served, second)
    assert (status, code) == (404, "nothing_to_repair")
    assert detail.startswith("The repair of dead_neurons was tried and did not help")


def test_of_a_healthy_loser_it_is_not_said_that_the_winners_repair_was_tried(
    served: Served,
) -> None:
    first = trained(served, inline(), (0.5, (DEAD,)))
    spec = following(served, first) | {"search": learning_rates(0.1, 0.01)}
    second = trained(served, spec, (0.5, ()), (0.2, (SLOW,)))

    assert refused(served, second, trial=1)[2] == "Nothing was found in trial 1."


def test_a_repair_whose_original_was_deleted_is_not_judged(served: Served) -> None:
    first = trained(served, inline(), (0.5, (DEAD,)))
    answer = served.client.post("/experiments", json=following(served, first))
    assert served.client.delete(f"/experiments/{first}").status_code == 204
    taken = claim(served.database)
    write_epochs(served.database, taken.lease, [0.2])
    with served.database.transaction() as tx:
        leases.finish(tx, taken.lease, Succeeded(stop_reason=StopReason.COMPLETED))
        advance(tx, taken.lease.experiment_id)
    repair = view(served, answer.json()["id"])["conclusion"]["repair"]
    assert (repair["helped"], repair["before"], repair["after"]) == (None, None, 0.2)


def test_a_client_chooses_another_trial_or_finding(served: Served) -> None:
    spec = inline(search=learning_rates(0.1, 0.01))
    experiment = trained(served, spec, (0.5, (DEAD,)), (0.2, (SLOW, UNPATCHED)))
    chosen = [
        following(served, experiment, **query)["derived_from"]
        for query in ({}, {"trial": 1}, {"finding": "dead_neurons"})
    ]
    assert [(each["trial"], each["finding"]) for each in chosen] == [
        (2, "learning_rate_too_low"),
        (1, "dead_neurons"),
        (1, "dead_neurons"),
    ]
    assert view(served, experiment)["findings"] == [
        each.model_dump(mode="json") for each in (SLOW, UNPATCHED)
    ]
    assert refused(served, experiment, trial=3)[:2] == (404, "not_found")
    assert refused(served, experiment, trial=2, finding="dead_neurons") == (
        404,
        "nothing_to_repair",
        "No dead_neurons was found in trial 2.",
    )


def test_where_the_winner_is_well_a_loser_is_repaired_only_when_it_is_asked_for(
    served: Served,
) -> None:
    spec = inline(search=learning_rates(0.1, 0.01))
    experiment = trained(served, spec, (0.5, (SLOW,)), (0.2, ()))
    assert refused(served, experiment) == (
        404,
        "nothing_to_repair",
        "Nothing was found in the winner. To repair another trial, ask with ?trial=1.",
    )
    assert following(served, experiment, trial=1)["derived_from"]["trial"] == 1


def test_what_only_looked_wrong_is_repaired_when_it_is_asked_for(served: Served) -> None:
    spec = inline(rows=60)
    spec["data"]["scaling"] = "none"
    experiment = trained(served, spec, (0.5, ()))
    assert refused(served, experiment)[:2] == (404, "nothing_to_repair")
    for query in ({}, {"trial": 1}):
        patched = following(served, experiment, finding="inputs_not_scaled", **query)
        assert patched["data"]["scaling"] != "none"
        assert patched["name"] == "inputs_not_scaled repaired"
    assert served.client.post("/experiments", json=patched).status_code == 202


def test_where_nothing_has_a_patch_the_advice_is_all_there_is(served: Served) -> None:
    advised = trained(served, inline(), (0.5, (UNPATCHED,)))
    assert refused(served, advised) == (
        404,
        "nothing_to_repair",
        (
            "Nothing that was found in the winner has a patch. "
            "The advice on overfitting: Try more epochs."
        ),
    )
    healthy = trained(served, inline(), (0.5, ()))
    assert refused(served, healthy)[2] == "Nothing was found in the winner."


def test_an_experiment_that_is_not_over_cannot_be_repaired(served: Served) -> None:
    experiment = served.client.post("/experiments", json=inline()).json()["id"]
    assert refused(served, experiment)[:2] == (409, "illegal_move")
    assert refused(served, "exp_0")[:2] == (404, "not_found")


@pytest.mark.parametrize("value", [0, "many"])
def test_a_patch_that_does_not_fit_the_spec_is_no_repair(served: Served, value: object) -> None:
    experiment = trained(served, inline(), (0.5, (finding("dead_neurons", value),)))
    assert refused(served, experiment)[:2] == (404, "nothing_to_repair")


def test_a_spec_of_another_version_is_not_patched(served: Served) -> None:
    experiment = trained(served, inline(), (0.5, (DEAD,)))
    with served.database.transaction() as tx:
        tx.execute(update(ExperimentRow).values(spec={"of": "another version"}))
    assert refused(served, experiment)[:2] == (404, "nothing_to_repair")


def test_no_database_is_asked_for_a_trial_of_a_number_that_it_cannot_hold(served: Served) -> None:
    spec = following(served, trained(served, inline(), (0.5, (DEAD,))))
    spec["derived_from"]["trial"] = 2**31
    answer = served.client.post("/experiments", json=spec)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "out_of_range"


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize(
    ("field", "value"), [("experiment", "exp_0"), ("trial", 2), ("finding", "overfitting")]
)
def test_an_origin_has_to_be_there(served: Served, field: str, value: object, dry_run: str) -> None:
    first = trained(served, inline(), (0.5, (DEAD,)))
    spec = following(served, first)
    spec["derived_from"][field] = value
    answer = served.client.post("/experiments", json=spec, params={"dry_run": dry_run})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_spec")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"/derived_from/{field}", f"unknown_{field}")
    assert ("dead_neurons" in error["allowed"]) is (field == "finding")
