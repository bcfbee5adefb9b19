"""What follows from a trial's end: more trials that the search asks for, or the conclusion.

Runs inside the transaction that ends the trial, so there is no moment at which an experiment has
nothing left to run and nobody knows. The sweeper calls it again where that went wrong.
"""

import logging
from collections.abc import Sequence
from itertools import islice

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models import failures
from models.lifecycle import State
from models.planning import planned
from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult
from models.views.base import Problem
from models.views.comparison import Conclusion
from search.giving_up import giving_up
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude, Strategy
from store import datasets, history, searches, trials
from store.moves import Locked
from worker.concluding import Concluded, concluded

log = logging.getLogger(__name__)

_STUCK = failures.problem(
    failures.SEARCH_FAILED,
    "What follows from its trials could not be decided, which is a mistake of this service.",
)

_CANCELLED = "A client cancelled the experiment."

# Trials of one experiment mostly fail of the same; more causes than this are read one by one.
MAX_CAUSES = 3

# A search that proposes what cannot be trained is asked again at once, so often in one transaction.
MAX_ROUNDS = 20


def advance(tx: Session, experiment_id: str) -> int:
    """Take the next step of an experiment, if there is one; safe to repeat.

    A search that cannot go on ends its own experiment. It must not undo the end of the trial that
    it is told of, nor keep a sweeper from everybody else's.

    Returns:
        How many trials were added to the queue.
    """
    experiment = searches.lock(tx, experiment_id)
    if experiment is None or experiment.state.is_terminal:
        return 0
    try:
        with tx.begin_nested():
            return _step(tx, experiment)
    except SQLAlchemyError:  # the database's trouble, not this experiment's: tried again later
        raise
    except Exception:
        log.exception("%s cannot be taken a step on", experiment_id)
        _end_stuck(tx, experiment)
        return 0


def _step(tx: Session, experiment: Locked) -> int:
    experiment_id = experiment.id
    spec = searches.spec_of(tx, experiment_id)
    strategy, cancelling = strategy_for(spec), experiment.state is State.CANCELLING
    stopped = _CANCELLED if cancelling else _given_up(tx, experiment_id, spec, strategy)
    # Reading every trial at the end of each would make ten thousand of them take hours.
    if (stopped or strategy.waits_for_all) and trials.any_in(tx, experiment_id):
        return 0
    results = history.results(tx, experiment_id)
    if stopped:
        state = State.CANCELLED if cancelling else _last_state(results)
        _end(tx, experiment_id, state, concluded(tx, experiment, spec, results, stopped))
        return 0
    for _ in range(MAX_ROUNDS):
        step = strategy.propose(spec, results)
        if isinstance(step, Conclude):
            end = concluded(tx, experiment, spec, results, step.reason)
            _end(tx, experiment_id, _last_state(results), end)
            return 0
        queued = _add(tx, experiment, spec, step)
        if queued or not step:
            return queued
        results = history.results(tx, experiment_id)  # with those that cannot be trained
    return 0  # the sweeper goes on from here


def _given_up(
    tx: Session, experiment_id: str, spec: ExperimentSpec, strategy: Strategy
) -> str | None:
    """Why the search is given up, now or before; None when it goes on."""
    known = searches.given_up(tx, experiment_id)
    if known is not None:
        return known.detail
    limit = spec.limits.max_failed
    problem = giving_up(history.latest_ends(tx, experiment_id, limit), limit)
    if problem is None:
        return None
    if strategy.waits_for_all and not trials.any_in(tx, experiment_id, {State.QUEUED}):
        return None  # everything was started: there is nothing left to be given up
    searches.give_up(tx, experiment_id, problem)
    return problem.detail


def _add(
    tx: Session, experiment: Locked, spec: ExperimentSpec, proposals: Sequence[Proposal]
) -> int:
    """Add what is proposed; how many of these can be trained."""
    dataset_id = searches.dataset_of(tx, experiment.id)
    profile = datasets.get(tx, owner=experiment.owner, dataset_id=dataset_id).profile
    if not proposals or profile is None:
        return 0
    return trials.add(tx, experiment.id, planned(spec, profile, proposals))


def _end_stuck(tx: Session, experiment: Locked) -> None:
    """End an experiment without a conclusion, once nothing of it is left to run."""
    if trials.any_in(tx, experiment.id):
        return
    if experiment.state is State.CANCELLING:
        searches.conclude(tx, experiment.id, State.CANCELLED, None)
    else:
        searches.conclude(tx, experiment.id, State.FAILED, None, error=_STUCK)


def _last_state(results: Sequence[TrialResult]) -> State:
    """An experiment fails only when no trial that went well has a score."""
    if any(r.state is State.SUCCEEDED and r.score is not None for r in results):
        return State.SUCCEEDED
    if all(result.state is State.CANCELLED for result in results):
        return State.CANCELLED
    return State.FAILED


def _end(tx: Session, experiment_id: str, state: State, end: Concluded) -> None:
    errors = history.errors(tx, experiment_id)
    error = _no_score(end.conclusion, errors) if state is State.FAILED else None
    searches.conclude(tx, experiment_id, state, end.conclusion, error=error, findings=end.findings)


def _no_score(conclusion: Conclusion, errors: Sequence[Problem]) -> Problem:
    """What every trial died of is said here too: nobody should have to look for it in each."""
    causes = dict.fromkeys(error.detail for error in errors)
    detail = " ".join((*conclusion.summary, *islice(causes, MAX_CAUSES)))
    return failures.problem(failures.NO_SCORE, detail)
