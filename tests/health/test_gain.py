"""Harm by what the inputs could still explain, however little or much is left of the loss."""

from dataclasses import replace

import pytest

from health.course import Course
from health.judge import RULES
from health.rules.dynamics import largest_updates
from health.rules.gain import is_lacking, only_noise_is_left
from health.verdict import Found
from models.measurements import LackOfFit
from tests.health.courses import (
    PRIOR,
    course,
    hidden,
    measurement,
    of_numbers,
    spec,
    with_output_layer,
)

FALLING = tuple(0.06 - 0.001 * epoch for epoch in range(20))
TANH = {"layers": [{"layer": "Dense", "units": 10, "activation": "tanh"}]}


def left(
    share: float,
    of_prior: float,
    *,
    error: float = 0.01,
    last: float | None = None,
    kept: str = "best",
) -> Course:
    """A training that left so much of the prior's loss, of which the inputs explain a share."""
    fit = LackOfFit(share=share, standard_error=error)
    best = measurement(1, loss=of_prior * PRIOR)
    ended = measurement(11, loss=(last or of_prior) * PRIOR, lack_of_fit=fit)
    stopping = {"restore_best_weights": kept == "best"}
    return course(
        spec(fit={"early_stopping": stopping}), measurements=[measurement(0), best, ended]
    )


@pytest.mark.parametrize(
    ("judged", "is_so"),
    [
        (left(0.3, 0.04), True),
        (left(0.24, 0.9), False),  # noise, for the most
        (left(0.3, 0.04, error=0.16), False),  # or may be
        (left(0.3, 0.03), False),  # 0.9 % of the prior's loss is hardly worth another training
        (left(0.3, 0.03, last=0.06), False),  # which is what the best network left
        (left(0.3, 0.04, last=0.11), True),
        (left(0.3, 0.04, last=0.13), False),  # said of another network than of the best one
        (left(0.3, 0.04, last=0.13, kept="last"), True),
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
def test_what_is_left_does_harm_however_little_it_is_where_it_could_be_explained(
    code: str, judged: Course, share: float
) -> None:
    fit = LackOfFit(share=share, standard_error=0.01)
    ended = judged.measurements[-1].model_copy(update={"lack_of_fit": fit})
    told = RULES[code](replace(judged, measurements=(*judged.measurements[:-1], ended)))

    warned = isinstance(told, Found) and told.finding.severity != "info"
    assert warned is (share > 0.25)


@pytest.mark.parametrize(
    ("share", "ended", "is_found"),
    [(0.3, 1.0, True), (0.2, 1.0, False), (0.3, 1.2, False)],  # the training loss rose at the end
)
def test_a_rate_is_too_low_too_where_validation_is_long_behind_what_trains(
    share: float, ended: float, *, is_found: bool
) -> None:
    fit = LackOfFit(share=share, standard_error=0.01)
    layers = [hidden(update_ratio=0.003)]
    seen = [measurement(n, loss=0.9, layers=layers) for n in (0, 1)]
    slow = course(
        losses=[*(1.1 - 0.005 * epoch for epoch in range(16)), *[ended] * 4],
        validation=[0.9 + 0.01 * epoch for epoch in range(20)],
        measurements=[*seen, measurement(20, loss=0.9, layers=layers, lack_of_fit=fit)],
    )

    judged = with_output_layer(slow, update_ratio=0.003)
    assert isinstance(RULES["learning_rate_too_low"](judged), Found) is is_found


@pytest.mark.parametrize(("loss", "severity"), [(0.1, "info"), (0.12, "warning")])
def test_units_that_began_on_a_flat_end_cost_something_where_some_of_the_loss_is_left(
    loss: float, severity: str
) -> None:
    seen = [measurement(n, loss=loss, layers=[hidden(saturated=0.9)]) for n in (0, 11)]

    told = RULES["saturated_neurons"](course(spec(network=TANH), measurements=seen))

    assert isinstance(told, Found)
    assert told.finding.severity == severity


def test_where_it_is_not_known_what_is_left_saturated_units_are_a_problem() -> None:
    weighed = spec(network=TANH, fit={"class_weight": "balanced"})
    seen = [measurement(n, loss=0.05, layers=[hidden(saturated=0.9)]) for n in (0, 11)]

    told = RULES["saturated_neurons"](course(weighed, measurements=seen))

    assert isinstance(told, Found)
    assert told.finding.severity == "problem"


@pytest.mark.parametrize(
    ("judged", "is_so"),
    [
        (left(0.05, 0.5), True),
        (left(0.06, 0.5), False),
        (left(0.05, 0.51), False),  # a classification may be sure of what is wrong
        (of_numbers(left(0.05, 0.9)), True),
        (of_numbers(left(0.06, 0.9)), False),
    ],
)
def test_only_noise_is_left_where_the_inputs_explain_hardly_any_of_it(
    judged: Course, *, is_so: bool
) -> None:
    assert only_noise_is_left(judged) is is_so


@pytest.mark.parametrize(("share", "is_found"), [(0.05, False), (0.06, True)])
@pytest.mark.parametrize("code", ["dead_neurons", "learning_rate_too_high", "inputs_not_scaled"])
def test_where_only_noise_is_left_nothing_did_harm(
    code: str, share: float, *, is_found: bool
) -> None:
    fit = LackOfFit(share=share, standard_error=0.01)
    raw = spec(data={"dataset": "ds_1", "scaling": "none"})
    dead = [hidden(dead=0.95)]
    seen = [
        measurement(0, largest_input=90.0),
        measurement(11, loss=1.0, layers=dead, lack_of_fit=fit, largest_input=90.0),
    ]
    told = RULES[code](of_numbers(course(raw, measurements=seen)))

    warned = isinstance(told, Found) and told.finding.severity != "info"
    assert warned is is_found


@pytest.mark.parametrize(
    ("share", "loss", "is_found"),
    [(0.25, 0.5, False), (0.26, 0.5, True), (0.9, 0.21, False), (0.9, 0.23, True)],
)
def test_behind_normalization_the_errors_have_to_show_that_a_rate_is_too_high(
    share: float, loss: float, *, is_found: bool
) -> None:
    layers = [{"layer": "Dense", "units": 10}, {"layer": "BatchNormalization"}]
    fit = LackOfFit(share=share, standard_error=0.01)
    thrown = measurement(11, loss=loss, layers=[hidden(update_ratio=9.0)], lack_of_fit=fit)
    normalized = course(spec(network={"layers": layers}), measurements=[measurement(0), thrown])

    assert isinstance(RULES["learning_rate_too_high"](normalized), Found) is is_found


@pytest.mark.parametrize(("columns", "counted"), [(2, [0.03]), (3, [9.0])])
def test_one_unit_of_a_few_inputs_says_nothing_of_the_rate(
    columns: int, counted: list[float]
) -> None:
    moved = [hidden(units=1, update_ratio=9.0)]
    judged = course(measurements=[measurement(11, layers=moved)])
    few = replace(judged, facts=replace(judged.facts, input_shape=(columns,)))

    assert largest_updates(few) == counted
