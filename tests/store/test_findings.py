"""The database says how far faults spread, and hands out what was found as it is asked for."""

from models.findings import Finding, Judgement, Spread
from models.lifecycle import StopReason
from store import findings
from store.outcomes import Succeeded
from tests.store.scenes import Scene


def finding(code: str, severity: str = "problem", cause: str | None = None) -> Finding:
    return Finding.model_validate(
        {
            "code": code,
            "severity": severity,
            "evidence": "60 % of dense never answer.",
            "explanation": "They are dead.",
            "advice": "Try LeakyReLU.",
            "patch": [{"op": "remove", "path": "/search"}],
            "consequence_of": cause,
        }
    )


LOW, DEAD = finding("learning_rate_too_low", "warning"), finding("dead_neurons")
FOLLOWS = finding("learned_nothing", cause="dead_neurons")
HARMLESS = finding("overfitting", "info")


def judged(scene: Scene, *trials: tuple[Finding, ...]) -> str:
    """An experiment of these trials, which were judged, and of one that runs."""
    experiment_id = scene.submit(len(trials) + 1)
    for found in trials:
        done = Succeeded(stop_reason=StopReason.COMPLETED, judgement=Judgement(findings=found))
        scene.finish(scene.must_claim(), done)
    scene.must_claim()
    return experiment_id


def test_a_fault_spreads_where_it_is_a_cause_that_costs_something(scene: Scene) -> None:
    experiment_id = judged(
        scene,
        (finding("dead_neurons", "warning"), FOLLOWS),
        (HARMLESS,),
        (DEAD, FOLLOWS, LOW),
        (DEAD, DEAD, FOLLOWS),
        (),
    )
    judged(scene, (DEAD,))  # another's

    with scene.database.snapshot() as tx:
        assert findings.judged(tx, experiment_id) == 5
        assert findings.spread(tx, experiment_id) == (
            Spread("dead_neurons", 3, 3),
            Spread("learning_rate_too_low", 1, None),
        )


def test_what_was_found_comes_as_it_was_found_for_trials_or_codes_that_are_asked_for(
    scene: Scene,
) -> None:
    experiment_id = judged(scene, (DEAD, FOLLOWS), (), (LOW, FOLLOWS))

    with scene.database.snapshot() as tx:
        assert findings.of(tx, experiment_id, {1, 2}) == {1: (DEAD, FOLLOWS), 2: ()}
        assert set(findings.of(tx, experiment_id)) == {1, 2, 3}
        assert findings.coded(tx, experiment_id, {LOW.code}) == {3: (LOW,)}
        assert findings.coded(tx, experiment_id, {FOLLOWS.code}) == {1: (FOLLOWS,), 3: (FOLLOWS,)}


def test_of_trials_that_nobody_judged_nothing_is_said(scene: Scene) -> None:
    experiment_id = judged(scene)

    with scene.database.snapshot() as tx:
        assert findings.judged(tx, experiment_id) == 0
        assert findings.spread(tx, experiment_id) == ()
        assert findings.of(tx, experiment_id) == {}
