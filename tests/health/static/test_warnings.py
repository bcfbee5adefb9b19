"""Each warning is given for what it is about, at its place, and not for its sound twin."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from models.errors import Invalid
from models.profile import DatasetProfile
from tests.health.static.looking import (
    DROPOUT,
    HIDDEN,
    classes,
    codes,
    dense,
    numbers,
    on,
    repaired,
    seen,
)

NORMAL = {"layer": "BatchNormalization"}
LARGE = {"initializer": "RandomNormal", "stddev": 10.0}


@dataclass(frozen=True, kw_only=True)
class Odd:
    """A spec, where it is warned of, and a twin that is close to it and sound.

    Attributes:
        repair: whether the warning's patch mends it.
        profile: of its dataset, where that is none of the built-in ones.
    """

    code: str
    at: str
    spec: dict[str, Any]
    twin: dict[str, Any]
    repair: bool = True
    profile: DatasetProfile | None = None
    twins_profile: DatasetProfile | None = None


def compiled(optimizer: str, rate: object, **more: Any) -> dict[str, Any]:
    chosen = {"optimizer": optimizer, "learning_rate": rate, **more}
    return on("digits", compile={"optimizer": chosen})


def fitted(**fit: Any) -> dict[str, Any]:
    return on("digits", fit=fit)


def falling(rate: float) -> dict[str, Any]:
    return {
        "schedule": "ExponentialDecay",
        "initial_learning_rate": rate,
        "decay_steps": 100,
        "decay_rate": 0.9,
    }


TABLE = on("-", fit={"batch_size": 4})
RATE = "/compile/optimizer/learning_rate"
LAYER = "/network/layers"
ODD = {
    # inputs
    "raw columns": Odd(
        code="inputs_not_scaled",
        at="/data/scaling",
        spec=on("wine", data={"scaling": "none"}),
        twin=on("wine"),
    ),
    "raw bytes": Odd(
        code="inputs_not_scaled",
        at="/data/scaling",
        spec=on("digits", data={"scaling": "none"}),
        twin=on("digits", {"layer": "Rescaling", "scale": 1 / 16}, HIDDEN)
        | {"data": {"dataset": "builtin:digits", "scaling": "none"}},
    ),
    "raw columns before a normalization": Odd(
        code="inputs_not_scaled",
        at="/data/scaling",
        spec=on("wine", HIDDEN, NORMAL, data={"scaling": "none"}),
        twin=on("wine", NORMAL, HIDDEN, data={"scaling": "none"}),
    ),
    # rows
    "three rows to validate on": Odd(
        code="tiny_validation",
        at="/fit/validation_split",
        spec=on("iris", fit={"validation_split": 0.02}),
        twin=on("iris", fit={"validation_split": 0.3}),
    ),
    "a class of two": Odd(
        code="class_missing",
        at="/fit/validation_split",
        spec=TABLE,
        twin=TABLE,
        repair=False,
        profile=classes(60, 60, 2),
        twins_profile=classes(60, 60, 20),
    ),
    "fewer last rows than classes": Odd(
        code="class_missing",
        at="/fit/validation_split",
        spec=TABLE | {"fit": {"batch_size": 4, "split": "last", "validation_split": 0.01}},
        twin=TABLE | {"fit": {"batch_size": 4, "split": "last"}},
        repair=False,
        profile=classes(50, 50, 50),
        twins_profile=classes(50, 50, 50),
    ),
    # output
    "dropout after the output": Odd(
        code="noise_after_output",
        at=f"{LAYER}/2",
        spec=on("digits", HIDDEN, dense(10, "softmax"), DROPOUT, output="given"),
        twin=on("digits", HIDDEN, DROPOUT, dense(10, "softmax"), output="given"),
    ),
    "tanh for targets below -1": Odd(
        code="output_out_of_reach",
        at=f"{LAYER}/0/activation",
        spec=on("-", dense(1, "tanh"), output="given"),
        twin=on("-", dense(1, "tanh"), output="given"),
        profile=numbers(span=(-3, 1)),
        twins_profile=numbers(span=(-1, 1)),
    ),
    # activations
    "two linear layers": Odd(
        code="no_nonlinearity",
        at=f"{LAYER}/0/activation",
        spec=on("digits", dense(64), dense(64)),
        twin=on("digits", dense(64), {"layer": "LeakyReLU"}, dense(64, "relu")),
    ),
    "dropout alone between linear layers": Odd(
        code="no_nonlinearity",
        at=f"{LAYER}/0/activation",
        spec=on("digits", dense(64), DROPOUT),
        twin=on("digits", dense(64), NORMAL, {"layer": "Activation", "activation": "relu"}),
    ),
    "wide between narrow ones": Odd(
        code="no_nonlinearity",
        at=f"{LAYER}/0/activation",
        spec=on("wine", dense(64)),
        twin=on("wine", dense(2)),  # of rank two: no plain linear map
    ),
    "the output layer twice": Odd(
        code="softmax_inside",
        at=f"{LAYER}/1/activation",
        spec=on("digits", HIDDEN, dense(10, "softmax")),
        twin=on("digits", HIDDEN, dense(10, "softmax"), output="given"),
    ),
    "softmax in a hidden layer": Odd(
        code="softmax_inside",
        at=f"{LAYER}/0/activation",
        spec=on("digits", dense(64, "softmax")),
        twin=on("digits", dense(64, "sigmoid")),
    ),
    "softmax of softmax": Odd(
        code="softmax_inside",
        at=f"{LAYER}/0/activation",
        spec=on(
            "digits",
            dense(10, "softmax"),
            {"layer": "Activation", "activation": "softmax"},
            output="given",
        ),
        twin=on(
            "digits", dense(10), {"layer": "Activation", "activation": "softmax"}, output="given"
        ),
    ),
    "ten sigmoid layers": Odd(
        code="saturating_stack",
        at=LAYER,
        spec=on("digits", *[dense(16, "sigmoid")] * 10),
        twin=on("digits", *[dense(16, "sigmoid")] * 9),
    ),
    "ten tanh layers, none normalized": Odd(
        code="saturating_stack",
        at=LAYER,
        spec=on("digits", *[dense(16, "tanh"), DROPOUT] * 10),
        twin=on("digits", *[dense(16, "tanh"), NORMAL] * 10),
    ),
    # initial weights
    "zeros": Odd(
        code="constant_weights",
        at=f"{LAYER}/0/kernel_initializer",
        spec=on("digits", HIDDEN | {"kernel_initializer": "zeros"}),
        twin=on("digits", dense(10, "softmax", kernel_initializer="zeros"), output="given"),
    ),
    "one number": Odd(
        code="constant_weights",
        at=f"{LAYER}/0/kernel_initializer",
        spec=on("digits", HIDDEN | {"kernel_initializer": {"initializer": "Constant", "value": 1}}),
        twin=on("digits", HIDDEN | {"bias_initializer": {"initializer": "Constant", "value": 1}}),
    ),
    "deviation 10": Odd(
        code="huge_weights",
        at=f"{LAYER}/0/kernel_initializer",
        spec=on("digits", HIDDEN | {"kernel_initializer": LARGE}),
        twin=on("digits", HIDDEN | {"kernel_initializer": "random_normal"}),
    ),
    "deviation 10 without a normalization": Odd(
        code="huge_weights",
        at=f"{LAYER}/0/kernel_initializer",
        spec=on("digits", HIDDEN | {"kernel_initializer": LARGE}, HIDDEN, NORMAL),
        twin=on("digits", HIDDEN | {"kernel_initializer": LARGE}, NORMAL, HIDDEN),
    ),
    "bias -4": Odd(
        code="dead_at_start",
        at=f"{LAYER}/0/bias_initializer",
        spec=on("digits", HIDDEN | {"bias_initializer": {"initializer": "Constant", "value": -4}}),
        twin=on("digits", HIDDEN | {"bias_initializer": {"initializer": "Constant", "value": -3}}),
    ),
    # training
    "SGD at 1e-7": Odd(
        code="unusual_learning_rate", at=RATE, spec=compiled("SGD", 1e-7), twin=compiled("SGD", 0.1)
    ),
    "SGD at 1": Odd(
        code="unusual_learning_rate", at=RATE, spec=compiled("SGD", 1), twin=compiled("Adagrad", 1)
    ),
    "SGD at 1e-4 without momentum": Odd(
        code="unusual_learning_rate",
        at=RATE,
        spec=compiled("SGD", 1e-4),
        twin=compiled("SGD", 1e-4, momentum=0.9),
    ),
    "Adam at 0.1": Odd(
        code="unusual_learning_rate",
        at=RATE,
        spec=compiled("Adam", 0.1),
        twin=compiled("Adam", 0.01),
    ),
    "a schedule from 10": Odd(
        code="unusual_learning_rate",
        at=f"{RATE}/initial_learning_rate",
        spec=compiled("SGD", falling(10.0)),
        twin=compiled("SGD", falling(0.1)),
        repair=False,
    ),
    "stopping by the training loss": Odd(
        code="monitor_of_training",
        at="/fit/early_stopping/monitor",
        spec=fitted(early_stopping={"monitor": "loss"}),
        twin=fitted(early_stopping={"monitor": "val_loss"}),
    ),
    "stopping by the training loss for want of another": Odd(
        code="monitor_of_training",
        at="/fit/early_stopping/monitor",
        spec=fitted(validation_split=0, early_stopping={"monitor": "loss"}),
        twin=fitted(validation_split=0),
        repair=False,
    ),
}

each = pytest.mark.parametrize("odd", ODD.values(), ids=ODD)


@each
def test_what_is_odd_is_warned_of_where_the_client_wrote_it(odd: Odd) -> None:
    found = seen(odd.spec, odd.profile)
    assert (odd.code, odd.at) in [(each.code, each.pointer) for each in found]
    for finding in found:
        assert finding.severity in {"warning", "problem"}
        assert finding.evidence.endswith(".")
        assert finding.explanation.endswith(".")
        assert finding.advice.endswith(".")


@each
def test_its_sound_twin_has_no_such_warning(odd: Odd) -> None:
    assert odd.code not in codes(seen(odd.twin, odd.twins_profile))


@each
def test_a_repair_mends_what_it_is_for_and_makes_nothing_worse(odd: Odd) -> None:
    before = seen(odd.spec, odd.profile)
    finding = next(each for each in before if each.code == odd.code)
    assert bool(finding.patch) == odd.repair
    if odd.repair:
        after = codes(seen(repaired(odd.spec, finding), odd.profile))
        assert odd.code not in after
        assert set(after) < set(codes(before))


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adagrad", "adadelta", "lion"])
@pytest.mark.parametrize("dataset", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_a_plain_training_is_not_warned_of(dataset: str, optimizer: str) -> None:
    assert seen(on(dataset, HIDDEN, HIDDEN, compile={"optimizer": optimizer})) == ()


def test_settings_that_are_compared_need_rows_to_be_compared_by() -> None:
    search = {"strategy": "learning_rates", "values": [0.01, 0.1]}
    alone = on("digits", fit={"validation_split": 0})
    assert codes(seen(alone)) == []
    assert codes(seen(alone | {"search": search})) == ["no_validation"]


_LAYERS = st.sampled_from(
    [
        *(dense(units, activation) for units in (1, 3) for activation in ("softmax", "tanh", None)),
        dense(4, "relu", kernel_initializer="ones", bias_initializer="zeros"),
        dense(4, "relu", kernel_initializer=LARGE, use_bias=False),
        {"layer": "Conv2D", "filters": 3, "kernel_size": 3, "kernel_initializer": "zeros"},
        {"layer": "SeparableConv2D", "filters": 3, "kernel_size": 2, "activation": "sigmoid"},
        {"layer": "Activation", "activation": "log_softmax"},
        *({"layer": name} for name in ("Flatten", "MaxPooling2D", "ELU", "LayerNormalization")),
        DROPOUT,
    ]
)
_NETWORKS = st.fixed_dictionaries(
    {
        "layers": st.lists(_LAYERS, max_size=14),
        "output": st.sampled_from(["auto", "given"]),
    }
)


@settings(deadline=None)
@given(
    network=_NETWORKS,
    dataset=st.sampled_from(["digits", "wine", "diabetes"]),
    loss=st.sampled_from(
        [
            "auto",
            "categorical_hinge",
            {"loss": "SparseCategoricalCrossentropy", "from_logits": True},
        ]
    ),
)
def test_every_patch_of_any_network_leaves_a_spec_that_can_be_trained(
    network: dict[str, Any], dataset: str, loss: object
) -> None:
    data = {"dataset": f"builtin:{dataset}", "scaling": "none"}
    spec = {"data": data, "network": network, "compile": {"loss": loss}}
    try:
        found = seen(spec)
    except Invalid:
        reject()
    for finding in found:
        seen(repaired(spec, finding))
