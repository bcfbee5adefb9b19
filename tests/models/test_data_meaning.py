"""What a data spec means for a dataset, and how a mistake in it is said."""

from typing import Any

import pytest

from models.builtins import CATALOGUE
from models.data_meaning import MAX_CATEGORIES, facts, read_table
from models.errors import Invalid, Issue
from models.facts import DataFacts
from models.profile import ArrayProfile, Column, DatasetProfile, TableProfile, ValueCount
from models.specs.data import DataSpec

ROWS = 400


def number(name: str, **known: Any) -> Column:
    return Column(name=name, **{"type": "number", "missing": 0, "distinct": 300} | known)


def labels(name: str, *values: str, **known: Any) -> Column:
    """A column with the same number of rows for each value."""
    top = tuple(ValueCount(value=value, rows=ROWS // len(values)) for value in values)
    described = {"type": "text", "missing": 0, "distinct": len(values), "top": top}
    return Column(name=name, **described | known)


def digits(name: str, count: int, **known: Any) -> Column:
    values = [str(value) for value in range(count)]
    return labels(name, *values, **{"type": "number", "integral": True} | known)


TABLE = TableProfile(
    rows=ROWS,
    columns=(
        number("age", missing=7),
        number("fare", missing=3),
        labels("port", "C", "Q", "S", missing=2),
        digits("survived", 2),
        digits("grade", 12),
        number("wage", minimum=-5.0),
        number("ticket", type="text", distinct=MAX_CATEGORIES + 1),
        labels("same", "x"),
        number("id", integral=True, distinct=ROWS),
        labels("happy", "false", "true", type="boolean", integral=True),
    ),
)
INPUTS = ("age", "fare", "port")


def spec(**fields: Any) -> DataSpec:
    return DataSpec.model_validate({"dataset": "ds_1", "predictors": INPUTS} | fields)


def refusal(profile: DatasetProfile, data: DataSpec) -> tuple[Issue, ...]:
    with pytest.raises(Invalid) as refused:
        facts(profile, data)
    return refused.value.issues


def refused(**fields: Any) -> Issue:
    (issue,) = refusal(TABLE, spec(**fields))
    return issue


def test_a_text_predictor_is_one_input_a_category_and_one_for_missing() -> None:
    assert facts(TABLE, spec(target="survived")).input_shape == (1 + 1 + 3 + 1,)


def test_rows_with_gaps_are_not_counted_where_they_are_dropped() -> None:
    found = facts(TABLE, spec(target="survived", missing="drop"))
    assert found.input_shape == (1 + 1 + 3,)
    assert found.rows == ROWS - 7


def test_rows_without_a_target_are_not_counted() -> None:
    assert facts(TABLE, spec(target="port", predictors=["wage"])).rows == ROWS - 2


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        ("survived", "classification", ("0", "1")),
        ("port", "classification", ("C", "Q", "S")),
        ("happy", "classification", ("false", "true")),
        ("grade", "classification", tuple(str(value) for value in range(12))),
        ("wage", "regression", None),
        ("id", "regression", None),
    ],
)
def test_the_task_follows_from_the_target(
    target: str, task: str, classes: tuple[str, ...] | None
) -> None:
    found = facts(TABLE, spec(target=target, predictors=["age", "fare"]))
    assert (found.task, found.classes) == (task, classes)


def test_few_rows_a_value_make_a_number_a_quantity() -> None:
    profile = TableProfile(rows=30, columns=(number("x"), digits("level", 3)))
    data = DataSpec(dataset="ds_1", target="level")
    assert facts(profile, data).task == "regression"
    stated = facts(profile, data.model_copy(update={"task": "classification"}))
    assert stated.classes == ("0", "1", "2")


def test_two_values_are_classes_however_few_the_rows() -> None:
    profile = TableProfile(rows=4, columns=(number("x"), digits("y", 2)))
    assert facts(profile, DataSpec(dataset="ds_1", target="y")).task == "classification"


def test_a_stated_task_is_taken() -> None:
    assert facts(TABLE, spec(target="grade", task="regression")).classes is None


def test_a_negative_target_is_known() -> None:
    assert facts(TABLE, spec(target="wage")).negative_target
    assert not facts(TABLE, spec(target="id")).negative_target


def test_a_misspelt_target_is_met_with_close_names() -> None:
    issue = refused(target="surived")
    assert (issue.pointer, issue.code) == ("/data/target", "unknown_column")
    assert "'survived'" in issue.message
    assert "age" in issue.allowed


def test_a_missing_target_is_asked_for() -> None:
    assert refused().code == "target_missing"


