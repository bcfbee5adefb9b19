"""Where a good setting is likely to lie: Optuna's tree-structured Parzen estimator, asked and told.

Optuna takes a second to import, so only a process that really asks it imports this module.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial
from pydantic import JsonValue

from models.lifecycle import StopReason
from models.monitor import Mode
from models.specs.spaces import FloatSpace, IntSpace, Space, values_of
from models.trial import TrialResult
from search.ranking import counts
from search.space import Changes, Spaces, key

# It would say in the log of the service that it made a study, for every proposal.
logging.getLogger("optuna").setLevel(logging.WARNING)


def suggest(
    spaces: Spaces,
    known: Iterable[Sequence[TrialResult]],
    begun: Iterable[Changes],
    *,
    mode: Mode,
    seed: int,
) -> Iterator[Changes]:
    """Settings to try, without end, each knowing of those before it; some may be known already.

    The study is made anew from what is known, so the same known and seed give the same answers.
    What is running counts as bad for the time being, so that parallel trials do not crowd one
    place.

    Args:
        spaces: to draw from.
        known: the trials of each setting there is.
        begun: further settings, which are about to run.
        mode: which way a score is better.
        seed: of the draws.
    """
    sampler = optuna.samplers.TPESampler(n_startup_trials=0, constant_liar=True, seed=seed)
    study = optuna.create_study(
        sampler=sampler, direction="minimize" if mode == "min" else "maximize"
    )
    shape = {path: _distribution(space) for path, space in spaces.items()}
    for trials in known:
        outcome = _outcome(trials)
        parameters = _parameters(spaces, trials[0].changes)
        study.add_trial(
            create_trial(
                state=outcome.state,
                params=parameters,
                distributions=shape,
                value=outcome.value,
                intermediate_values=dict(outcome.stopped),
            )
        )
    for changes in begun:
        parameters = _parameters(spaces, changes)
        study.add_trial(
            create_trial(state=TrialState.RUNNING, params=parameters, distributions=shape)
        )
    while True:
        asked = study.ask(shape).params
        yield {path: _value(space, asked[path]) for path, space in spaces.items()}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What Optuna is told of a setting.

    Attributes:
        stopped: epochs -> score at which it was pruned. One that was pruned is worse than any that
            was not; one that diverged has not even this, and is worse still.
    """

    state: TrialState
    value: float | None = None
    stopped: Mapping[int, float] = field(default_factory=dict)


def _outcome(trials: Sequence[TrialResult]) -> _Outcome:
    if any(not trial.state.is_terminal for trial in trials):
        return _Outcome(TrialState.RUNNING)
    if any(trial.stop_reason is StopReason.DIVERGED for trial in trials):
        return _Outcome(TrialState.PRUNED)
    score = _mean(trials)
    if score is None:
        return _Outcome(TrialState.FAIL)
    if any(trial.stop_reason is StopReason.PRUNED for trial in trials):
        epochs = max(trial.epochs for trial in trials)
        return _Outcome(TrialState.PRUNED, stopped={epochs: score})
    return _Outcome(TrialState.COMPLETE, value=score)


def _mean(trials: Sequence[TrialResult]) -> float | None:
    """Over those that went well; None where none has a score."""
    scores = [trial.score for trial in trials if counts(trial) and trial.score is not None]
    return fmean(scores) if scores else None


def _distribution(space: Space) -> BaseDistribution:
    """Values with an order are numbered where they are not evenly spaced; others are categories."""
    match space:
        case IntSpace(int=whole) if whole.count is None:
            step = whole.step or 1
            last = whole.low + (whole.size - 1) * step
            return IntDistribution(whole.low, last, log=whole.log, step=step)
        case FloatSpace(float=real) if real.count is None:
            return FloatDistribution(real.low, real.high, log=real.log)
        case IntSpace() | FloatSpace():
            return IntDistribution(0, len(values_of(space)) - 1)
        case _:
            return CategoricalDistribution(range(len(values_of(space))))


def _is_numbered(space: Space) -> bool:
    """Whether Optuna knows a value of it by its place among all of them."""
    match space:
        case IntSpace(int=whole):
            return whole.count is not None
        case FloatSpace(float=real):
            return real.count is not None
        case _:
            return True


def _parameters(spaces: Spaces, changes: Changes) -> dict[str, JsonValue]:
    return {path: _parameter(space, changes[path]) for path, space in spaces.items()}


def _parameter(space: Space, value: JsonValue) -> JsonValue:
    if not _is_numbered(space):
        return value
    return [key({"": known}) for known in values_of(space)].index(key({"": value}))


def _value(space: Space, parameter: float) -> JsonValue:
    if _is_numbered(space):
        return values_of(space)[int(parameter)]
    if isinstance(space, FloatSpace):
        return space.float.nearest(parameter)
    return parameter
