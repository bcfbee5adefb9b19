"""Activations that take a network's depth away: none at all, softmax inside, ten sigmoids."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from health.static.case import Case, replace
from models.findings import Finding, Patch
from models.output import activation_of
from models.specs.layers.core import Activation, Dense
from models.specs.layers.layer import LayerSpec
from models.specs.layers.normalization import LayerNormalization, Normalization
from models.specs.layers.pooling import GlobalMaxPooling2D, MaxPooling1D, MaxPooling2D

# A sigmoid's slope is at most 1/4, so ten layers pass on at most a millionth of a gradient (Glorot
# and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010).
DEEP = 10

_SATURATING = {"sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softsign"}
_SOFTMAX = {"softmax", "log_softmax", "sparsemax"}
# These bend what passes through them, as an activation does.
_BENDING = (MaxPooling1D, MaxPooling2D, GlobalMaxPooling2D, LayerNormalization)


def no_nonlinearity(case: Case) -> Iterator[Finding]:
    """Dense layers with nothing that bends between them are one Dense layer.

    One that is narrower than what goes in and what comes out is left out: it makes that one layer
    of a lower rank, which may be what is wanted.
    """
    found = [
        (place, after)
        for place, after in pairwise(case.weighted)
        if _is_linear(case.layers[place:after])
        and not _is_narrow(case, place, after)
        and isinstance(case.layers[after], Dense)
    ]
    if not found:
        return
    place, after = found[0]
    more = f", and so on through {len(found) + 1} layers" if len(found) > 1 else ""
    yield Finding(
        code="no_nonlinearity",
        severity="warning",
        layer=case.names[place],
        pointer=case.at(place, "activation"),
        evidence=(
            f"Nothing bends the values between {case.names[place]} and {case.names[after]}{more}."
        ),
        explanation=(
            "Dense layers in a row without an activation multiply to one matrix: more of them, or "
            "wider ones, represent nothing that one alone does not."
        ),
        advice="Give them an activation, such as relu.",
        patch=_relu(case, [one for one, _ in found]),
    )


def softmax_inside(case: Case) -> Iterator[Finding]:
    """Softmax anywhere but at the end."""
    for place, layer in enumerate(case.layers):
        if activation_of(layer) in _SOFTMAX and _goes_on(case.layers[place + 1 :]):
            yield _softmax(case, place)


def saturating_stack(case: Case) -> Iterator[Finding]:
    """Ten or more sigmoid or tanh layers without a normalization in between."""
    run: list[int] = []
    for place, layer in enumerate(case.layers[:-1]):
        if isinstance(layer, Normalization):
            if len(run) >= DEEP:
                break
            run = []
        elif activation_of(layer) in _SATURATING:
            run.append(place)
    if len(run) < DEEP:
        return
    kinds = sorted({activation_of(case.layers[place]) for place in run})
    yield Finding(
        code="saturating_stack",
        severity="warning",
        layer=case.names[run[0]],
        pointer=case.at_layers(),
        value=len(run),
        threshold=DEEP,
        evidence=f"{len(run)} layers in a row end in {' or '.join(kinds)}.",
        explanation=(
            "Each of them passes on a part of the gradient only, sigmoid a quarter at best, so the "
            "first layers hardly learn."
        ),
        advice="Use relu, fewer layers, or a BatchNormalization every few layers.",
        patch=_relu(case, run),
    )


def _relu(case: Case, places: Sequence[int]) -> Patch:
    if case.network is None:  # one activation for all layers
        places = places[:1]
    return tuple(change for one in places for change in case.replace(one, "activation", "relu"))


def _is_linear(layers: Sequence[LayerSpec]) -> bool:
    """Whether a Dense layer and what follows it are one linear map of what goes in."""
    return isinstance(layers[0], Dense) and all(
        activation_of(layer) == "linear" and not isinstance(layer, _BENDING) for layer in layers
    )


def _is_narrow(case: Case, place: int, after: int) -> bool:
    layer, following = case.layers[place], case.layers[after]
    if not isinstance(layer, Dense) or not isinstance(following, Dense):
        return False
    return layer.units < min(case.input_shape(place)[-1], following.units)


def _goes_on(rest: Sequence[LayerSpec]) -> bool:
    """Whether anything is made of what softmax puts out."""
    return any(isinstance(each, Dense) or activation_of(each) != "linear" for each in rest)


def _softmax(case: Case, place: int) -> Finding:
    name, activation = case.names[place], activation_of(case.layers[place])
    evidence = f"{name} ends in {activation}, and {case.names[place + 1]} follows it."
    if _is_an_output(case, place):
        advice = 'It looks like the output layer: say "output": "given", so that none is appended.'
        patch = replace(f"{case.network}/output", "given")
    elif any(later > place for later in case.weighted):
        advice = "Use relu in hidden layers."
        patch = case.replace(place, "activation", "relu")
    else:
        advice = "Leave one of the two out."
        nothing = "linear" if isinstance(case.layers[place], Activation) else None
        patch = case.replace(place, "activation", nothing)
    return Finding(
        code="softmax_inside",
        severity="warning",
        layer=name,
        pointer=case.at(place, "activation"),
        evidence=evidence,
        explanation=(
            "Softmax makes the values of a layer sum up to 1, so what follows learns from numbers "
            "that are small and mostly near 0."
        ),
        advice=advice,
        patch=patch,
    )


def _is_an_output(case: Case, place: int) -> bool:
    """Whether a layer that the client wrote last is what "auto" appended once more."""
    summary = case.resolved.summary
    return (
        case.is_sent(place)
        and not case.is_sent(place + 1)
        and summary.layers[place].output_shape == summary.output_shape
        and activation_of(case.layers[place]) in case.resolved.compile.loss.accepted_activations
    )
