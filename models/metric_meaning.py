"""What metrics mean for a target and a network's outputs: readable, within range, of one kind."""

from collections.abc import Iterator

from models.errors import Issue
from models.facts import DataFacts
from models.output import NEVER_NEGATIVE, Output, units_for
from models.specs.class_metrics import Accuracy, BinaryAccuracy
from models.specs.compile import CompileSpec
from models.specs.losses import AnyLoss
from models.specs.metric import MetricSpec
from models.specs.metrics import metrics_for
from models.specs.names import snake_case
from models.specs.number_metrics import Poisson

_WRITTEN = {
    "sparse": "class numbers",
    "one_hot": "one column a class",
    "binary": "one output for two classes",
    "number": "numbers",
}


def metric_issues(
    compiled: CompileSpec, loss: AnyLoss, facts: DataFacts, output: Output, pointer: str
) -> Iterator[Issue]:
    """Say which metrics cannot be computed, or would mean nothing.

    Args:
        compiled: with the metrics.
        loss: resolved; it decides how the target is written.
        facts: of the data.
        output: what the completed network ends in.
        pointer: where the metrics are in the request body.
    """
    for index, metric in enumerate(compiled.metrics):
        where = f"{pointer}/{index}"
        if facts.task not in metric.tasks:
            yield Issue(
                where,
                "metric_against_target",
                f"{metric.log_name} is not for {facts.task}.",
                metrics_for(loss.encoding),
            )
        elif loss.encoding not in metric.encodings:
            yield Issue(
                where,
                "metric_against_loss",
                f"{metric.log_name} needs {' or '.join(_WRITTEN[e] for e in metric.encodings)}, "
                f"but {snake_case(loss.keras_name)} takes {_WRITTEN[loss.encoding]}.",
                metrics_for(loss.encoding),
            )
        elif isinstance(metric, Poisson) and output.activation not in NEVER_NEGATIVE:
            said = f"{metric.log_name} takes the output's logarithm, which may be negative here."
            yield Issue(where, "metric_against_output", f"{said} Let it end in softplus.")
        else:
            yield from _argument_issues(metric, loss, facts, where)


def _argument_issues(
    metric: MetricSpec, loss: AnyLoss, facts: DataFacts, pointer: str
) -> Iterator[Issue]:
    """Check a metric that fits the target, but perhaps not with these arguments."""
    outputs = units_for(loss, facts)
    for field, highest in (("k", outputs), ("top_k", outputs), ("class_id", outputs - 1)):
        value = getattr(metric, field, None)
        if value is not None and value > highest:
            where = f"{pointer}/{field}" if field in metric.model_fields_set else pointer
            said = f"{field} is {value}, but with {outputs} outputs it is at most {highest}."
            yield Issue(where, "metric_against_classes", said)
    wants_logits = getattr(metric, "from_logits", False)
    if _reads_probabilities(metric, loss) and wants_logits == loss.of_probabilities:
        said = (
            f"{metric.log_name} reads logits, but the network puts out probabilities."
            if wants_logits
            else f"{metric.log_name} reads probabilities, but {snake_case(loss.keras_name)} here "
            "goes with other outputs. Let the network end in softmax or sigmoid."
        )
        yield Issue(pointer, "metric_against_output", said)


def _reads_probabilities(metric: MetricSpec, loss: AnyLoss) -> bool:
    """Whether it matters to a metric that outputs are between 0 and 1.

    Keras's "accuracy" of one output compares it with 0.5; BinaryAccuracy can be told to use 0.
    """
    if isinstance(metric, Accuracy):
        return loss.encoding == "binary"
    if isinstance(metric, BinaryAccuracy) and metric.threshold == 0:
        return False
    return metric.of_probabilities
