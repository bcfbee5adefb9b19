"""From dataset folders to the arrays that networks train on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.data_meaning import facts
from models.errors import Invalid
from models.profile import DatasetProfile
from models.specs.fit import FitSpec
from store.formats.builtin import write_bundled
from store.formats.folder import write_arrays
from store.formats.npz import Arrays
from store.formats.read import read
from tests.trainer.trials import table, trial, weights_of, x_of, y_of
from worker.trainer.data import Prepared, prepare
from worker.trainer.split import split

RANDOM = np.random.default_rng(0)
ROWS = 200
MIXED: dict[str, list[Any]] = {
    "age": [None if i % 9 == 0 else 20.0 + i % 40 for i in range(ROWS)],
    "port": [None if i % 11 == 0 else "CQS"[i % 3] for i in range(ROWS)],
    "flag": [i % 4 == 0 for i in range(ROWS)],
    "same": [0.1] * ROWS,
    "survived": [i % 5 // 3 for i in range(ROWS)],
    "wage": [None if i % 50 == 0 else i / 7 for i in range(ROWS)],
}


@pytest.fixture
def mixed(tmp_path: Path) -> DatasetProfile:
    return table(tmp_path, MIXED)


def survived(**data: Any) -> dict[str, Any]:
    return {"target": "survived", "predictors": ["age", "port", "flag", "same"]} | data


def rows_of(prepared: Prepared) -> list[int]:
    return sorted([*prepared.training_rows.tolist(), *prepared.validation_rows.tolist()])


def test_every_row_trains_or_validates_in_the_share_that_keras_takes(
    tmp_path: Path, mixed: DatasetProfile
) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived()))
    assert rows_of(prepared) == list(range(ROWS))
    assert len(x_of(prepared.validation)) == len(y_of(prepared.validation)) == 60
    assert x_of(prepared.training).dtype == np.float32


def test_the_seed_alone_chooses_the_rows(tmp_path: Path, mixed: DatasetProfile) -> None:
    first = prepare(tmp_path, mixed, trial(data=survived()))
    wider = trial(data=survived(), layers=[{"layer": "Dense", "units": 50}], fit={"epochs": 3})
    same = prepare(tmp_path, mixed, wider)
    other = prepare(tmp_path, mixed, trial(data=survived(), seed=8))
    assert np.array_equal(first.validation_rows, same.validation_rows)
    assert np.array_equal(x_of(first.training), x_of(same.training))
    assert not np.array_equal(first.validation_rows, other.validation_rows)


def test_the_last_rows_validate_when_keras_own_rule_is_asked_for(
    tmp_path: Path, mixed: DatasetProfile
) -> None:
    fit = {"split": "last", "validation_split": 0.15}
    prepared = prepare(tmp_path, mixed, trial(data=survived(), fit=fit))
    assert prepared.validation_rows.tolist() == list(range(170, 200))
    assert prepared.training_rows.tolist() == list(range(170))


def test_without_validation_all_rows_train(tmp_path: Path, mixed: DatasetProfile) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived(), fit={"validation_split": 0}))
    assert x_of(prepared.training).shape == (ROWS, 7)
    assert x_of(prepared.validation).shape == (0, 7)


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(lambda n: sum(n) > 1),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31 - 1),
)
@settings(deadline=None, max_examples=300)
def test_every_class_validates_with_its_share(counts: list[int], share: float, seed: int) -> None:
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    fit = FitSpec(validation_split=share)
    chosen = split(len(classes), fit, seed, classes)
    expected = fit.split_rows(len(classes))
    assert (len(chosen.training), len(chosen.validation)) == expected
    assert sorted([*chosen.training, *chosen.validation]) == list(range(len(classes)))
    several = [count for count in counts if count > 1]
    if expected.validation <= sum(several):
        of_class = np.bincount(classes[chosen.validation], minlength=len(counts))
        exact = expected.validation / max(1, sum(several))
        for count, validating in zip(counts, of_class, strict=True):
            assert abs(validating - (count * exact if count > 1 else 0)) <= 1 + 1e-9


def test_a_class_of_one_row_trains(tmp_path: Path) -> None:
    profile = table(tmp_path, {"x": list(range(50)), "y": ["rare"] + ["a", "b"] * 24 + ["a"]})
    for seed in range(20):
        prepared = prepare(tmp_path, profile, trial(data={"target": "y"}, seed=seed))
        assert 0 in prepared.training_rows


def test_means_and_scales_are_those_of_the_training_rows(
    tmp_path: Path, mixed: DatasetProfile
) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived(predictors=["age", "flag"])))
    assert np.allclose(x_of(prepared.training).mean(axis=0), 0, atol=1e-6)
    assert np.allclose(x_of(prepared.training).std(axis=0), 1, atol=1e-6)
    ages = np.array([np.nan if age is None else age for age in MIXED["age"]])
    train = ages[prepared.training_rows]
    mean = np.float32(np.nanmean(train))
    filled = np.where(np.isnan(ages), mean, ages)
    spread = filled[prepared.training_rows].std()
    centre = filled[prepared.training_rows].mean()
    expected = (filled[prepared.validation_rows] - centre) / spread
    assert np.allclose(x_of(prepared.validation)[:, 0], expected, atol=1e-6)


def test_a_constant_column_is_zero_and_not_noise(tmp_path: Path, mixed: DatasetProfile) -> None:
    for scaling in ("standard", "minmax"):
        data = survived(predictors=["same", "age"], scaling=scaling)
        prepared = prepare(tmp_path, mixed, trial(data=data))
        assert np.abs(x_of(prepared.training)[:, 0]).max() < 1e-6


def test_minmax_scales_the_training_rows_to_zero_and_one(
    tmp_path: Path, mixed: DatasetProfile
) -> None:
    data = survived(predictors=["age", "flag"], scaling="minmax")
    prepared = prepare(tmp_path, mixed, trial(data=data))
    assert x_of(prepared.training).min(axis=0).tolist() == [0, 0]
    assert x_of(prepared.training).max(axis=0).tolist() == [1, 1]


def test_none_leaves_numbers_as_they_are(tmp_path: Path, mixed: DatasetProfile) -> None:
    data = survived(predictors=["flag", "same"], scaling="none")
    prepared = prepare(tmp_path, mixed, trial(data=data))
    assert set(x_of(prepared.training)[:, 0]) == {0, 1}
    assert set(x_of(prepared.training)[:, 1]) == {np.float32(0.1)}


def test_text_is_one_column_a_category_and_one_for_missing(
    tmp_path: Path, mixed: DatasetProfile
) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived(predictors=["port"])))
    assert x_of(prepared.training).shape[1] == 4
    order = ["C", "Q", "S", None]
    for row, inputs in zip(prepared.training_rows, x_of(prepared.training), strict=True):
        assert inputs.tolist() == [float(MIXED["port"][row] == category) for category in order]


@pytest.mark.parametrize("missing", ["impute", "drop"])
@pytest.mark.parametrize("predictors", [None, ["age", "port"], ["port"], ["same", "flag"]])
def test_the_width_is_known_before_any_row_is_read(
    tmp_path: Path, mixed: DatasetProfile, missing: str, predictors: list[str] | None
) -> None:
    spec = trial(data=survived(predictors=predictors, missing=missing))
    prepared = prepare(tmp_path, mixed, spec)
    known = facts(mixed, spec.data)
    assert x_of(prepared.training).shape[1:] == known.input_shape
    assert len(rows_of(prepared)) <= known.rows


def test_a_category_that_only_dropped_rows_have_keeps_its_column(tmp_path: Path) -> None:
    profile = table(
        tmp_path,
        {"w": ["a", "b"] * 10 + ["only"], "n": [1.0] * 20 + [None], "y": [0, 1] * 10 + [1]},
    )
    spec = trial(data={"target": "y", "missing": "drop"})
    x = x_of(prepare(tmp_path, profile, spec).training)
    assert x.shape[1:] == facts(profile, spec.data).input_shape


def test_rows_with_gaps_are_dropped_where_asked(tmp_path: Path, mixed: DatasetProfile) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived(missing="drop")))
    whole = [i for i in range(ROWS) if MIXED["age"][i] is not None and MIXED["port"][i] is not None]
    assert rows_of(prepared) == whole


def test_rows_without_a_target_are_left_out(tmp_path: Path, mixed: DatasetProfile) -> None:
    spec = trial(data={"target": "wage", "predictors": ["age"]}, loss="MeanSquaredError")
    prepared = prepare(tmp_path, mixed, spec)
    assert rows_of(prepared) == [i for i in range(ROWS) if i % 50]
    assert np.allclose(y_of(prepared.training)[:, 0], prepared.training_rows / 7)
    assert y_of(prepared.training).dtype == np.float32


@pytest.mark.parametrize(
    ("loss", "shape", "of_row"),
    [
        ("SparseCategoricalCrossentropy", (), lambda label: label),
        ("CategoricalCrossentropy", (2,), lambda label: [1 - label, label]),
        ("BinaryCrossentropy", (1,), lambda label: [label]),
    ],
)
def test_labels_are_written_as_the_loss_wants_them(
    tmp_path: Path, mixed: DatasetProfile, loss: str, shape: tuple[int, ...], of_row: Any
) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived(), loss=loss))
    assert y_of(prepared.training).shape[1:] == shape
    assert prepared.classes == ("0", "1")
    expected = [of_row(MIXED["survived"][row]) for row in prepared.training_rows]
    assert y_of(prepared.training).tolist() == expected


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["b", "a", "é", "a"], ("a", "b", "é")),
        ([10, 9, 9, 10], ("9", "10")),
        ([1.0, 2.0, 1.0, 2.0], ("1", "2")),
        ([True, False, True, True], ("false", "true")),
        ([-1, 1, 1, -1], ("-1", "1")),
    ],
)
def test_labels_of_every_type_find_their_class(
    tmp_path: Path, labels: list[Any], classes: tuple[str, ...]
) -> None:
    profile = table(tmp_path, {"x": list(range(len(labels) * 10)), "y": labels * 10})
    prepared = prepare(tmp_path, profile, trial(data={"target": "y"}))
    assert prepared.classes == classes
    named = [classes[code] for code in y_of(prepared.training)]

    def name(label: Any) -> str:
        return str(label).lower() if isinstance(label, bool) else f"{label:g}"

    raw = [labels[row % len(labels)] for row in prepared.training_rows]
    assert named == [label if isinstance(label, str) else name(label) for label in raw]


def test_balanced_weights_count_every_class_alike(tmp_path: Path, mixed: DatasetProfile) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived(), fit={"class_weight": "balanced"}))
    weights = weights_of(prepared.training)
    sums = [weights[y_of(prepared.training) == label].sum() for label in (0, 1)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
    assert weights.sum() == pytest.approx(len(y_of(prepared.training)), rel=1e-5)


def test_given_weights_are_by_label(tmp_path: Path, mixed: DatasetProfile) -> None:
    prepared = prepare(tmp_path, mixed, trial(data=survived(), fit={"class_weight": {"1": 3}}))
    weights = weights_of(prepared.training)
    assert set(weights[y_of(prepared.training) == 1]) == {3.0}
    assert set(weights[y_of(prepared.training) == 0]) == {1.0}


def test_too_few_rows_to_split_are_said(tmp_path: Path) -> None:
    profile = table(
        tmp_path, {"a": [1.0, None, 3.0, 4.0], "b": [None, 2, None, None], "y": [0, 1] * 2}
    )
    with pytest.raises(Invalid, match="0 are left to train on"):
        prepare(tmp_path, profile, trial(data={"target": "y", "missing": "drop"}))


IMAGES = RANDOM.integers(0, 256, (60, 6, 5), dtype=np.uint8)
DIGITS = np.arange(60) % 3


def test_bytes_are_divided_by_255(tmp_path: Path) -> None:
    profile = write_arrays(Arrays(IMAGES, DIGITS), tmp_path)
    prepared = prepare(tmp_path, profile, trial())
    assert np.array_equal(
        x_of(prepared.training).reshape(-1, 6, 5),
        IMAGES[prepared.training_rows].astype(np.float32) / np.float32(255),
    )


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ({"layer": "Dense", "units": 2}, (30,)),
        ({"layer": "Conv2D", "filters": 2, "kernel_size": 3}, (6, 5, 1)),
        ({"layer": "Flatten"}, (6, 5)),
    ],
)
def test_rows_take_the_shape_that_the_network_wants(
    tmp_path: Path, layer: dict[str, Any], shape: tuple[int, ...]
) -> None:
    profile = write_arrays(Arrays(IMAGES, DIGITS), tmp_path)
    prepared = prepare(tmp_path, profile, trial(layers=[layer, {"layer": "Flatten"}]))
    assert prepared.network_shape == shape
    assert x_of(prepared.training).shape[1:] == shape
    assert x_of(prepared.validation).shape[1:] == shape


@pytest.mark.parametrize("scaling", ["auto", "standard"])
def test_lists_of_numbers_are_scaled_column_by_column(tmp_path: Path, scaling: str) -> None:
    x = RANDOM.normal([0, 1e4, -3], [1, 1e3, 1e-3], (90, 3))
    profile = write_arrays(Arrays(x, np.arange(90) % 3), tmp_path)
    prepared = prepare(tmp_path, profile, trial(data={"scaling": scaling}))
    assert np.allclose(x_of(prepared.training).mean(axis=0), 0, atol=1e-4)
    assert np.allclose(x_of(prepared.training).std(axis=0), 1, atol=1e-4)


def test_other_arrays_are_divided_by_their_largest_value(tmp_path: Path) -> None:
    profile = write_bundled("digits", tmp_path)
    prepared = prepare(tmp_path, profile, trial())
    assert (x_of(prepared.training).min(), x_of(prepared.training).max()) == (0, 1)


def test_several_numbers_a_row_stay_several(tmp_path: Path) -> None:
    y = RANDOM.normal(size=(60, 4))
    profile = write_arrays(Arrays(IMAGES, y), tmp_path)
    prepared = prepare(tmp_path, profile, trial(loss="MeanSquaredError"))
    assert np.allclose(y_of(prepared.training), y[prepared.training_rows])


# A value divided by the spread of the training rows has to fit into 32 bits.
VALUES = st.floats(-(2.0**50), 2.0**50, width=32).map(lambda x: x if abs(x) > 1e-12 else 0.0)


@given(st.lists(VALUES, min_size=4, max_size=40))
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_prepared_numbers_are_finite_whatever_the_column(
    tmp_path: Path, values: list[float]
) -> None:
    profile = table(tmp_path, {"x": values, "y": ([0, 1] * len(values))[: len(values)]})
    for scaling in ("standard", "minmax", "none"):
        prepared = prepare(tmp_path, profile, trial(data={"target": "y", "scaling": scaling}))
        assert np.isfinite(x_of(prepared.training)).all()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "data", "loss"),
    [
        ("titanic_all_numeric.csv", {"target": "survived"}, "SparseCategoricalCrossentropy"),
        ("hourly_wages.csv", {"target": "wage_per_hour"}, "MeanSquaredError"),
        (
            "titanic_train.csv",
            {"target": "Survived", "predictors": ["Pclass", "Sex", "Age", "Fare", "Embarked"]},
            "BinaryCrossentropy",
        ),
        ("california_housing.csv", {"target": "median_house_value"}, "MeanSquaredError"),
        ("winequality_red_semicolon.csv", {"target": "quality"}, "CategoricalCrossentropy"),
        ("hr_attrition_bom.csv", {"target": "Attrition"}, "SparseCategoricalCrossentropy"),
        ("iris.csv", {"target": "column_5"}, "SparseCategoricalCrossentropy"),
        ("mnist.csv", {"target": "5"}, "SparseCategoricalCrossentropy"),
        ("mnist.npz", {}, "SparseCategoricalCrossentropy"),
    ],
)
def test_real_files_are_prepared_as_their_facts_say(
    shared_data: Path, tmp_path: Path, name: str, data: dict[str, Any], loss: str
) -> None:
    profile = read(shared_data / name, name, tmp_path)
    spec = trial(data=data, loss=loss)
    known = facts(profile, spec.data)
    prepared = prepare(tmp_path, profile, spec)
    assert prepared.inputs.shape == known.input_shape
    assert len(rows_of(prepared)) == known.rows
    assert prepared.classes == known.classes
    assert np.isfinite(x_of(prepared.training)).all()
    assert np.isfinite(x_of(prepared.validation)).all()
