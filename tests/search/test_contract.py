"""The contract of every strategy, whatever becomes of its trials and in whatever order they end."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.lifecycle import State, StopReason
from models.monitor import Monitored
from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult, changed
from search.conclusion import conclude
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude
from tests.search.results import queued

NETWORK: dict[str, Any] = {"layers": [{"layer": "Dense", "units": 8, "activation": "relu"}]}
RATE = "compile.optimizer.learning_rate"
OVER: dict[str, Any] = {
    RATE: {"float": {"low": 1e-4, "high": 0.1, "log": True}},
    "network.layers.0.units": {"int": {"low": 4, "high": 64, "step": 4}},
    "network.layers.0.activation": ["relu", "tanh"],
}
FEW: dict[str, Any] = {
    "fit.batch_size": {"int": {"low": 8, "high": 32, "log": True, "count": 3}},
    "network.layers.0.kernel_regularizer": [None, {"regularizer": "L2", "l2": 0.01}],
}


def searching(**search: Any) -> dict[str, Any]:
    return {"network": NETWORK, "search": search}


# A spec and how many trials it may come to at most, for each repeat.
CASES: dict[str, tuple[dict[str, Any], int]] = {
    "single": ({"network": NETWORK}, 1),
    "learning_rates": (searching(strategy="learning_rates", values=[1e-7, 0.01, 1]), 3),
    "learning_rates, by a range": (
        searching(strategy="learning_rates", low=1e-5, high=1, count=6),
        6,
    ),
    "networks": (
        {"search": {"strategy": "networks", "networks": {"a": NETWORK, "b": {"layers": []}}}},
        2,
    ),
    "grid": (searching(strategy="grid", over=FEW), 6),
    "random": (searching(strategy="random", over=OVER, count=7), 7),
    "random, with fewer than asked for": (searching(strategy="random", over=FEW, count=9), 6),
    "tpe": (searching(strategy="tpe", over=OVER, count=8, startup=3), 8),
    "tpe, with fewer than asked for": (
        searching(strategy="tpe", over=FEW, count=9, startup=2),
        6,
    ),
    "capacity": ({"search": {"strategy": "capacity", "seeds": 2}}, 14),
    "capacity, one seed and no depth": (
        {"search": {"strategy": "capacity", "seeds": 1, "max_depth": 1, "patience": 1}},
        4,
    ),
}
ENDS = st.sampled_from(
    [
        (State.SUCCEEDED, StopReason.COMPLETED, True),
        (State.SUCCEEDED, StopReason.EARLY_STOPPED, True),
        (State.SUCCEEDED, StopReason.PRUNED, True),
        (State.SUCCEEDED, StopReason.DIVERGED, False),
        (State.FAILED, StopReason.WORKER_LOST, True),
        (State.FAILED, StopReason.OUT_OF_MEMORY, False),
        (State.FAILED, StopReason.ERROR, False),
        (State.CANCELLED, StopReason.CANCELLED, True),
    ]
)
SCORES = st.floats(-10, 10, allow_nan=False)


def spec_of(name: str, repeats: int, parallel: int) -> ExperimentSpec:
    fields, _ = CASES[name]
    return ExperimentSpec.model_validate(
        {
            "data": {"dataset": "builtin:digits"},
            "repeats": 1 if "capacity" in name else repeats,
            "limits": {"max_parallel": parallel},
            **fields,
        }
    )


def ended(result: TrialResult, data: st.DataObject) -> TrialResult:
    state, stop_reason, scored = data.draw(ENDS)
    return replace(
        result,
        state=state,
        stop_reason=stop_reason,
        score=data.draw(SCORES) if scored else None,
        best_epoch=2 if scored else None,
        epochs=3,
    )


class Game:
    """An experiment whose trials end as Hypothesis likes, one after the other."""

    def __init__(self, spec: ExperimentSpec, most: int) -> None:
        self.spec = spec
        self.most = most
        self.results: list[TrialResult] = []

    def ask(self) -> Conclude | None:
        """What a strategy says is the same again, new, and reasoned."""
        step = strategy_for(self.spec).propose(self.spec, tuple(self.results))
        assert strategy_for(self.spec).propose(self.spec, tuple(self.results)) == step
        if isinstance(step, Conclude):
            assert step.reason
            assert not self.active()
            return step
        self._check(step)
        first = len(self.results) + 1
        self.results += [queued(number, each) for number, each in enumerate(step, start=first)]
        assert len(self.results) <= self.most
        assert self.active(), "nothing runs, and nothing is said"
        return None

    def active(self) -> list[TrialResult]:
        return [result for result in self.results if not result.state.is_terminal]

    def _check(self, step: Sequence[Proposal]) -> None:
        every: list[TrialResult | Proposal] = [*self.results, *step]
        places = [(each.candidate, each.repeat) for each in every]
        assert len(set(places)) == len(places)
        for proposal in step:
            assert proposal.reason
            assert proposal.seed == self.spec.seed + proposal.repeat
            assert (self.spec.search is None) == (not proposal.setting)
            changed(self.spec, proposal.changes)
        by_candidate = {each.candidate: repr(each.changes) for each in every}
        assert len(set(by_candidate.values())) == len(by_candidate), "one setting, two candidates"


@pytest.mark.parametrize("name", CASES)
@given(data=st.data(), repeats=st.integers(1, 2), parallel=st.integers(1, 5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_strategy_keeps_its_contract(
    name: str, data: st.DataObject, repeats: int, parallel: int
) -> None:
    spec = spec_of(name, repeats, parallel)
    game = Game(spec, CASES[name][1] * spec.repeats)
    assert game.ask() is None
    end = None
    while end is None:
        active = game.active()
        over = data.draw(st.sampled_from(active))
        game.results[over.number - 1] = ended(over, data)
        if len(active) > 1 and strategy_for(spec).waits_for_all:
            assert strategy_for(spec).propose(spec, game.results) == ()
        else:
            end = game.ask()
    assert game.ask() == end
    conclusion = conclude(
        spec, game.results, {}, judged=Monitored("val_loss", "min"), reason=end.reason
    )
    scores = [result.score for result in game.results if result.state is State.SUCCEEDED]
    assert conclusion.summary
    if conclusion.winner is not None:
        assert conclusion.winner.value in scores


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_trial_whose_row_was_lost_is_proposed_again(name: str, data: st.DataObject) -> None:
    spec = spec_of(name, repeats=2, parallel=4)
    first = strategy_for(spec).propose(spec, ())
    assert not isinstance(first, Conclude)
    kept = [p for p in first if p.repeat == 0 or data.draw(st.booleans())]
    step = strategy_for(spec).propose(spec, [queued(n, p) for n, p in enumerate(kept, start=1)])
    assert not isinstance(step, Conclude)
    again = {(p.candidate, p.repeat): p.changes for p in step}
    assert {(p.candidate, p.repeat): p.changes for p in first if p not in kept} == again


@pytest.mark.parametrize("name", ["random", "tpe"])
def test_another_seed_draws_other_settings(name: str) -> None:
    spec = spec_of(name, repeats=1, parallel=4)
    other = spec.model_copy(update={"seed": 8})
    assert [p.changes for p in _first(spec)] != [p.changes for p in _first(other)]


@pytest.mark.parametrize(("parallel", "repeats", "trials"), [(4, 1, 4), (4, 3, 3), (2, 3, 3)])
def test_tpe_keeps_no_more_in_flight_than_may_train(
    parallel: int, repeats: int, trials: int
) -> None:
    assert len(_first(spec_of("tpe", repeats, parallel))) == trials


def _first(spec: ExperimentSpec) -> tuple[Proposal, ...]:
    step = strategy_for(spec).propose(spec, ())
    assert not isinstance(step, Conclude)
    return step
