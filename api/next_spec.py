"""From a finding to the spec that repairs it: chosen, patched, linked back to where it was made.

The patch was written by the rule that made the finding; here it is only carried out.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointerException
from pydantic import JsonValue, ValidationError
from sqlalchemy.orm import Session

from api import descent
from api.descent import Descent
from health.experiment.next_repair import Choice, Tried, choices, paths
from models.errors import IllegalMove, NothingToRepair
from models.findings import Finding
from models.specs.experiment import MAX_NAME, ExperimentSpec
from models.specs.health import Origin
from models.views.experiment import ExperimentView
from store import experiments, findings, trials

log = logging.getLogger(__name__)

_REPAIRED = re.compile(r"[a-z_]+ repaired(?:: (.*))?", re.DOTALL)


def repaired(
    tx: Session, *, owner: str, experiment_id: str, trial: int | None, code: str | None
) -> ExperimentSpec:
    """The spec that an experiment suggests to be trained next.

    Args:
        tx: the transaction.
        owner: whose it is.
        experiment_id: of the experiment.
        trial: the number of the trial to be repaired; None leaves it open.
        code: of the finding to be repaired; None leaves it open.

    Raises:
        NotFound: there is no such experiment or trial of this owner.
        IllegalMove: it is not over.
        NothingToRepair: nothing was found that has a patch, or not there.
    """
    view = experiments.get(tx, owner=owner, experiment_id=experiment_id)
    if trial is not None:
        trials.get(tx, owner=owner, experiment_id=experiment_id, number=trial)
    if not view.is_terminal:
        raise IllegalMove(f"The experiment is {view.state}. It can be repaired once it is over.")
    if trial is None and code is None and (back := _from_before(tx, owner, view)) is not None:
        return back
    before = descent.of(tx, owner=owner, view=view) if code is None else Descent()
    spec = _first_new(view, _choices(tx, view, trial, code, before), before)
    if spec is not None:
        return spec
    able = _choices(tx, view, trial, code, Descent())
    raise NothingToRepair(_in_circles(able, before) or _nothing(tx, view, trial, code))


def _from_before(tx: Session, owner: str, view: ExperimentView) -> ExperimentSpec | None:
    """After a repair that made it worse: what comes next for the experiment it was derived from.

    None after any other, and where nothing is left there. The repairs of a trial are suggested in a
    fixed order, so those up to the one that did harm count as tried, and with them what comes to
    the same: two findings may ask for the same lower rate.
    """
    tried = descent.harmful_repair(view)
    if tried is None:
        return None
    before = descent.still_there(tx, owner=owner, experiment_id=tried.experiment)
    if before is None:
        return None
    earlier = descent.of(tx, owner=owner, view=view)
    able = [each.finding for each in _choices(tx, before, tried.trial, None, Descent())]
    codes = [each.code for each in able]
    suggested = able[: codes.index(tried.finding) + 1] if tried.finding in codes else []
    in_vain = (Tried(each.code, paths(each.patch)) for each in suggested)
    left = _choices(tx, before, tried.trial, None, Descent((*earlier.tried, *in_vain)))
    return _first_new(before, left, earlier)


def _first_new(
    view: ExperimentView, able: Iterable[Choice], before: Descent
) -> ExperimentSpec | None:
    specs = (_patched(view, choice) for choice in able)
    return next((spec for spec in specs if not before.has_trained(spec)), None)


def _choices(
    tx: Session, view: ExperimentView, trial: int | None, code: str | None, before: Descent
) -> Iterator[Choice]:
    """What a client asks for; else the winner's, for its network is what the experiment is for.

    Other trials only where no network won, or somebody asks: what is wrong with a loser is why it
    lost, and repaired it may become the winner once more.
    """
    winner, tried = _winner(view), before.tried
    if winner is not None and trial in {None, winner}:
        found = {winner: view.findings}  # the experiment's own among them
        yield from choices(found, winner, code, tried)
    if winner is None or trial is not None or code is not None:
        numbers = None if trial is None else {trial}
        yield from choices(findings.of(tx, view.id, numbers), winner, code, tried)
    if code is not None:  # what only looked wrong is repaired when asked for
        yield from choices({trial or winner or 1: view.warnings}, winner, code, tried)


def _in_circles(able: Iterator[Choice], before: Descent) -> str | None:
    """That what has a patch was tried already; None where there was nothing before."""
    again = next((each.finding for each in able), None)
    if again is None or not before.trained:
        return None
    in_vain = again.code in {each.code for each in before.tried}
    why = "was tried and did not help" if in_vain else "leads back to what this was derived from"
    return (
        f"The repair of {again.code} {why}, and nothing else that was found has a patch. "
        f"The advice: {again.advice} To try it all the same, ask with ?finding={again.code}."
    )


def _nothing(tx: Session, view: ExperimentView, trial: int | None, code: str | None) -> str:
    """Why there is nothing to be carried out, and where there would be."""
    found = findings.of(tx, view.id, None if trial is None else {trial})
    of_all = [*chain.from_iterable(found.values())]
    if trial in {None, _winner(view)}:
        of_all += view.findings  # the experiment's own among them
    if trial is None and code is None and _winner(view) is not None:
        able = (number for number in sorted(found) if any(each.patch for each in found[number]))
        hint = next((f" To repair another trial, ask with ?trial={each}." for each in able), "")
        return _advice("the winner", view.findings, None) + hint
    return _advice("any trial" if trial is None else f"trial {trial}", of_all, code)


def _advice(where: str, found: Sequence[Finding], code: str | None) -> str:
    there = [each for each in found if code in {None, each.code}]
    if not there:
        return f"No {code} was found in {where}." if code else f"Nothing was found in {where}."
    what = f"Nothing that was found in {where} has a patch."
    return f"{what} The advice on {there[0].code}: {there[0].advice}"


def _winner(view: ExperimentView) -> int | None:
    return view.conclusion.winner.trial if view.conclusion and view.conclusion.winner else None


def _patched(view: ExperimentView, choice: Choice) -> ExperimentSpec:
    finding, spec = choice.finding, view.spec
    try:
        if not isinstance(spec, ExperimentSpec):
            spec = ExperimentSpec.model_validate(spec)
        body = JsonPatch(list(finding.patch)).apply(spec.model_dump(mode="json"))
        return ExperimentSpec.model_validate(body | _origin(view, choice, spec))
    except (JsonPatchException, JsonPointerException, ValidationError) as error:
        log.warning("the patch of %s in %s does not fit: %s", finding.code, view.id, error)
        raise NothingToRepair(
            f"The patch of {finding.code} in trial {choice.trial} does not fit the spec, as this "
            f"version of the service reads it. The advice: {finding.advice}"
        ) from error


def _origin(view: ExperimentView, choice: Choice, spec: ExperimentSpec) -> dict[str, JsonValue]:
    code = choice.finding.code
    earlier = _REPAIRED.fullmatch(spec.name)  # repairs of repairs get no longer names
    name = (earlier[1] or "") if earlier else spec.name
    origin = Origin(experiment=view.id, trial=choice.trial, finding=code)
    return {
        "name": ": ".join(filter(None, (f"{code} repaired", name)))[:MAX_NAME],
        "derived_from": origin.model_dump(mode="json"),
    }
