"""What looks wrong in a spec before anything is trained: each rule asked, in one place.

What cannot work is refused by `models.network_meaning` and its neighbours. Here is what can be
trained and will probably disappoint. Pure; a client waits for it.
"""

from collections.abc import Callable, Iterable

from health.static import activations, initial_weights, inputs, learning_rate, output, validation
from health.static.case import Case
from models.facts import DataFacts
from models.findings import Finding
from models.network_meaning import Resolved
from models.profile import DatasetProfile
from models.specs.experiment import ExperimentSpec

Rule = Callable[[Case], Iterable[Finding]]

# The order in which a client reads them: data, network, training.
RULES: tuple[Rule, ...] = (
    inputs.inputs_not_scaled,
    validation.tiny_validation,
    validation.class_missing,
    validation.compared_without_validation,
    output.noise_after_output,
    output.output_out_of_reach,
    activations.no_nonlinearity,
    activations.softmax_inside,
    activations.saturating_stack,
    initial_weights.constant_weights,
    initial_weights.huge_weights,
    initial_weights.dead_at_start,
    learning_rate.unusual_learning_rate,
    validation.monitor_of_training,
)


def warnings(
    spec: ExperimentSpec,
    resolved: Resolved,
    facts: DataFacts,
    profile: DatasetProfile,
    *,
    network: str | None = "/network",
    compared: bool = False,
) -> tuple[Finding, ...]:
    """Everything that looks wrong about one trial.

    Args:
        spec: of this trial alone, as `models.trial.changed` makes it.
        resolved: its network and loss.
        facts: of its data.
        profile: of its dataset.
        network: where in the client's spec its network is; None where a search makes it up.
        compared: whether its score decides between settings.

    Returns:
        Findings with pointers into the client's spec, and patches on it with every default filled
        in, each by itself.
    """
    case = Case(
        spec=spec,
        resolved=resolved,
        facts=facts,
        profile=profile,
        network=network,
        compared=compared,
    )
    return tuple(finding for rule in RULES for finding in rule(case))
