"""Each rule at the values where it turns, on courses made by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from health.course import Course
from health.judge import RULES, judge
from health.verdict import Found, Healthy, NotApplicable
from models.findings import Finding
from models.lifecycle import StopReason
from models.measurements import LackOfFit, Measurement
from models.specs.experiment import ExperimentSpec
from tests.health.courses import (
    course,
    hidden,
    measurement,
    of_numbers,
    paired,
    spec,
    with_output_layer,
)

FALLING = [1.1 - 0.005 * n for n in range(20)]  # by less than 5 % of the prior in its second half


def found(code: str, judged: Course) -> Finding | None:
    verdict = RULES[code](judged)
    return verdict.finding if isinstance(verdict, Found) else None


def after(judged_epochs: int = 11, **values: Any) -> list[Any]:
    """Measurements before training, after an epoch and at the end, these values in the last two."""
    return [measurement(0), measurement(1, **values), measurement(judged_epochs, **values)]


def test_a_healthy_course_has_no_finding() -> None:
    verdicts = {code: rule(course()) for code, rule in RULES.items()}

    assert not [code for code, each in verdicts.items() if isinstance(each, Found)], verdicts


@pytest.mark.parametrize(("largest", "is_found"), [(10.0, False), (10.1, True)])
def test_inputs_beyond_ten_are_not_scaled_where_nothing_scales(
    largest: float, *, is_found: bool
) -> None:
    raw = spec(data={"dataset": "ds_1", "scaling": "none"})
    seen = [measurement(n, largest_input=largest, loss=0.9) for n in (0, 1, 11)]

    assert (found("inputs_not_scaled", course(raw, measurements=seen)) is not None) is is_found
    assert found("inputs_not_scaled", course(measurements=seen)) is None  # an outlier


def test_raw_inputs_of_a_network_that_learned_are_informational() -> None:
    raw = spec(data={"dataset": "ds_1", "scaling": "none"})
    seen = [measurement(n, largest_input=255.0, loss=0.1) for n in (0, 1, 11)]

    finding = found("inputs_not_scaled", course(raw, measurements=seen))
    assert finding is not None
    assert finding.severity == "info"


def test_a_network_that_scales_its_inputs_is_not_asked() -> None:
    layers = [{"layer": "BatchNormalization"}, {"layer": "Dense", "units": 10}]
    raw = spec(data={"dataset": "ds_1", "scaling": "none"}, network={"layers": layers})
    seen = [measurement(n, largest_input=255.0) for n in (0, 1, 11)]

    verdict = RULES["inputs_not_scaled"](course(raw, measurements=seen))
    assert isinstance(verdict, NotApplicable)


@pytest.mark.parametrize(
    ("dead", "loss", "severity"),
    [
        (0.49, 0.9, None),
        (0.5, 0.9, "problem"),
        (0.5, 0.5, None),  # the others suffice
        (0.25, 1.05, "warning"),
        (0.24, 1.05, None),
    ],
)
def test_dead_units_count_where_the_loss_shows_harm(
    dead: float, loss: float, severity: str | None
) -> None:
    seen = after(layers=[hidden(dead=dead, zeros=0.9)], loss=loss)

    finding = found("dead_neurons", course(measurements=seen))
    assert (finding and finding.severity) == severity


def test_zeros_alone_are_no_dead_units() -> None:
    seen = after(layers=[hidden(zeros=0.99)], loss=1.1)

    assert found("dead_neurons", course(measurements=seen)) is None


@pytest.mark.parametrize(
    ("first", "last", "is_found"),
    [(9e-4, 1.0, True), (1.1e-3, 9.0, False), (9e-4, 0.8, False)],
)
def test_gradients_vanish_where_they_are_small_in_themselves_and_beside_the_last(
    first: float, last: float, *, is_found: bool
) -> None:
    seen = [measurement(n, layers=[hidden(kernel_gradient=first)], loss=1.1) for n in (0, 1, 11)]
    judged = with_output_layer(course(measurements=seen), kernel_gradient=last)

    assert (found("vanishing_gradients", judged) is not None) is is_found


def test_gradients_that_end_at_dead_units_are_not_a_matter_of_depth() -> None:
    layers = [hidden(kernel_gradient=1e-9, dead=0.9)]
    seen = [measurement(n, layers=layers, loss=1.1) for n in (0, 1, 11)]

    assert isinstance(RULES["vanishing_gradients"](course(measurements=seen)), NotApplicable)


# He's weights of ten units have a norm of sqrt(20).
@pytest.mark.parametrize(
    ("times", "loss", "is_found"), [(5.1, 2.3, True), (4.9, 2.3, False), (5.1, 2.1, False)]
)
def test_wild_initial_weights_are_told_by_their_size_and_the_first_loss(
    times: float, loss: float, *, is_found: bool
) -> None:
    start = measurement(0, layers=[hidden(kernel_norm=times * math.sqrt(20))], loss=loss)

    judged = course(measurements=[start, measurement(11)])
    assert (found("exploding_gradients", judged) is not None) is is_found


@pytest.mark.parametrize(("share", "severity"), [(0.49, None), (0.5, "problem")])
def test_units_on_their_flat_ends(share: float, severity: str | None) -> None:
    tanh = spec(network={"layers": [{"layer": "Dense", "units": 10, "activation": "tanh"}]})
    layers = [hidden(dead=None, saturated=share)]
    seen = [measurement(n, layers=layers, loss=0.9) for n in (0, 1, 11)]

    finding = found("saturated_neurons", course(tanh, measurements=seen))
    assert (finding and finding.severity) == severity


def test_a_sure_output_is_not_saturated() -> None:
    judged = with_output_layer(course(), saturated=1.0)

    assert isinstance(RULES["saturated_neurons"](judged), NotApplicable)


@pytest.mark.parametrize(
    ("update", "losses", "is_found"),
    [
        (0.0039, FALLING, True),
        (0.0041, FALLING, False),
        (0.0039, FALLING[:9], False),
        (0.0039, [*FALLING[:16], *[1.2] * 4], False),
        (0.0039, [*FALLING[:17], *[1.2] * 3], True),  # in the last fifth
        (1e-5, [1.1, 1.09] * 10, True),  # rounding makes it rise
    ],
)
def test_a_rate_is_too_low_where_weights_hardly_move_and_the_last_epoch_is_the_best(
    update: float, losses: Sequence[float], *, is_found: bool
) -> None:
    seen = after(len(losses), layers=[hidden(update_ratio=update)], loss=0.9)
    judged = with_output_layer(course(losses=losses, measurements=seen), update_ratio=update)

    assert (found("learning_rate_too_low", judged) is not None) is is_found


@pytest.mark.parametrize(
    ("update", "loss", "is_found"), [(2.1, 0.23, True), (1.9, 0.23, False), (2.1, 0.21, False)]
)
def test_a_rate_is_too_high_that_throws_the_weights_away_with_harm(
    update: float, loss: float, *, is_found: bool
) -> None:
    seen = after(layers=[hidden(update_ratio=update)], loss=loss)

    assert (found("learning_rate_too_high", course(measurements=seen)) is not None) is is_found


JUMPING = [1.0, 0.9] * 6


@pytest.mark.parametrize(
    ("losses", "times", "update", "loss", "share", "is_found"),
    [
        (JUMPING, 1.2, 1.1, 0.4, None, True),
        (FALLING[:12], 1.2, 1.1, 0.4, None, False),
        (JUMPING, 1.05, 1.1, 0.4, None, False),
        (JUMPING, 1.2, 0.9, 0.4, None, False),
        (JUMPING, 1.2, 1.1, 0.32, None, False),  # 29 % are left
        (JUMPING, 1.2, 1.1, 0.4, 0.05, False),  # noise
        (JUMPING, 1.2, 1.1, 0.4, 0.06, True),
    ],
)
def test_a_rate_is_too_high_at_which_the_loss_jumps_and_validation_ends_worse(
    losses: Sequence[float],
    times: float,
    update: float,
    loss: float,
    share: float | None,
    *,
    is_found: bool,
) -> None:
    fit = None if share is None else explained(share)
    seen = after(12, layers=[hidden(update_ratio=update)], loss=loss, lack_of_fit=fit)
    validation = [*[0.8] * 11, 0.8 * times]

    judged = course(losses=losses, validation=validation, measurements=seen)
    assert (found("learning_rate_too_high", judged) is not None) is is_found


@pytest.mark.parametrize(
    ("fit", "loss", "is_found"),
    [
        ((0.05, 0.03), 0.5, False),
        ((0.06, 0.03), 0.5, True),
        ((0.05, 0.03), 0.6, True),
        (None, 0.5, True),
    ],
)
@pytest.mark.parametrize(
    ("code", "update"), [("learning_rate_too_high", 9.0), ("learning_rate_too_low", 0.002)]
)
def test_a_rate_did_no_harm_where_only_noise_is_left(
    code: str, update: float, fit: tuple[float, float] | None, loss: float, *, is_found: bool
) -> None:
    seen = after(
        len(FALLING),
        layers=[hidden(update_ratio=update)],
        loss=loss,
        lack_of_fit=explained(*fit) if fit else None,
    )
    judged = with_output_layer(course(losses=FALLING, measurements=seen), update_ratio=update)

    assert (found(code, judged) is not None) is is_found


def test_what_a_rate_that_is_too_high_did_is_told_in_plain_numbers() -> None:
    seen = after(layers=[hidden(update_ratio=1013.7)], loss=1.2)
    told = found("learning_rate_too_high", course(losses=[3740.0, 5.0], measurements=seen))

    assert told is not None
    assert told.evidence == (
        "One epoch changed the weights by 1,010 times their size; the loss rose to 3,400 times "
        "that of knowing nothing, and at best the network is no better than knowing nothing."
    )


@pytest.mark.parametrize(("at_start", "is_found"), [(0.1, True), (0.95, False)])
def test_units_that_were_dead_before_training_were_not_killed_by_the_rate(
    at_start: float, *, is_found: bool
) -> None:
    start = measurement(0, layers=[hidden(dead=at_start, update_ratio=None)])
    seen = [start, *after(layers=[hidden(dead=0.95)], loss=1.1)[1:]]

    assert (found("learning_rate_too_high", course(measurements=seen)) is not None) is is_found


@pytest.mark.parametrize(("units", "is_found"), [(2, False), (3, True)])
def test_single_units_and_the_weights_between_them_say_nothing_of_the_rate(
    units: int, *, is_found: bool
) -> None:
    start = measurement(0, layers=[hidden(units=units, update_ratio=None)], loss=1.1)
    killed = [start, *after(layers=[hidden(units=units, dead=1.0)], loss=1.1)[1:]]
    thrown = with_output_layer(
        course(measurements=after(layers=[hidden(units=units)], loss=1.1)),
        units=2,
        update_ratio=9.0,
    )

    for judged in (course(measurements=killed), thrown):
        assert (found("learning_rate_too_high", judged) is not None) is is_found


@pytest.mark.parametrize(("stop_reason", "is_found"), [(None, True), (StopReason.COMPLETED, False)])
def test_whether_a_training_that_is_over_diverged_is_the_trainers_word(
    stop_reason: StopReason | None, *, is_found: bool
) -> None:
    """It compares with a loss that has penalties in it, which the measured one has not."""
    judged = course(losses=[1.0, 20.0], stop_reason=stop_reason)

    assert (found("diverged", judged) is not None) is is_found


def test_a_loss_that_is_not_finite_is_a_divergence_at_too_high_a_rate() -> None:
    judged = course(losses=[1.0, None], stop_reason=StopReason.DIVERGED)

    assert found("diverged", judged) is not None
    assert found("learning_rate_too_high", judged) is not None


def test_what_the_trainer_called_diverged_is_so_without_measurements() -> None:
    judged = course(losses=[90.0], measurements=[], stop_reason=StopReason.DIVERGED)

    assert found("diverged", judged) is not None


def swings(by: float) -> list[Measurement]:
    """Up and down with every epoch."""
    steps = (paired(by if epoch % 2 else -by) for epoch in range(1, 12))
    return [measurement(0), *(measurement(n, since_last=each) for n, each in enumerate(steps, 1))]


@pytest.mark.parametrize(
    ("swing", "kept", "severity"),
    [
        (0.019, "last", None),
        (0.021, "last", "info"),
        (0.6, "last", "warning"),
        (0.6, "best", "info"),
    ],
)
def test_validation_oscillates_beyond_two_standard_errors(
    swing: float, kept: str, severity: str | None
) -> None:
    restored = spec(fit={"early_stopping": {"restore_best_weights": kept == "best"}})

    finding = found("oscillating", course(restored, measurements=swings(swing)))

    assert (finding and finding.severity) == severity


@pytest.mark.parametrize(
    ("swing", "stopping", "changed_paths"),
    [
        (0.1, {"restore_best_weights": True}, []),
        (0.1, {"restore_best_weights": False}, ["/fit/early_stopping/restore_best_weights"]),
        (0.6, {"restore_best_weights": True}, []),
        (0.6, {"restore_best_weights": False}, ["/compile/optimizer/learning_rate"]),
    ],
)
def test_only_swings_that_do_harm_are_for_a_lower_rate(
    swing: float, stopping: dict[str, bool], changed_paths: list[str]
) -> None:
    swinging = spec(fit={"early_stopping": stopping})

    (finding,) = judge(
        course(swinging, measurements=swings(swing)), spec=swinging, changes={}
    ).findings

    assert finding.code == "oscillating"
    assert [each["path"] for each in finding.patch] == changed_paths


@pytest.mark.parametrize(
    ("stopping", "advice"),
    [
        ({"restore_best_weights": True}, "It does no harm, since the best weights"),
        ({"monitor": "loss"}, "Hand out the best weights"),
        ({"restore_best_weights": False}, "Hand out the best weights"),
        (None, "Hand out the best weights"),
    ],
)
def test_of_swings_that_do_no_harm_it_is_said_what_is_left_to_do(
    stopping: dict[str, Any] | None, advice: str
) -> None:
    steps = [
        measurement(epoch, since_last=paired(0.1 if epoch % 2 else -0.1)) for epoch in range(1, 12)
    ]
    swinging = spec(fit={"early_stopping": stopping})

    finding = found("oscillating", course(swinging, measurements=[measurement(0), *steps]))

    assert finding is not None
    assert finding.advice.startswith(advice)


@pytest.mark.parametrize(("mean", "is_found"), [(0.019, False), (0.021, True)])
def test_overfitting_is_beyond_two_paired_standard_errors(mean: float, *, is_found: bool) -> None:
    seen = [measurement(0), measurement(1, loss=0.5), measurement(11, since_best=paired(mean))]

    finding = found("overfitting", course(measurements=seen))
    assert (finding is not None) is is_found
    assert finding is None or finding.severity == "info"  # the best weights are handed out


def test_overfitting_that_is_handed_out_is_a_warning() -> None:
    seen = [measurement(0), measurement(1, loss=0.5), measurement(11, since_best=paired(0.1))]

    finding = found("overfitting", course(spec(fit={"early_stopping": None}), measurements=seen))
    assert finding is not None
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("monitor", "severity"), [("val_loss", "info"), ("val_accuracy", "info"), ("loss", "warning")]
)
def test_the_best_weights_by_a_training_metric_are_overfitted_too(
    monitor: str, severity: str
) -> None:
    seen = [measurement(0), measurement(1, loss=0.5), measurement(11, since_best=paired(0.1))]
    stopped = spec(compile={"metrics": ["accuracy"]}, fit={"early_stopping": {"monitor": monitor}})

    finding = found("overfitting", course(stopped, measurements=seen))
    assert finding is not None
    assert finding.severity == severity
    assert finding.explanation.endswith(f"the weights that were best by {monitor}.")


@pytest.mark.parametrize(("gap", "is_found"), [(0.21, True), (0.19, False)])
def test_validation_far_above_training_is_overfitting(gap: float, *, is_found: bool) -> None:
    losses = [0.5] * 11
    validation = [0.05 + gap * 1.1] * 11
    judged = course(losses=losses, validation=validation, measurements=after(loss=0.05))

    assert (found("overfitting", judged) is not None) is is_found


@pytest.mark.parametrize(
    ("training", "validation", "as_numbers", "as_classes"),
    [
        (0.004, 0.05, True, False),
        (0.004, 0.04, False, False),  # less than 4 % of the prior's loss apart
        (0.006, 0.055, False, False),  # less than ten times
        (0.02, 0.3, True, True),
    ],
)
def test_a_regression_overfits_with_a_smaller_gap_than_a_classification(
    training: float, validation: float, *, as_numbers: bool, as_classes: bool
) -> None:
    losses = (0.6, 0.5, validation)
    seen = [measurement(0), measurement(3, loss=training)]
    classes = course(losses=losses, validation=losses, measurements=seen)

    assert isinstance(RULES["overfitting"](of_numbers(classes)), Found) is as_numbers
    assert isinstance(RULES["overfitting"](classes), Found) is as_classes


@pytest.mark.parametrize(("regularizer", "is_found"), [(None, True), ("l2", False)])
def test_a_penalty_that_both_losses_have_is_no_gap(
    regularizer: str | None, *, is_found: bool
) -> None:
    layer = {"layer": "Dense", "units": 10, "kernel_regularizer": regularizer}
    losses = (0.6, 0.5, 0.4)
    judged = course(
        spec(network={"layers": [layer]}),
        losses=losses,
        validation=losses,
        measurements=[measurement(0), measurement(3, loss=0.01)],
    )

    assert isinstance(RULES["overfitting"](judged), Found) is is_found


@pytest.mark.parametrize(("loss", "is_found"), [(1.079, True), (1.077, False)])
def test_nothing_is_learned_within_two_percent_of_the_prior(loss: float, *, is_found: bool) -> None:
    judged = course(measurements=after(loss=loss))

    assert (found("learned_nothing", judged) is not None) is is_found


@pytest.mark.parametrize(
    ("share", "recall", "rows", "is_found"),
    [
        (0.09, 0.0, 210, True),
        (0.1, 0.0, 210, False),
        (0.09, 0.33, 210, True),
        (0.09, 0.34, 210, False),
        (0.02, 0.0, 200, False),  # four rows
    ],
)
def test_a_rare_class_is_hardly_ever_recognised(
    share: float, recall: float, rows: int, *, is_found: bool
) -> None:
    judged = course(measurements=after(minority=share, minority_recall=recall, rows=rows))

    assert (found("class_imbalance", judged) is not None) is is_found


def test_a_ratio_that_no_float_holds_is_none() -> None:
    tiny = [measurement(n, prior=1e-300, loss=1e18) for n in (0, 1, 11)]
    finding = found("learned_nothing", course(measurements=tiny))

    assert finding is not None
    assert finding.value is None


@pytest.mark.parametrize(
    ("at_best", "at_last", "severity"),
    [(0.0, 0.0, "warning"), (0.0, 0.2, "info"), (0.2, 0.0, "info")],
)
def test_a_rare_class_that_was_ever_recognised_is_informational(
    at_best: float, at_last: float, severity: str
) -> None:
    measurements = (
        measurement(10, minority=0.09, minority_recall=at_best),
        measurement(11, minority=0.09, minority_recall=at_last),
    )

    judged = replace(course(measurements=measurements), best_epoch=10)
    finding = found("class_imbalance", judged)

    assert finding is not None
    assert finding.severity == severity


@pytest.mark.parametrize("restored", [True, False])
def test_a_rare_class_is_judged_in_the_network_that_is_handed_out(*, restored: bool) -> None:
    stopping = {"patience": 20, "restore_best_weights": restored}
    measurements = (
        measurement(0),
        measurement(2, minority=0.09, minority_recall=0.0),
        measurement(11, minority=0.09, minority_recall=1.0),
    )
    judged = course(spec(fit={"early_stopping": stopping}), measurements=measurements)
    judged = replace(judged, best_epoch=2)

    assert (found("class_imbalance", judged) is not None) is restored


def explained(share: float, error: float = 0.01) -> LackOfFit:
    return LackOfFit(share=share, standard_error=error)


LAYER_NORM = {"layer": "LayerNormalization"}


def of_units(*units: int, activation: str | None = "tanh") -> ExperimentSpec:
    layer = {"layer": "Dense", "activation": activation}
    return spec(network={"layers": [{**layer, "units": each} for each in units]})


@pytest.mark.parametrize(
    ("network", "fit", "loss", "layer"),
    [
        (of_units(64, 1, 16), explained(0.16), 0.2, "dense_1"),
        (of_units(8), explained(0.16), 0.2, "dense"),
        (of_units(8), explained(0.16), 0.08, "dense"),
        (of_units(), explained(0.16), 0.2, None),
        (of_units(64, activation=None), explained(0.16), 0.2, None),
    ],
)
def test_a_network_is_too_small_that_leaves_what_its_inputs_explain(
    network: ExperimentSpec, fit: LackOfFit, loss: float, layer: str | None
) -> None:
    finding = found("underfitting", course(network, measurements=after(loss=loss, lack_of_fit=fit)))

    assert finding is not None
    assert (finding.layer, finding.value) == (layer, fit.share)
    assert "16 % ± 1 % of the errors" in finding.evidence


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (
            [{"layer": "Conv2D", "filters": 2, "activation": "relu"}, {"layer": "Flatten"}],
            "whose narrowest hidden layer, conv2d, has 2 filters;",
        ),
        (
            [{"layer": "DepthwiseConv2D", "activation": "relu"}, {"layer": "Flatten"}],
            "whose hidden layers filter each channel by itself;",
        ),
        ([{"layer": "DepthwiseConv2D"}, {"layer": "Flatten"}], "are all linear;"),
        ([{"layer": "Flatten"}], "which has no hidden layer;"),
    ],
)
def test_convolutions_that_are_too_small_are_called_what_they_are(
    layers: list[dict[str, Any]], told: str
) -> None:
    sized = [each if each["layer"] == "Flatten" else each | {"kernel_size": 2} for each in layers]
    image = spec(network={"layers": [{"layer": "Reshape", "target_shape": [2, 2, 1]}, *sized]})
    fit = explained(0.4)

    finding = found("underfitting", course(image, measurements=after(loss=0.9, lack_of_fit=fit)))

    assert finding is not None
    assert told in finding.evidence


def test_a_few_filters_are_many_numbers() -> None:
    """Each looks at many places."""
    layers = [
        {"layer": "Reshape", "target_shape": [2, 2, 1]},
        {"layer": "Conv2D", "filters": 3, "kernel_size": 2, "activation": "relu"},
        {"layer": "Flatten"},
    ]
    image = spec(network={"layers": layers})
    seen = after(loss=0.9, lack_of_fit=explained(0.4))

    assert isinstance(RULES["underfitting"](course(image, measurements=seen)), Healthy)


@pytest.mark.parametrize(
    ("network", "fit", "loss"),
    [
        (of_units(1), explained(0.11), 0.9),  # what is left is noise, nearly
        (of_units(1), explained(0.4, 0.21), 0.9),  # or may be
        (of_units(1), explained(0.4), 0.024),  # nothing to gain
        (of_units(9), explained(0.4), 0.9),  # trained too short, or too slowly
        (
            spec(network={"layers": [{"layer": "Dense", "units": 9}, LAYER_NORM]}),
            explained(0.4),
            0.9,
        ),  # dividing by what a row itself spreads is not linear
    ],
)
def test_a_small_network_is_large_enough_where_a_larger_one_would_gain_nothing(
    network: ExperimentSpec, fit: LackOfFit, loss: float
) -> None:
    judged = course(network, measurements=after(loss=loss, lack_of_fit=fit))

    assert isinstance(RULES["underfitting"](judged), Healthy)


@pytest.mark.parametrize(("units", "is_found"), [(2, True), (3, False)])
def test_a_layer_of_some_units_is_not_called_too_small_while_it_still_learns(
    units: int, *, is_found: bool
) -> None:
    seen = after(loss=0.9, lack_of_fit=explained(0.4))
    losses = [1.1 - 0.02 * epoch for epoch in range(11)]

    judged = course(of_units(units), losses=losses, measurements=seen)
    assert (found("underfitting", judged) is not None) is is_found


@pytest.mark.parametrize(
    ("stop_reason", "fit"), [(None, explained(0.4)), (StopReason.COMPLETED, None)]
)
def test_lack_of_fit_is_asked_at_the_end_and_where_it_was_measured(
    stop_reason: StopReason | None, fit: LackOfFit | None
) -> None:
    seen = after(loss=0.9, lack_of_fit=fit)

    judged = course(of_units(1), measurements=seen, stop_reason=stop_reason)
    assert isinstance(RULES["underfitting"](judged), NotApplicable)


def test_of_weighed_classes_the_plain_loss_proves_nothing() -> None:
    weighed = spec(fit={"class_weight": "balanced"})

    judged = course(weighed, measurements=after(loss=2.0, layers=[hidden(dead=0.6)]))
    assert not [code for code, rule in RULES.items() if isinstance(rule(judged), Found)]


def test_without_measurements_rules_that_need_them_say_so() -> None:
    verdicts = [rule(course(measurements=[])) for rule in RULES.values()]

    assert any(isinstance(each, NotApplicable) for each in verdicts)
    assert all(isinstance(each, NotApplicable | Healthy) for each in verdicts)
