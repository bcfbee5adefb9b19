"""What an experiment showed, composed: search compares, health judges, a repair is held to account.

Comparing is what the experiment is for; what the others add to it must not cost it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from health.experiment.capacity import underfitting
from health.experiment.rates import CODES, weighed
from health.experiment.telling import OF_LEARNING_RATES, telling
from models.findings import Finding
from models.monitor import monitored
from models.specs.experiment import ExperimentSpec
from models.trial import JudgedTrial, TrialResult, changed
from models.views.comparison import Conclusion, RateVerdict, RepairOutcome
from search.before_after import counterpart, repair
from search.conclusion import conclude
from search.ties import contenders
from store import findings, history, origins, row_losses
from store.moves import Locked

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Concluded:
    """What is stored at an experiment's end.

    Attributes:
        findings: those of the winner, and those of the experiment as a whole.
    """

    conclusion: Conclusion
    findings: tuple[Finding, ...] = ()


class _Ours:
    """The experiment's own trials, of which what was found is read as it is asked for."""

    def __init__(
        self, tx: Session, experiment: Locked, spec: ExperimentSpec, results: Sequence[TrialResult]
    ) -> None:
        self.tx = tx
        self.experiment = experiment
        self.spec = spec
        self.results = results

    def found(self, number: int | None) -> tuple[Finding, ...]:
        """In one trial; nothing in None."""
        if number is None:
            return ()
        return findings.of(self.tx, self.experiment.id, {number}).get(number, ())

    def weigh(self, rates: Sequence[RateVerdict]) -> tuple[RateVerdict, ...]:
        """Against what was found of them."""
        return weighed(rates, findings.coded(self.tx, self.experiment.id, CODES))


def concluded(
    tx: Session,
    experiment: Locked,
    spec: ExperimentSpec,
    results: Sequence[TrialResult],
    reason: str,
) -> Concluded:
    """What trials that are all over come to.

    Args:
        tx: the transaction.
        experiment: of the trials.
        spec: of the experiment.
        results: of every trial.
        reason: why the search stopped.
    """
    judged = monitored(spec.compile, spec.fit)
    best = contenders(results, judged.mode)
    compared = row_losses.attached(tx, experiment.id, results, best)
    compare = partial(
        conclude,
        spec,
        compared,
        history.curves(tx, experiment.id, best),
        judged=judged,
        reason=reason,
        experiment=experiment.id,
    )
    try:
        ours = _Ours(tx, experiment, spec, compared)
        return _with_health(ours, compare(weigh=ours.weigh))
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("the health of %s cannot be concluded", experiment.id)
        return Concluded(compare())


def _with_health(ours: _Ours, conclusion: Conclusion) -> Concluded:
    winner = conclusion.winner.trial if conclusion.winner else None
    too_small = underfitting(ours.spec, ours.results, conclusion)
    repaired = _repair(ours, winner)
    sentences = (
        telling(
            ours.found,
            findings.spread(ours.tx, ours.experiment.id),
            judged=findings.judged(ours.tx, ours.experiment.id),
            winner=winner,
            told=OF_LEARNING_RATES if conclusion.rates else frozenset(),
        ),
        None if repaired is None else repaired.sentence,
    )
    more = {
        "repair": repaired,
        "summary": (*conclusion.summary, *filter(None, sentences)),
    }
    of_all = () if too_small is None else (too_small,)
    return Concluded(conclusion.model_copy(update=more), (*ours.found(winner), *of_all))


def _repair(ours: _Ours, winner: int | None) -> RepairOutcome | None:
    """Whether the experiment repaired what it is derived from, if it is."""
    origin = ours.spec.derived_from
    if origin is None:
        return None
    try:
        before = origins.read(ours.tx, owner=ours.experiment.owner, origin=origin)
    except (AttributeError, LookupError, TypeError, ValidationError):
        before = None  # another version of the service stored it
    seed = ours.spec.seed if before is None else before.result.seed
    chosen = counterpart(ours.results, winner, seed)
    after = None if chosen is None else _judged(ours, chosen)
    return repair(origin, before, after)


def _judged(ours: _Ours, result: TrialResult) -> JudgedTrial:
    numbers = {result.number}
    (whole,) = row_losses.attached(ours.tx, ours.experiment.id, [result], numbers)
    codes = frozenset(finding.code for finding in ours.found(result.number))
    return JudgedTrial(spec=changed(ours.spec, result.changes), result=whole, codes=codes)
