"""Did the loss run away? The trainer has asked already; this says what it came to, once."""

from health import divergence
from health.course import Course
from health.curves import curve, initial_loss
from health.repairs.rates import stop_divergence
from health.verdict import Found, Healthy, NotApplicable, Verdict
from models.findings import Finding
from models.lifecycle import StopReason

CODE = "diverged"


def check(course: Course) -> Verdict:
    """Judge as the trainer does, and never against how the training was said to have ended."""
    losses = curve(course, "loss")
    if not losses:
        return NotApplicable("No epoch has ended.")
    finding = divergence.judge(initial_loss(course), losses)
    if course.stop_reason is StopReason.DIVERGED:
        return Found(finding or _said(losses), stop_divergence)
    if finding is None or course.stop_reason is not None:
        return Healthy(f"The loss is finite and ended at {losses[-1]:.3g}.")
    return Found(finding, stop_divergence)


def _said(losses: tuple[float, ...]) -> Finding:
    """The trainer saw it by a number that was not kept."""
    return Finding(
        code=CODE,
        severity="problem",
        first_epoch=len(losses),
        threshold=divergence.TIMES_INITIAL,
        evidence=f"The loss ended at {losses[-1]:g}, more than {divergence.TIMES_INITIAL:g} times "
        "what it began at.",
        explanation=divergence.EXPLANATION,
        advice=divergence.ADVICE,
    )
