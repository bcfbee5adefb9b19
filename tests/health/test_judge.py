"""Judging as a whole: it never fails, tells causes first, and its patches give trainable specs."""

import json
import math
from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from health.causes import EXPLAINED_BY, in_order
from health.course import Course
from health.judge import RULES, judge
from health.patches import patch
from health.repairs.capacity import add_hidden_layer, narrower, widen_bottlenecks, wider
from health.repairs.data import balance_classes, scale_inputs
from health.repairs.fit import keep_best_weights, more_training_rows, train_longer
from health.repairs.layers import reinitialize, reinitialize_ill_drawn, use_activation, use_relu
from health.repairs.normalization import add_batch_normalization, add_batch_normalization_if_deep
from health.repairs.rates import lower_learning_rate, raise_learning_rate, stop_divergence
from health.repairs.regularization import add_dropout, narrow_wide_layers
from health.repairs.repair import none, otherwise, together
from models.findings import Finding
from models.lifecycle import StopReason
from models.measurements import LackOfFit, LayerMeasurement, Measurement, PairedLosses
from models.monitor import monitored
from models.resolve import complete
from models.specs.experiment import ExperimentSpec
from models.trial import changed
from tests.health.courses import FACTS, course, hidden, measurement, spec, trial_of

CODES = sorted(EXPLAINED_BY)

numbers = st.one_of(
    st.none(), st.floats(min_value=0, max_value=1e30), st.just(0.0), st.floats(-10, 10)
)
lengths = st.one_of(st.none(), st.floats(min_value=0, allow_nan=False, allow_infinity=False))
shares = st.one_of(st.none(), st.floats(0, 1))

relu = {"layer": "Dense", "units": 4, "activation": "relu"}
NETWORKS: tuple[dict[str, Any], ...] = (
    {"layers": []},
    {"layers": [relu]},
    {"layers": [relu, {"layer": "Dropout", "rate": 0.5}, relu]},
    {"layers": [{**relu, "units": 1, "use_bias": False}, {**relu, "activation": "tanh"}]},
    {"layers": [{**relu, "activation": "sigmoid", "name": "first"}] * 1},
    {"layers": [{**relu, "kernel_regularizer": "l2"}]},
    {"layers": [relu, {"layer": "Dense", "units": 3, "activation": "softmax"}], "output": "given"},
    {
        "layers": [
            {"layer": "Dense", "units": 4},
            {"layer": "BatchNormalization"},
            {"layer": "Activation", "activation": "relu"},
            {"layer": "LeakyReLU"},
        ]
    },
)
RATES: tuple[Any, ...] = (
    1e-12,
    1e-7,
    0.01,
    1000.0,
    {
        "schedule": "ExponentialDecay",
        "initial_learning_rate": 0.5,
        "decay_steps": 9,
        "decay_rate": 0.5,
    },
    {"schedule": "PiecewiseConstantDecay", "boundaries": [5], "values": [1.0, 0.1]},
    {"schedule": "PolynomialDecay", "initial_learning_rate": 1e-6, "decay_steps": 9},
    {
        "schedule": "CosineDecay",
        "initial_learning_rate": 0,
        "decay_steps": 9,
        "warmup_target": 2.0,
        "warmup_steps": 3,
    },
)
FITS: tuple[dict[str, Any], ...] = (
    {},
    {"early_stopping": None},
    {"validation_split": 0},
    {"validation_split": 0.8, "early_stopping": None, "class_weight": {"a": 2.0}},
    {"early_stopping": {"restore_best_weights": False, "patience": 3}, "class_weight": "balanced"},
)
specs = st.builds(
    lambda network, rate, fit, scaling: spec(
        network=network,
        compile={"optimizer": {"learning_rate": rate}},
        fit=fit,
        data={"dataset": "ds_1", "scaling": scaling},
    ),
    st.sampled_from(NETWORKS),
    st.sampled_from(RATES),
    st.sampled_from(FITS),
    st.sampled_from(["auto", "none"]),
)
paired = st.one_of(
    st.none(),
    st.builds(
        PairedLosses,
        since=st.integers(0, 9),
        mean=st.floats(-1e9, 1e9),
        standard_error=lengths,
        rows=st.integers(1, 99),
    ),
)
fits = st.one_of(
    st.none(), st.builds(LackOfFit, share=st.floats(0, 1), standard_error=st.floats(0, 9))
)


@st.composite
def layers(draw: st.DrawFn) -> tuple[LayerMeasurement, ...]:
    names = st.lists(
        st.sampled_from(["dense", "dense_1", "first", "output", "of another version"]),
        unique=True,
        max_size=3,
    )
    return tuple(
        LayerMeasurement(
            layer=name,
            units=draw(st.one_of(st.none(), st.integers(1, 9))),
            dead=draw(shares),
            saturated=draw(shares),
            kernel_gradient=draw(lengths),
            kernel_norm=draw(lengths),
            update_ratio=draw(lengths),
        )
        for name in draw(names)
    )


