"""What a network, its loss and its metrics mean for the target at hand: resolved and checked.

Units against classes, the last activation against the loss, loss and metrics against the target.
Everything that is wrong is said at once, each with its pointer and what would be right.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from models.errors import Invalid, Issue
from models.facts import DataFacts
from models.metric_meaning import metric_issues
from models.output import (
    NEVER_NEGATIVE,
    Output,
    chosen_loss,
    given,
    output_layers,
    output_of,
    units_for,
)
from models.specs.compile import CompileSpec
from models.specs.layers.layer import Shape, spelled
from models.specs.losses import (
    AnyLoss,
    Auto,
    CosineSimilarity,
    MeanSquaredLogarithmicError,
    Poisson,
    losses_for,
)
from models.specs.names import snake_case
from models.specs.network import MAX_LAYERS, NetworkSpec
from models.specs.shapes import Summary, infer, network_input_shape

# The largest value an activation can put out; those left out have no bound.
_HIGHEST = {
    "sigmoid": 1.0,
    "hard_sigmoid": 1.0,
    "sparse_sigmoid": 1.0,
    "softmax": 1.0,
    "sparsemax": 1.0,
    "tanh": 1.0,
    "hard_tanh": 1.0,
    "softsign": 1.0,
    "relu6": 6.0,
    "log_sigmoid": 0.0,
    "log_softmax": 0.0,
}
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Resolved:
    """A network with nothing left open.

    Attributes:
        network: with its output layer; `output` is "given".
        compile: with its loss; never "auto".
        input_shape: in which the network gets a row.
        summary: of all layers.
    """

    network: NetworkSpec
    compile: CompileSpec
    input_shape: Shape
    summary: Summary


def resolve_network(
    network: NetworkSpec,
    compiled: CompileSpec,
    facts: DataFacts,
    *,
    network_pointer: str = "/network",
    compile_pointer: str = "/compile",
) -> Resolved:
    """Complete a network and its loss, and check them against the data.

    Args:
        network: as sent.
        compiled: as sent.
        facts: of the data.
        network_pointer: where the network is in the request body.
        compile_pointer: where compile is.

    Raises:
        Invalid: with everything that is wrong.
    """
    layers_pointer = f"{network_pointer}/layers"
    issues = [*_loss_issues(compiled.loss, facts, f"{compile_pointer}/loss")]
    shape = network_input_shape(network.layers, facts.input_shape)
    try:
        sent = infer(network.layers, shape, layers_pointer)
    except Invalid as refused:
        raise Invalid([*refused.issues, *issues]) from refused
    output = output_of(network.layers, sent.output_shape) if network.output == "given" else None
    if issues:
        raise Invalid(issues)
    loss = chosen_loss(compiled, facts, output)
    layers = network.layers
    if output is None:
        layers = (*layers, *output_layers(layers, sent.output_shape, loss, facts))
    else:
        issues += _output_issues(output, loss, facts, layers_pointer)
    ending = output or output_of(layers, sent.output_shape)
    issues += metric_issues(compiled, loss, facts, ending, f"{compile_pointer}/metrics")
    if len(layers) > MAX_LAYERS:
        issues.append(
            Issue(
                layers_pointer, "too_long", f"At most {MAX_LAYERS} layers, the output's included."
            )
        )
    if issues:
        raise Invalid(issues)
    try:
        summary = infer(layers, shape, known=sent)
    except Invalid as refused:
        # What was sent is sound, so it is the appended layer that makes it too large.
        raise Invalid(replace(issue, pointer=network_pointer) for issue in refused.issues) from None
    return Resolved(given(layers), compiled.model_copy(update={"loss": loss}), shape, summary)


def _loss_issues(loss: AnyLoss, facts: DataFacts, pointer: str) -> Iterator[Issue]:
    if isinstance(loss, Auto):
        return
    name = snake_case(loss.keras_name)
    if loss.task != facts.task:
        what = f"{len(facts.classes)} classes" if facts.classes else "numbers"
        yield Issue(
            pointer,
            "loss_against_target",
            f"{name} is for {loss.task}, but the target holds {what}. Use one for {facts.task}.",
            losses_for(facts.task),
        )
    elif loss.encoding == "binary" and len(facts.classes or ()) != _PAIR:
        yield Issue(
            pointer,
            "loss_against_classes",
            f"{name} is for two classes, but the target has {len(facts.classes or ())}. "
            "Use a categorical loss.",
            tuple(other for other in losses_for("classification") if "categorical" in other),
        )
    elif isinstance(loss, Poisson | MeanSquaredLogarithmicError) and facts.negative_target:
        yield Issue(
            pointer, "negative_target", f"{name} needs targets from 0 up, but some are below it."
        )
    elif isinstance(loss, CosineSimilarity) and facts.outputs == 1:
        yield Issue(
            pointer,
            "one_output",
            "The cosine of two single numbers is only their sign; it takes several outputs.",
        )


def _output_issues(
    output: Output, loss: AnyLoss, facts: DataFacts, layers_pointer: str
) -> Iterator[Issue]:
    """Check a given output layer; all pointers are to it."""
    if output.index < 0:
        yield Issue(
            layers_pointer,
            "no_layers",
            'Without layers there is no output. Add one, or say "output": "auto".',
        )
        return
    pointer = f"{layers_pointer}/{output.index}"
    units = units_for(loss, facts)
    if len(output.shape) != 1:
        yield Issue(
            pointer,
            "output_not_flat",
            f"The network puts out {spelled(output.shape)} a row, but it must be one row of "
            f"{units}. Add Flatten or a global pooling before the last Dense layer.",
        )
    elif output.shape[0] != units:
        yield Issue(f"{pointer}/units", "output_units", _needed_units(output, units, facts))
    yield from _activation_issues(output, loss, facts, f"{pointer}/activation")


def _needed_units(output: Output, units: int, facts: DataFacts) -> str:
    has = f"The last layer has {output.shape[0]} units"
    if facts.classes is None:
        return f"{has}, but {units} {'number is' if units == 1 else 'numbers are'} to be predicted."
    either = " (or 1 with sigmoid)" if len(facts.classes) == _PAIR and units != 1 else ""
    loss = " for this loss" if units == 1 else ""
    return (
        f"{has}, but the target has {len(facts.classes)} classes: it needs {units}{either}{loss}."
    )


def _activation_issues(
    output: Output, loss: AnyLoss, facts: DataFacts, pointer: str
) -> Iterator[Issue]:
    name = snake_case(loss.keras_name)
    accepted = loss.accepted_activations
    if output.activation == "softmax" and output.shape == (1,):
        right = "sigmoid" if facts.task == "classification" else "no activation"
        yield Issue(
            pointer,
            "softmax_of_one_unit",
            f"Softmax over one unit is always 1. Use {right}.",
            ("sigmoid",) if facts.task == "classification" else ("linear",),
        )
    elif accepted and output.activation not in accepted:
        logits = " from logits" if accepted == ("linear",) else ""
        yield Issue(
            pointer,
            "activation_against_loss",
            f"The last layer ends in {output.activation}, but {name}{logits} needs "
            f"{' or '.join(accepted)}.",
            accepted,
        )
    elif loss.encoding == "number":
        yield from _range_issues(output.activation, facts, pointer)


def _range_issues(activation: str, facts: DataFacts, pointer: str) -> Iterator[Issue]:
    highest = _HIGHEST.get(activation)
    reached = facts.target_maximum
    if facts.negative_target and activation in NEVER_NEGATIVE:
        said = f"{activation} is never below 0, but some targets are. Leave the activation out."
        yield Issue(pointer, "output_range", said, ("linear",))
    elif highest is not None and reached is not None and reached > highest:
        said = (
            f"{activation} is never above {highest:g}, but targets go up to {reached:g}. "
            "Leave the activation out."
        )
        yield Issue(pointer, "output_range", said, ("linear",))
