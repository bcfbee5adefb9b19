"""Harm by what the inputs could still explain, however little or much is left of the loss."""

from dataclasses import replace

import pytest

from health.course import Course
from health.judge import RULES
from health.rules.dynamics import is_lacking
from health.verdict import Found
from models.measurements import LackOfFit
from tests.health.courses import PRIOR, course, hidden, measurement, spec, with_output_layer

FALLING = tuple(0.06 - 0.001 * epoch for epoch in range(20))
TANH = {"layers": [{"layer": "Dense", "units": 10, "activation": "tanh"}]}


def left(
    share: float, of_prior: float, *, error: float = 0.01, last: float | None = None
) -> Course:
    """A training that left so much of the prior's loss, of which the inputs explain a share."""
    fit = LackOfFit(share=share, standard_error=error)
    best = measurement(1, loss=of_prior * PRIOR)
    ended = measurement(11, loss=(last or of_prior) * PRIOR, lack_of_fit=fit)
    return course(measurements=[measurement(0), best, ended])


@pytest.mark.parametrize(
    ("judged", "is_so"),
    [
        (left(0.3, 0.04), True),
        (left(0.24, 0.9), False),  # noise, for the most
        (left(0.3, 0.04, error=0.16), False),  # or may be
        (left(0.3, 0.03), False),  # 0.9 % of the prior's loss is hardly worth another training
        (left(0.3, 0.04, last=0.11), True),
        (left(0.3, 0.04, last=0.13), False),  # said of another network than of the best one
        (course(), False),  # not measured
    ],
)
def test_a_training_is_lacking_where_the_inputs_explain_much_of_what_is_left(
    judged: Course, *, is_so: bool
) -> None:
    assert is_lacking(judged) is is_so


@pytest.mark.parametrize("share", [0.3, 0.2])
@pytest.mark.parametrize(
    ("code", "judged"),
    [
        (
            "learning_rate_too_low",
            with_output_layer(
                course(
                    losses=FALLING,
                    measurements=[
                        measurement(n, loss=FALLING[-1], layers=[hidden(update_ratio=0.001)])
                        for n in (0, 1, 20)
                    ],
                ),
                update_ratio=0.001,
            ),
        ),
        (
            "learning_rate_too_high",
            course(
                measurements=[
                    measurement(n, loss=0.05, layers=[hidden(update_ratio=9.0)]) for n in (1, 11)
                ]
            ),
        ),
        (
            "vanishing_gradients",
            course(
                measurements=[
                    measurement(n, loss=0.05, layers=[hidden(kernel_gradient=1e-6)])
                    for n in (0, 11)
                ]
            ),
        ),
        (
            "saturated_neurons",
            course(
                spec(network=TANH),
                measurements=[
                    measurement(n, loss=0.05, layers=[hidden(saturated=0.9)]) for n in (0, 11)
                ],
            ),
        ),
    ],
)
def test_what_is_left_is_harm_where_it_is_little_and_could_be_explained(
    code: str, judged: Course, share: float
) -> None:
    fit = LackOfFit(share=share, standard_error=0.01)
    ended = judged.measurements[-1].model_copy(update={"lack_of_fit": fit})
    told = RULES[code](replace(judged, measurements=(*judged.measurements[:-1], ended)))

    warned = isinstance(told, Found) and told.finding.severity != "info"
    assert warned is (share > 0.25)


@pytest.mark.parametrize(
    ("training", "validation", "of_numbers", "of_classes"),
    [
        (0.004, 0.05, True, False),
        (0.004, 0.04, False, False),  # less than 4 % of the prior's loss apart
        (0.006, 0.055, False, False),  # less than ten times
        (0.02, 0.3, True, True),
    ],
)
def test_a_regression_overfits_with_a_smaller_gap_than_a_classification(
    training: float, validation: float, *, of_numbers: bool, of_classes: bool
) -> None:
    losses = (0.6, 0.5, validation)
    seen = [measurement(0), measurement(3, loss=training)]
    classes = course(losses=losses, validation=losses, measurements=seen)
    numbers = replace(classes, facts=replace(classes.facts, classes=None))

    assert isinstance(RULES["overfitting"](numbers), Found) is of_numbers
    assert isinstance(RULES["overfitting"](classes), Found) is of_classes