@st.composite
def courses(draw: st.DrawFn) -> tuple[ExperimentSpec, Course]:
    """Anything that could be stored of a training, likely or not."""
    experiment = draw(specs)
    trial = trial_of(experiment)
    names = draw(st.sampled_from([("loss",), ("loss", "val_loss"), ("val_loss",), ()]))
    rows = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, numbers)), max_size=25))
    epochs = sorted(draw(st.sets(st.integers(0, max(1, len(rows))), max_size=6)))
    measurements = tuple(
        Measurement(
            epoch=epoch,
            rows=draw(st.integers(1, 2048)),
            layers=draw(layers()),
            loss=draw(numbers),
            prior=draw(numbers),
            largest_input=draw(lengths),
            commonest=draw(shares),
            minority=draw(shares),
            minority_recall=draw(shares),
            since_best=draw(paired),
            since_last=draw(paired),
            lack_of_fit=draw(fits),
        )
        for epoch in epochs
    )
    return experiment, Course(
        trial=trial,
        facts=FACTS,
        monitored=monitored(trial.compile, trial.fit),
        epochs=tuple(rows),
        learning_rates=tuple(draw(numbers) for _ in rows),
        measurements=measurements,
        best_epoch=draw(st.one_of(st.none(), st.integers(1, 9))),
        stop_reason=draw(st.sampled_from([None, *StopReason])),
    )


@settings(deadline=None)  # the first imports what the others use
@given(courses())
def test_whatever_was_stored_it_is_judged_and_each_patch_can_be_trained(
    drawn: tuple[ExperimentSpec, Course],
) -> None:
    experiment, judged = drawn

    judgement = judge(judged, spec=experiment, changes={})

    assert [check.code for check in judgement.checks] == list(RULES)
    found = {finding.code for finding in judgement.findings}
    assert found == {each.code for each in judgement.checks if each.outcome == "found"}
    for finding in judgement.findings:
        json.dumps(finding.model_dump(mode="json"), allow_nan=False)
        assert finding.consequence_of is None or finding.consequence_of in found
        if finding.patch:
            complete(applied(finding, experiment), FACTS)


SEARCHES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    (
        {"search": {"strategy": "learning_rates", "values": [1e-7, 1.0]}, "repeats": 3},
        {"compile.optimizer.learning_rate": 1.0},
    ),
    (
        {
            "network": None,
            "search": {
                "strategy": "networks",
                "networks": {"one": NETWORKS[1], "two": NETWORKS[2]},
            },
        },
        {"network": NETWORKS[2]},
    ),
    (
        {
            "search": {
                "strategy": "grid",
                "over": {"network.layers.0.units": [4, 8], "fit.batch_size": [8, 16]},
            }
        },
        {"network.layers.0.units": 8, "fit.batch_size": 16},
    ),
    (
        {"network": None, "search": {"strategy": "capacity", "seeds": 2}},
        {"network": NETWORKS[1]},
    ),
)


@pytest.mark.parametrize(("parts", "changes"), SEARCHES)
def test_a_patch_makes_the_one_trial_out_of_a_search_and_repairs_it(
    parts: dict[str, Any], changes: Mapping[str, Any]
) -> None:
    experiment = spec(**parts)
    trial = trial_of(experiment, changes)
    dead = measurement(11, layers=[hidden(dead=0.9)], loss=1.1)
    buried = measurement(0, layers=[hidden(dead=0.9, update_ratio=None)])
    judged = Course(
        trial=trial,
        facts=FACTS,
        monitored=monitored(trial.compile, trial.fit),
        epochs=({"loss": 1.1, "val_loss": 1.1},) * 11,
        learning_rates=(0.001,) * 11,
        measurements=(buried, dead),
        best_epoch=1,
        stop_reason=StopReason.COMPLETED,
    )

    finding = judge(judged, spec=experiment, changes=changes).findings[0]

    assert finding.code == "dead_neurons"
    repaired = applied(finding, experiment)
    assert repaired.search is None
    assert repaired.repeats == 1
    assert repaired.network is not None
    assert repaired.network.layers[0].activation == "leaky_relu"  # type: ignore[union-attr]
    assert repaired.fit.batch_size == trial.fit.batch_size
    assert len(repaired.network.layers) == len(trial.network.layers) - 1  # its own, no output


def test_a_patch_trains_the_repeat_that_was_judged() -> None:
    experiment = spec(repeats=3, seed=7)
    judged = course(losses=[1.0, None], stop_reason=StopReason.DIVERGED)
    trial = judged.trial.model_copy(update={"seed": 9})
    other = Course(**{name: getattr(judged, name) for name in Course.__slots__} | {"trial": trial})

    finding = judge(other, spec=experiment, changes={}).findings[0]

    assert applied(finding, experiment).seed == 9


