"""Is a rare class hardly ever recognised?"""

from collections.abc import Sequence

from health.course import Course
from health.curves import trained
from health.repairs.data import balance_classes
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import percent
from models.findings import Finding
from models.measurements import Measurement

CODE = "class_imbalance"

# Share of the probe's rows. Of many classes each is rare: then it is less than half of an equal
# share.
RARE = 0.1
OF_EQUAL = 0.5
# Share of its rows. With fewer, but some at the best epoch or at the last, balanced weights helped
# in some trainings and made others worse: info (decision 0015).
RECOGNISED = 1 / 3
# Rows of the rarest class in the probe: of fewer, few may be recognised by chance.
LEAST_ROWS = 5


def check(course: Course) -> Verdict:
    """Judge what the network that is handed out says of the rarest class."""
    after = trained(course)
    if not after:
        return NOT_MEASURED
    kept, last = _kept(course, after), after[-1]
    if kept.minority is None or kept.minority_recall is None:
        return NotApplicable("There are no classes.")
    told = (
        f"The rarest class has {percent(kept.minority)} of the rows, of which "
        f"{percent(kept.minority_recall)} are recognised"
    )
    rare = min(RARE, OF_EQUAL / max(1, len(course.facts.classes or ())))
    if kept.minority >= rare or kept.minority_recall >= RECOGNISED:
        return Healthy(f"{told}.")
    if kept.minority * kept.rows < LEAST_ROWS:
        return NotApplicable(f"{told}; these are fewer than {LEAST_ROWS} rows.")
    ever = max(kept.minority_recall, last.minority_recall or 0.0) > 0
    return Found(
        Finding(
            code=CODE,
            severity="info" if ever else "warning",
            first_epoch=kept.epoch,
            value=kept.minority,
            threshold=rare,
            evidence=f"{told}.",
            explanation="The loss hardly counts so few rows, so it is cheap hardly ever to name "
            "their class.",
            advice='Give "class_weight": "balanced", so that each class counts alike.',
        ),
        balance_classes,
    )


def _kept(course: Course, after: Sequence[Measurement]) -> Measurement:
    """Of the best epoch, or next to it, where its weights are handed out; else the last."""
    if not course.hands_out_best or course.best_epoch is None:
        return after[-1]
    best = course.best_epoch
    return min(after, key=lambda each: abs(each.epoch - best))
