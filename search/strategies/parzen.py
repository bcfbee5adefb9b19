"""Where a good setting is likely to lie: Optuna's tree-structured Parzen estimator, asked and told.

Only a process that really asks Optuna imports this module: it is not for the start of the API.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial
from pydantic import JsonValue

from models.monitor import Mode
from models.specs.spaces import FloatSpace, IntSpace, Space, values_of
from search.candidates import Candidate
from search.strategies.space import Changes, Spaces, key

# It would say in the log of the service that it made a study, for every proposal.
logging.getLogger("optuna").setLevel(logging.WARNING)


def suggest(
    spaces: Spaces,
    known: Iterable[Candidate],
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
        known: each setting there is.
        begun: further settings, which are about to run.
        mode: which way a score is better.
        seed: of the draws.
    """
    sampler = optuna.samplers.TPESampler(n_startup_trials=0, constant_liar=True, seed=seed)
    study = optuna.create_study(
        sampler=sampler, direction="minimize" if mode == "min" else "maximize"
    )
    axes = {path: _axis(space) for path, space in spaces.items()}
    shape = {path: axis.distribution for path, axis in axes.items()}

    def tell(changes: Changes, outcome: _Outcome) -> None:
        study.add_trial(
            create_trial(
                state=outcome.state,
                params={path: axis.told(changes[path]) for path, axis in axes.items()},
                distributions=shape,
                value=outcome.value,
                intermediate_values=dict(outcome.stopped),
            )
        )

    for candidate in known:
        tell(candidate.changes, _outcome(candidate))
    for changes in begun:
        tell(changes, _Outcome(TrialState.RUNNING))
    while True:
        asked = study.ask(shape).params
        yield {path: axis.drawn(asked[path]) for path, axis in axes.items()}


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


def _outcome(candidate: Candidate) -> _Outcome:
    if not candidate.over:
        return _Outcome(TrialState.RUNNING)
    if candidate.diverged:
        return _Outcome(TrialState.PRUNED)
    if candidate.score is None:
        return _Outcome(TrialState.FAIL)
    if candidate.pruned:
        epochs = max(trial.epochs for trial in candidate.trials)
        return _Outcome(TrialState.PRUNED, stopped={epochs: candidate.score})
    return _Outcome(TrialState.COMPLETE, value=candidate.score)


@dataclass(frozen=True, slots=True)
class _Axis:
    """A path as Optuna knows it: by its value, or by the value's place among all there are.

    Values of a list are categories; those of a range that are not evenly spaced keep their order.

    Attributes:
        values: all there are; empty where Optuna knows the value itself.
        places: of them, by `key`.
        nearest: from what Optuna drew to a value of a range of real numbers.
    """

    distribution: BaseDistribution
    values: Sequence[JsonValue] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    nearest: Callable[[float], float] | None = None

    def told(self, value: JsonValue) -> JsonValue:
        return self.places[key(value)] if self.values else value

    def drawn(self, parameter: float) -> JsonValue:
        if self.values:
            return self.values[int(parameter)]
        return parameter if self.nearest is None else self.nearest(parameter)


def _axis(space: Space) -> _Axis:
    match space:
        case IntSpace(int=whole) if whole.count is None:
            step = whole.step or 1
            last = whole.low + (whole.size - 1) * step
            return _Axis(IntDistribution(whole.low, last, log=whole.log, step=step))
        case FloatSpace(float=real) if real.count is None:
            continuous = FloatDistribution(real.low, real.high, log=real.log)
            return _Axis(continuous, nearest=real.nearest)
    values = values_of(space)
    places = {key(value): place for place, value in enumerate(values)}
    if isinstance(space, IntSpace | FloatSpace):
        return _Axis(IntDistribution(0, len(values) - 1), values, places)
    return _Axis(CategoricalDistribution(range(len(values))), values, places)