@given(st.sets(st.sampled_from(CODES), min_size=1), st.sampled_from([0, 3]))
@example({"learning_rate_too_high", "vanishing_gradients"}, 0)
def test_causes_come_before_what_they_explain(codes: set[str], first_epoch: int) -> None:
    told = in_order(finding(code, first_epoch) for code in codes)

    assert {each.code for each in told} == codes
    assert len(told) == len(codes)
    at = {each.code: place for place, each in enumerate(told)}
    for each in told:
        if each.consequence_of is not None:
            assert at[each.consequence_of] < at[each.code]
            assert told[at[each.consequence_of]].consequence_of is None


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        (["diverged", "learning_rate_too_high", "inputs_not_scaled"], "inputs_not_scaled"),
        (["diverged", "learning_rate_too_high"], "learning_rate_too_high"),
        (["dead_neurons", "learned_nothing"], "dead_neurons"),
        (["learned_nothing", "vanishing_gradients", "saturated_neurons"], "saturated_neurons"),
        (["class_imbalance", "learned_nothing"], "class_imbalance"),
        (["not_converged", "learning_rate_too_low"], "learning_rate_too_low"),
        (["not_converged", "underfitting"], "underfitting"),
        (["class_imbalance", "not_converged"], "not_converged"),
        (["oscillating", "learning_rate_too_high"], "learning_rate_too_high"),
        (["learning_rate_too_low", "learning_rate_too_high"], "learning_rate_too_high"),
    ],
)
def test_the_first_cause_of_several(codes: list[str], cause: str) -> None:
    told = in_order(finding(code, 3) for code in codes)

    assert told[0].code == cause
    assert {each.consequence_of for each in told[1:]} == {cause}


def test_faults_of_different_kinds_stay_two() -> None:
    told = in_order([finding("overfitting", 3), finding("class_imbalance", 3)])

    assert [each.consequence_of for each in told] == [None, None]


def test_what_was_dead_before_training_is_no_consequence_of_the_rate() -> None:
    told = in_order([finding("dead_neurons", 0), finding("learning_rate_too_high", 4)])

    assert [each.consequence_of for each in told] == [None, None]


@pytest.mark.parametrize(
    ("first_epoch", "cause"), [(0, "vanishing_gradients"), (3, "learning_rate_too_high")]
)
def test_gradients_that_vanish_make_a_rate_look_too_high_if_they_did_so_before_training(
    first_epoch: int, cause: str
) -> None:
    vanishing = finding("vanishing_gradients", first_epoch)

    told = in_order([vanishing, finding("learning_rate_too_high", 4)])

    assert told[0].code == cause
    assert [each.consequence_of for each in told] == [None, cause]


@given(specs, specs)
def test_a_patch_makes_the_one_spec_the_other(
    before: ExperimentSpec, after: ExperimentSpec
) -> None:
    document: Any = jsonpatch.apply_patch(
        before.model_dump(mode="json"), list(patch(before, after))
    )

    assert ExperimentSpec.model_validate(document) == after


@given(specs)
def test_every_repair_gives_a_spec_that_can_be_trained(experiment: ExperimentSpec) -> None:
    for repair in (
        scale_inputs,
        balance_classes,
        lower_learning_rate,
        stop_divergence,
        raise_learning_rate,
        reinitialize,
        reinitialize_ill_drawn,
        use_relu,
        use_activation("leaky_relu", ["dense"]),
        add_batch_normalization,
        add_batch_normalization_if_deep,
        add_dropout(rows=64),
        narrow_wide_layers(rows=64),
        widen_bottlenecks,
        train_longer([]),
        wider,
        narrower,
        add_hidden_layer(flatten=False),
        add_hidden_layer(flatten=True),
        together(keep_best_weights([]), more_training_rows),
    ):
        complete(changed(experiment, repair(experiment)), FACTS)


@pytest.mark.parametrize(
    ("rate", "lowered", "raised"),
    [(1.0, 0.01, 10.0), (0.01, 0.001, 0.1), (1e-7, 1e-8, 0.001), (0.5, 0.005, 5.0)],
)
def test_a_rate_goes_by_tens_until_it_is_near_the_usual(
    rate: float, lowered: float, raised: float
) -> None:
    adam = spec(compile={"optimizer": {"optimizer": "Adam", "learning_rate": rate}})

    assert list(lower_learning_rate(adam).values()) == [lowered]
    assert list(raise_learning_rate(adam).values()) == [raised]


def test_the_second_repair_is_for_specs_that_have_all_of_the_first() -> None:
    repair = otherwise(reinitialize, use_activation("leaky_relu", ["dense"]))
    usual = spec()
    begun = changed(usual, repair(usual))

    assert list(repair(usual)) == list(reinitialize(usual))
    assert repair(begun) == {"network.layers.0.activation": "leaky_relu"}
    assert otherwise(none, none)(usual) == {}


def finding(code: str, first_epoch: int) -> Finding:
    return Finding(
        code=code,
        severity="problem",
        first_epoch=first_epoch,
        evidence="As seen.",
        explanation="So it is.",
        advice="Do that.",
    )


def applied(found: Finding, experiment: ExperimentSpec) -> ExperimentSpec:
    """As GET …/next does."""
    shown = experiment.model_dump(mode="json")
    document: Any = jsonpatch.apply_patch(shown, list(found.patch))
    return ExperimentSpec.model_validate(document)


def test_no_number_of_a_finding_is_infinite() -> None:
    judged = course(losses=[1.0, None], stop_reason=StopReason.DIVERGED)

    for found in judge(judged, spec=spec(), changes={}).findings:
        assert found.value is None or math.isfinite(found.value)
