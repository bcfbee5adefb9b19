"""Which proposals can be trained, and what is said of those that cannot."""

from typing import Any, cast

from models.errors import Invalid
from models.network_meaning import Resolved
from models.planning import planned
from models.trial import Proposal
from tests.store.scenes import PROFILE, spec_of


def proposal(candidate: int, /, *, repeat: int = 0, **changes: Any) -> Proposal:
    return Proposal(
        candidate=candidate,
        repeat=repeat,
        seed=7 + repeat,
        setting=changes,
        changes={path.replace("__", "."): value for path, value in changes.items()},
        reason="because",
    )


def test_what_cannot_be_trained_is_refused_beside_what_can() -> None:
    proposals = [
        proposal(0, fit__batch_size=10),
        proposal(1, fit__batch_size=71),
        proposal(0, repeat=1, fit__batch_size=10),
        proposal(1, repeat=1, fit__batch_size=71),
    ]
    found = planned(spec_of(), PROFILE, proposals)
    assert [trial.proposal for trial in found] == proposals
    assert [isinstance(trial.outcome, Invalid) for trial in found] == [False, True] * 2
    assert [(trial.parameters, trial.epochs) for trial in found] == [(270, 20), (0, 0)] * 2


def test_a_refusal_is_stored_with_what_is_wrong_and_where() -> None:
    (trial,) = planned(spec_of(), PROFILE, [proposal(0, fit__batch_size=71)])
    problem = trial.problem
    assert problem is not None
    assert problem.code == "invalid_spec"
    assert problem.detail.startswith("It cannot be trained: ")
    assert "70" in problem.detail
    assert [issue.pointer for issue in problem.errors] == ["/fit/batch_size"]


def test_values_that_are_sound_alone_and_not_together_are_refused() -> None:
    clip: dict[str, Any] = {
        "compile__optimizer__clipnorm": 1.0,
        "compile__optimizer__clipvalue": 1.0,
    }
    alone = [proposal(n, **{path: value}) for n, (path, value) in enumerate(clip.items())]
    found = planned(spec_of(), PROFILE, [*alone, proposal(2, **clip)])
    assert [trial.problem is None for trial in found] == [True, True, False]
    assert found[2].problem is not None
    assert "at most one of clipnorm" in found[2].problem.detail


def sized(candidate: int, units: int, rate: float, batch_size: int) -> Proposal:
    changes = {
        "network__layers__0__units": units,
        "compile__optimizer__learning_rate": rate,
        "fit__batch_size": batch_size,
    }
    return proposal(candidate, **cast("Any", changes))


def test_trials_with_one_network_share_its_summary_and_nothing_else() -> None:
    first, slower, wider, too_large = planned(
        spec_of(),
        PROFILE,
        [
            sized(0, 3, 0.1, 8),
            sized(1, 3, 0.01, 16),
            sized(2, 4, 0.1, 8),
            sized(3, 3, 0.1, 71),
        ],
    )
    assert isinstance(first.outcome, Resolved)
    assert isinstance(slower.outcome, Resolved)
    assert isinstance(wider.outcome, Resolved)
    assert slower.outcome.summary is first.outcome.summary
    assert slower.outcome.compile.optimizer.learning_rate == 0.01
    assert wider.parameters > first.parameters
    assert isinstance(too_large.outcome, Invalid)
    assert too_large.outcome.issues[0].pointer == "/fit/batch_size"
