"""How much a training could still gain, as several rules ask: much, or no more than noise.

It goes by what the inputs could still explain of the errors, however much or little of the loss is
left (decision 0015).
"""

from health.course import Course
from health.curves import explainable, lack_of_fit, loss_left

# Share of the prior's loss: with less left, there is hardly anything to gain.
CONVERGED = 0.05

# Shares of the errors' squares that the inputs still explain: at most, where the errors are noise;
# at least, where a training is far from what it could learn. Between them lie the limits of
# `underfitting` and `not_converged`, which have other evidence besides.
NOISE = 0.05
LACKING = 0.25
# Of that share: with fewer it may be chance.
STANDARD_ERRORS = 2.0
# Of the prior's loss: what can be explained of it is worth another training above this.
WORTHWHILE = 0.01
# Of the prior's loss: with more left, the errors of a classification may look like noise, by a few
# rows of which it is sure and wrong. A squared error has none that cost so much.
WELL_BELOW_PRIOR = 0.5
# Times the best loss: a last epoch that left more says nothing of how far the best one came.
RELAPSED = 3.0


def only_noise_is_left(course: Course) -> bool:
    """Whether a network has learned all that its inputs tell, however it came to that.

    The inputs explain hardly any of its errors, and a classification is well below the prior's
    loss. Of a noisy target more cannot be learned, at whatever rate (decisions 0012 and 0015).
    """
    of_numbers = course.facts.classes is None
    is_trusted = of_numbers or loss_left(course, "last") <= WELL_BELOW_PRIOR
    return explainable(course) <= NOISE and is_trusted


def could_gain(course: Course, left: float, *, beyond: float) -> bool:
    """Whether the inputs explain more than a share of the errors, and enough to be worth having.

    Of a squared error what they explain, times what is left, is what could still be gained.

    Args:
        course: with a lack of fit; without one nothing is known, and the answer is no.
        left: of the prior's loss, as a share.
        beyond: the share of the errors' squares.
    """
    fit = lack_of_fit(course)
    if fit is None or fit.share <= max(beyond, STANDARD_ERRORS * fit.standard_error):
        return False
    return fit.share * left > WORTHWHILE


def is_lacking(course: Course) -> bool:
    """Whether the inputs still explain much of the errors, however little is left of the loss.

    A target that is nearly known leaves a small share of the prior's loss to any network, and a
    training may be several times as bad as another all the same (decision 0015).
    """
    last = loss_left(course, "last")
    kept = loss_left(course) if course.hands_out_best else last
    return could_gain(course, kept, beyond=LACKING) and last <= RELAPSED * kept