def test_every_wrong_predictor_is_pointed_at() -> None:
    issues = refusal(
        TABLE, spec(target="survived", predictors=["age", "far", "survived", "age", "ticket"])
    )
    assert [(issue.pointer, issue.code) for issue in issues] == [
        ("/data/predictors/1", "unknown_column"),
        ("/data/predictors/2", "target_as_predictor"),
        ("/data/predictors/3", "predictor_twice"),
        ("/data/predictors/4", "too_many_categories"),
    ]


def test_free_text_among_all_columns_is_refused_with_the_columns_that_serve() -> None:
    issue = refused(target="survived", predictors=None)
    assert (issue.pointer, issue.code) == ("/data/predictors", "too_many_categories")
    assert "'ticket'" in issue.message
    assert "ticket" not in issue.allowed
    assert "survived" not in issue.allowed
    assert {"age", "port", "id"} <= set(issue.allowed)


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"target": "same"}, "/data/target", "one_class"),
        ({"target": "port", "task": "regression"}, "/data/task", "not_a_number"),
        ({"target": "wage", "task": "classification"}, "/data/task", "not_a_label"),
        ({"target": "id", "task": "classification"}, "/data/task", "too_many_classes"),
        ({"target": "ticket"}, "/data/target", "too_many_classes"),
        ({"target": "survived", "missing": "refuse"}, "/data/missing", "missing_cells"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(
    fields: dict[str, Any], pointer: str, code: str
) -> None:
    fields = {"predictors": ["age"]} | fields
    issue = refused(**fields)
    assert (issue.pointer, issue.code) == (pointer, code)


def test_too_few_rows_after_dropping_are_refused() -> None:
    profile = TableProfile(rows=4, columns=(number("x", missing=3), digits("y", 2)))
    data = DataSpec(dataset="ds_1", target="y", missing="drop")
    assert [issue.code for issue in refusal(profile, data)] == ["too_few_rows"]


def test_a_built_in_table_has_its_target() -> None:
    found = read_table(*iris())
    assert found.target.name == "target"
    assert len(found.predictors) == 4


def iris() -> tuple[TableProfile, DataSpec]:
    profile = CATALOGUE["iris"]
    assert isinstance(profile, TableProfile)
    return profile, DataSpec(dataset="builtin:iris")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("digits", ((8, 8), "classification", 10)),
        ("iris", ((4,), "classification", 3)),
        ("wine", ((13,), "classification", 3)),
        ("breast_cancer", ((30,), "classification", 2)),
        ("diabetes", ((10,), "regression", 0)),
        ("mnist", ((28, 28), "classification", 10)),
        ("fashion_mnist", ((28, 28), "classification", 10)),
        ("cifar10", ((32, 32, 3), "classification", 10)),
        ("california_housing", ((8,), "regression", 0)),
    ],
)
def test_every_built_in_dataset_needs_nothing_but_its_name(
    name: str, expected: tuple[tuple[int, ...], str, int]
) -> None:
    found = facts(CATALOGUE[name], DataSpec(dataset=f"builtin:{name}"))
    assert (found.input_shape, found.task, len(found.classes or ())) == expected


def arrays(**known: Any) -> ArrayProfile:
    described = {
        "rows": ROWS,
        "x_shape": (5,),
        "x_dtype": "float32",
        "y_shape": (),
        "y_dtype": "float32",
        "y_integral": False,
        "y_minimum": -1.0,
        "y_maximum": 1.0,
    }
    return ArrayProfile(**described | known)


def test_arrays_with_several_numbers_a_row_are_a_regression_of_as_many_outputs() -> None:
    found = facts(arrays(y_shape=(3,)), DataSpec(dataset="ds_1"))
    assert found == DataFacts(
        (5,), "regression", None, ROWS, outputs=3, negative_target=True, target_maximum=1.0
    )


def test_text_labels_of_arrays_are_classes() -> None:
    classes = tuple(ValueCount(value=value, rows=200) for value in ("ant", "bee"))
    profile = arrays(y_dtype="str", classes=classes, y_minimum=None, y_maximum=None)
    assert facts(profile, DataSpec(dataset="ds_1")).classes == ("ant", "bee")


@pytest.mark.parametrize(
    ("profile", "fields", "pointer", "code"),
    [
        (arrays(), {"target": "y"}, "/data/target", "no_columns"),
        (arrays(), {"predictors": ["x"]}, "/data/predictors", "no_columns"),
        (arrays(), {"task": "classification"}, "/data/task", "not_a_label"),
        (arrays(y_shape=(3,)), {"task": "classification"}, "/data/task", "not_a_label"),
        (arrays(y_minimum=1.0), {}, "/data/dataset", "one_class"),
    ],
)
def test_what_arrays_cannot_do_is_refused(
    profile: ArrayProfile, fields: dict[str, Any], pointer: str, code: str
) -> None:
    (issue,) = refusal(profile, DataSpec.model_validate({"dataset": "ds_1"} | fields))
    assert (issue.pointer, issue.code) == (pointer, code)
