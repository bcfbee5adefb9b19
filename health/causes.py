"""Tells the cause of a bad training from what follows of it: which fault can explain which.

Data come first, then numbers that are not finite, dead units, saturated ones and gradients that
vanish, the learning rate, and capacity last. A fault explains only what it is known to bring about,
so two causes of different kinds stay two. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence

from models.findings import Finding

# What throws weights and outputs far off, and what leaves a network as good as untrained.
_WILD = ("inputs_not_scaled", "exploding_gradients", "learning_rate_too_high")
_UNTRAINED = (
    "inputs_not_scaled",
    "diverged",
    "exploding_gradients",
    "dead_neurons",
    "saturated_neurons",
    "vanishing_gradients",
    "learning_rate_too_high",
    "learning_rate_too_low",
)

# Each fault with what brings it about, the first that is there is the one to name. A fault of the
# data or of the initial weights was there before training, so it is never a consequence of what
# training did.
EXPLAINED_BY: Mapping[str, Sequence[str]] = {
    "inputs_not_scaled": (),
    "exploding_gradients": ("inputs_not_scaled",),
    "learning_rate_too_high": ("inputs_not_scaled", "exploding_gradients"),
    "diverged": _WILD,
    "dead_neurons": _WILD,
    "saturated_neurons": _WILD,
    "vanishing_gradients": (
        "inputs_not_scaled",
        "dead_neurons",
        "saturated_neurons",
        "learning_rate_too_high",
    ),
    # A rate that is too high throws a network to where its steps come to little.
    "learning_rate_too_low": (
        "inputs_not_scaled",
        "exploding_gradients",
        "dead_neurons",
        "saturated_neurons",
        "vanishing_gradients",
        "learning_rate_too_high",
    ),
    "oscillating": _WILD,
    "overfitting": (*_WILD, "oscillating"),
    "underfitting": _UNTRAINED,
    "not_converged": (*_UNTRAINED, "underfitting"),
    "class_imbalance": (*_UNTRAINED, "not_converged"),
    "learned_nothing": (*_UNTRAINED, "underfitting", "not_converged", "class_imbalance"),
}

# The same of what explains a fault only if it was there before training; later it follows of it.
# Through gradients that vanish a network learns by jumps, as if the rate were too high.
EXPLAINED_FROM_THE_START: Mapping[str, Sequence[str]] = {
    "learning_rate_too_high": ("vanishing_gradients",),
}

_RANK = {code: rank for rank, code in enumerate(EXPLAINED_BY)}


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Causes first, each with what follows of it behind it; what explains a finding is named.

    What was there before training is no consequence of anything that training did.
    """
    ranked = sorted(findings, key=lambda each: _RANK.get(each.code, len(_RANK)))
    told = [each.model_copy(update={"consequence_of": _cause(each, ranked)}) for each in ranked]
    return tuple(
        each
        for cause in told
        if cause.consequence_of is None
        for each in (cause, *(other for other in told if other.consequence_of == cause.code))
    )


def _cause(finding: Finding, there: Sequence[Finding]) -> str | None:
    """The first cause: what explains it and is itself explained by nothing that is there."""
    was_there = finding.first_epoch == 0
    from_the_start = () if was_there else EXPLAINED_FROM_THE_START.get(finding.code, ())
    for code in (*EXPLAINED_BY.get(finding.code, ()), *from_the_start):
        before_training = was_there or code in from_the_start
        for other in there:
            if other.code == code and (other.first_epoch == 0 or not before_training):
                return _cause(other, there) or code
    return None
