"""Is a rare class never recognised?"""

from health.course import Course
from health.curves import trained
from health.repairs.data import balance_classes
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import percent
from models.findings import Finding

CODE = "class_imbalance"

# Share of the probe's rows. Of many classes each is rare: then it is less than half of an equal
# share.
RARE = 0.1
OF_EQUAL = 0.5
# Rows of the rarest class in the probe: of fewer, none may be recognised by chance.
LEAST_ROWS = 5


def check(course: Course) -> Verdict:
    """Judge what the last epoch's network says of the rarest class."""
    after = trained(course)
    if not after:
        return NOT_MEASURED
    last = after[-1]
    if last.minority is None or last.minority_recall is None:
        return NotApplicable("There are no classes.")
    told = (
        f"The rarest class has {percent(last.minority)} of the rows, of which "
        f"{percent(last.minority_recall)} are recognised"
    )
    rare = min(RARE, OF_EQUAL / max(1, len(course.facts.classes or ())))
    if last.minority >= rare or last.minority_recall > 0:
        return Healthy(f"{told}.")
    if last.minority * last.rows < LEAST_ROWS:
        return NotApplicable(f"{told}; these are fewer than {LEAST_ROWS} rows.")
    return Found(
        Finding(
            code=CODE,
            severity="warning",
            first_epoch=last.epoch,
            value=last.minority,
            threshold=rare,
            evidence=f"{told}.",
            explanation="The loss hardly counts so few rows, so it is cheap never to name their "
            "class.",
            advice='Give "class_weight": "balanced", so that each class counts alike.',
        ),
        balance_classes,
    )
