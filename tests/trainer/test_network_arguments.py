"""A spec's names, arguments and defaults are Keras's own, so that Keras's documentation is ours."""

import inspect
from collections.abc import Mapping
from typing import Any, get_args

import keras
import pytest
from pydantic import TypeAdapter
from pydantic_core import PydanticUndefined

from models.specs.activations import ActivationName
from models.specs.base import Spec
from models.specs.class_metrics import Accuracy, FScore
from models.specs.constraints import AnyConstraint
from models.specs.fit import EarlyStopping, FitSpec, ReduceLROnPlateau
from models.specs.initializers import AnyInitializer, Constant, Initializer
from models.specs.losses import AnyLoss, Auto, Loss
from models.specs.metrics import AnyMetric, Metric
from models.specs.names import Tagged
from models.specs.network import AnyLayer
from models.specs.optimizers import AnyOptimizer, Optimizer
from models.specs.regularizers import AnyRegularizer, Regularizer
from models.specs.schedules import AnySchedule

PLACES = {
    "layer": (keras.layers, AnyLayer),
    "initializer": (keras.initializers, AnyInitializer),
    "regularizer": (keras.regularizers, AnyRegularizer),
    "constraint": (keras.constraints, AnyConstraint),
    "optimizer": (keras.optimizers, AnyOptimizer),
    "schedule": (keras.optimizers.schedules, AnySchedule),
    "loss": (keras.losses, AnyLoss),
    "metric": (keras.metrics, AnyMetric),
}
MEMBERS: list[tuple[Any, type[Tagged]]] = [
    (namespace, member)
    for namespace, union in PLACES.values()
    for member in get_args(union)
    if member not in {Auto, Accuracy}
]

# A row of metrics holds one number a metric, so classes must be averaged somehow.
DIFFERENT = {(FScore, "average")}


def same(ours: object, theirs: object) -> bool:
    """Whether two defaults mean the same; a window of 1 is one of (1, 1)."""
    if isinstance(ours, Tagged):
        return isinstance(theirs, str) and isinstance(
            keras.initializers.get(theirs), getattr(keras.initializers, ours.keras_name)
        )
    if isinstance(ours, tuple) and isinstance(theirs, int):
        return set(ours) == {theirs}
    return ours == theirs or (theirs == (1, 1) and ours == ((1, 1), (1, 1)))


@pytest.mark.parametrize(("namespace", "member"), MEMBERS, ids=lambda part: part.__name__)
def test_arguments_and_defaults_are_those_of_keras(namespace: Any, member: type[Tagged]) -> None:
    name = member.model_fields[member.tag].default
    signature = inspect.signature(getattr(namespace, name)).parameters
    takes_more = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.values())
    for field, info in member.model_fields.items():
        if field in {member.tag, "name"}:
            continue
        if field == "activity_regularizer" and takes_more:
            continue
        theirs = signature[field].default
        if info.default is PydanticUndefined:
            assert theirs is inspect.Parameter.empty, field
        elif not any(issubclass(member, base) and field == f for base, f in DIFFERENT):
            assert same(info.default, theirs), (field, info.default, theirs)


@pytest.mark.parametrize(
    ("spec", "cls"),
    [
        (EarlyStopping, keras.callbacks.EarlyStopping),
        (ReduceLROnPlateau, keras.callbacks.ReduceLROnPlateau),
    ],
)
def test_callbacks_have_the_arguments_of_keras(spec: type[Spec], cls: type) -> None:
    assert set(spec.model_fields) <= set(inspect.signature(cls).parameters)


def test_fit_has_the_arguments_of_keras() -> None:
    beside = {"split", "early_stopping", "reduce_lr_on_plateau"}
    assert set(FitSpec.model_fields) - beside <= set(inspect.signature(keras.Model.fit).parameters)


def test_every_activation_is_one_of_keras_and_keeps_the_shape() -> None:
    values = keras.ops.ones((2, 4))
    for name in get_args(ActivationName):
        assert keras.activations.get(name)(values).shape == (2, 4)


def names(annotated: Any) -> Mapping[str, Any]:
    """The bare names of a union, each with the object it is read as."""
    adapter = TypeAdapter(annotated)
    (by_name,) = (part for part in annotated.__metadata__ if hasattr(part, "names"))
    needs = {"precision", "recall", "specificity", "sensitivity"}
    return {
        name: adapter.validate_python(name)
        for name in by_name.names
        if not any(f"at{each}" in name.replace("_", "").lower() for each in needs)
    }


@pytest.mark.parametrize(
    ("annotated", "get"),
    [
        (Initializer, keras.initializers.get),
        (Regularizer, keras.regularizers.get),
        (Optimizer, keras.optimizers.get),
    ],
)
def test_a_bare_name_is_what_keras_takes_it_for(annotated: Any, get: Any) -> None:
    for name, part in names(annotated).items():
        if isinstance(part, Constant):  # which Keras does not take without its value
            continue
        assert type(get(name)).__name__ == part.keras_name


def test_a_loss_by_name_is_what_keras_takes_it_for() -> None:
    targets = keras.ops.convert_to_tensor([[0.0, 1.0], [1.0, 0.0]])
    outputs = keras.ops.convert_to_tensor([[0.3, 0.7], [0.6, 0.4]])
    for name, part in names(Loss).items():
        if isinstance(part, Auto) or part.encoding == "sparse":
            continue
        by_name = keras.losses.get(name)
        ours = getattr(keras.losses, part.keras_name)()
        expected = keras.ops.mean(by_name(targets, outputs))
        assert float(ours(targets, outputs)) == pytest.approx(float(expected))


def test_a_metric_by_name_is_what_keras_takes_it_for() -> None:
    for name, part in names(Metric).items():
        if isinstance(part, Accuracy):
            continue
        assert type(keras.metrics.get(name)).__name__ == part.keras_name
        assert part.log_name == name
