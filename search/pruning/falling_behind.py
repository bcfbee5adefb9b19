"""Whether a trial goes on, by the rule of its spec and by the fate of its own repeats."""

from collections.abc import Sequence

from models.lifecycle import StopReason
from models.monitor import Monitored
from models.specs.prune import AshaPrune, MedianPrune, PruneSpec
from models.trial import Reached
from search.pruning.asha import Asha
from search.pruning.median import Median
from search.pruning.rule import Prune, Rule


def rule_of(spec: PruneSpec) -> Rule:
    """The rule that a spec asks for."""
    match spec:
        case MedianPrune():
            return Median(spec)
        case AshaPrune():
            return Asha(spec)


def falls_behind(
    rule: Rule, epoch: int, number: int, reached: Sequence[Reached], judged: Monitored
) -> Prune | None:
    """Whether a trial is to end, and why; None when it goes on, or has no finite value yet.

    Repeats are never compared with each other: that would tell one seed from another. But where one
    was pruned the others follow as soon as they can be judged, for a setting of which a repeat was
    cut short ranks below all that were trained to their end.

    Args:
        rule: of the spec.
        epoch: as `rule.judged_at` says.
        number: of the trial.
        reached: where it and its siblings stood by then; the trial itself may be missing.
        judged: by what trials are compared.
    """
    trial = next((each for each in reached if each.number == number), None)
    if trial is None:
        return None
    for twin in reached:
        if twin.candidate == trial.candidate and twin.stop_reason is StopReason.PRUNED:
            return Prune(f"Trial {twin.number}, the same setting with another seed, was pruned.")
    others = [each for each in reached if each.candidate != trial.candidate]
    # One that was pruned says nothing of later epochs; one that came to its own end has no more.
    there = [e for e in others if e.epochs >= epoch or e.stop_reason is not StopReason.PRUNED]
    return rule.judge(epoch, trial, there, judged)
