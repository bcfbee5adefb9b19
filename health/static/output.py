"""What comes out: noise after the output layer, and targets that its activation cannot reach."""

from collections.abc import Iterator

from health.static.case import Case
from health.words import number
from models.data_meaning import read_table
from models.errors import Invalid
from models.findings import Finding, Patch
from models.network_meaning import resolve_network
from models.output import given, output_of
from models.profile import ArrayProfile
from models.specs.layers.noise import Dropout, GaussianNoise

# Activations that put out nothing below this; what is never negative a POST refuses by itself.
_LOWEST = {"tanh": -1.0, "hard_tanh": -1.0, "softsign": -1.0}


def noise_after_output(case: Case) -> Iterator[Finding]:
    """Dropout or GaussianNoise after the last layer that has weights."""
    if not case.weighted:
        return
    for place in range(case.weighted[-1] + 1, len(case.layers)):
        layer = case.layers[place]
        if isinstance(layer, Dropout | GaussianNoise):
            yield Finding(
                code="noise_after_output",
                severity="problem",
                layer=case.names[place],
                pointer=case.at(place),
                evidence=f"{layer.keras_name} comes after {case.names[case.weighted[-1]]}.",
                explanation=(
                    "It disturbs the predictions themselves while the network trains, so the loss "
                    "punishes noise that nothing can learn away."
                ),
                advice="Put it before the output layer, or leave it out.",
                patch=_without(case, place),
            )


def output_out_of_reach(case: Case) -> Iterator[Finding]:
    """A tanh for targets below -1. Above 1, and below 0 for relu and the like, is refused."""
    if case.facts.classes is not None:
        return
    output = output_of(case.layers, case.resolved.summary.output_shape)
    lowest, least = _LOWEST.get(output.activation), _least_target(case)
    if lowest is None or least is None or least >= lowest:
        return
    yield Finding(
        code="output_out_of_reach",
        severity="problem",
        layer=case.names[output.index],
        pointer=case.at(output.index, "activation"),
        value=least,
        threshold=lowest,
        evidence=(
            f"{output.activation} is never below {number(lowest)}, but targets fall to "
            f"{number(least)}."
        ),
        explanation="Rows with such targets cannot be predicted right, however long it trains.",
        advice="Leave the activation out.",
        patch=case.replace(output.index, "activation", "linear"),
    )


def _without(case: Case, place: int) -> Patch:
    """Leave the layer out; nothing where the rest does not fit the target and the given loss."""
    layers = case.resolved.network.layers
    rest = given((*layers[:place], *layers[place + 1 :]))
    try:
        resolve_network(rest, case.spec.compile, case.facts)
    except Invalid:
        return ()
    return ({"op": "remove", "path": case.at(place)},)


def _least_target(case: Case) -> float | None:
    if isinstance(case.profile, ArrayProfile):
        return case.profile.y_minimum
    return read_table(case.profile, case.spec.data).target.minimum
