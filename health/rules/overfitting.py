"""Did validation get worse while training got better, or is what was learned the rows alone?"""

import math
from dataclasses import dataclass

from health.course import Course
from health.curves import curve, places, prior, trained
from health.repairs.fit import keep_best_weights, more_training_rows
from health.repairs.regularization import add_dropout, narrow_wide_layers
from health.repairs.repair import otherwise, together
from health.verdict import NO_VALIDATION, NOT_MEASURED, Found, Healthy, Verdict
from health.words import number
from models.findings import Finding
from models.measurements import Measurement

CODE = "overfitting"

# Paired standard errors of the validation rows' losses.
STANDARD_ERRORS = 2.0
# Validation loss less training loss at the end, as a share of the prior's loss. Where rows are few,
# their noise hides that validation got worse, and this still shows (decision 0012).
GAP = 0.2
# The same of a regression whose validation loss is so many times the training loss. A cross-entropy
# may be, by a few rows of which the network is sure and wrong; a squared error is not by so few.
GAP_OF_NUMBERS = 0.04
TIMES_OF_NUMBERS = 10.0

# Of a layer: what is in Keras's losses beside the errors, and not in the probe's.
_PENALTIES = (
    *("kernel_regularizer", "depthwise_regularizer", "pointwise_regularizer"),
    *("bias_regularizer", "beta_regularizer", "gamma_regularizer", "activity_regularizer"),
)


@dataclass(frozen=True, slots=True)
class _Seen:
    epoch: int
    value: float
    threshold: float
    evidence: str


def check(course: Course) -> Verdict:
    """Judge the last epoch against the best one, and against the training rows."""
    after = trained(course)
    if not after:
        return NOT_MEASURED
    last, validation = after[-1], curve(course, "val_loss")
    if not validation:
        return NO_VALIDATION
    seen = _worse(course, last) or _apart(course, last, validation[-1])
    if seen is None:
        return Healthy(
            f"The validation loss ended at {number(validation[-1])}, the training rows' at "
            f"{number(math.nan if last.loss is None else last.loss)}."
        )
    judged_by, rows = course.monitored.metric, course.trial.fit.split_rows(course.facts.rows)
    harmless = course.hands_out_validated
    return Found(
        Finding(
            code=CODE,
            severity="info" if harmless else "warning",
            first_epoch=seen.epoch,
            value=seen.value,
            threshold=seen.threshold,
            evidence=seen.evidence,
            explanation="The network learns by heart what is peculiar to the training rows"
            + (
                f"; what is handed out are the weights that were best by {judged_by}."
                if course.hands_out_best
                else ", and it is handed out as it was in the end."
            ),
            advice="More rows to train on, or Dropout or fewer units in layers that have one for "
            "each row."
            if harmless
            else "Stop early by the validation rows, and restore the best weights.",
        ),
        otherwise(
            together(keep_best_weights(validation), more_training_rows),
            # In this order: decision 0013.
            otherwise(add_dropout(rows.training), narrow_wide_layers(rows.training)),
        ),
    )


def _worse(course: Course, last: Measurement) -> _Seen | None:
    """Validation rows are worse than at their best, while the training rows got better."""
    worse = last.since_best
    if worse is None or worse.standard_error is None:
        return None
    best = next((each for each in course.measurements if each.epoch == worse.since), None)
    if best is None or best.loss is None or last.loss is None or last.loss >= best.loss:
        return None
    limit = STANDARD_ERRORS * worse.standard_error
    if worse.mean <= limit:
        return None
    evidence = (
        f"From epoch {worse.since} to {last.epoch} the validation loss rose by "
        f"{number(worse.mean, 2)} ± {number(worse.standard_error, 1)} a row, while the training "
        f"loss fell from {number(best.loss, 2)} to {number(last.loss, 2)}."
    )
    return _Seen(worse.since, worse.mean, limit, evidence)


def _apart(course: Course, last: Measurement, validation: float) -> _Seen | None:
    """Validation rows are far worse than the training rows."""
    constant, training = prior(course), _training_loss(course, last)
    if not constant > 0:
        return None
    gap = (validation - training) / constant
    threshold = _gap(course, validation, training)
    if not math.isfinite(gap) or gap <= threshold or 2 * training > validation:
        return None
    evidence = (
        f"The loss of the training rows is {number(training, 2)}, that of the validation rows "
        f"{number(validation, 2)}; knowing nothing costs {number(constant, 2)}."
    )
    return _Seen(last.epoch, gap, threshold, evidence)


def _training_loss(course: Course, last: Measurement) -> float:
    """Of the probe; with penalties that of the epoch, since a validation loss has them too."""
    measured = math.nan if last.loss is None else last.loss
    penalized = any(
        getattr(place.layer, penalty, None) is not None
        for place in places(course)
        for penalty in _PENALTIES
    )
    return max([measured, *curve(course, "loss")[-1:]]) if penalized else measured


def _gap(course: Course, validation: float, training: float) -> float:
    of_numbers = course.facts.classes is None
    return GAP_OF_NUMBERS if of_numbers and validation > TIMES_OF_NUMBERS * training else GAP
