"""What a data spec means for one dataset: which columns, which task, which classes.

POST asks so that a mistake is a 422 with a pointer; the trainer asks the same functions, so that
both read a spec alike. Everything is answered from the profile; no row is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from models.errors import Invalid, Issue
from models.facts import DataFacts
from models.labels import FEW_VALUES, ROWS_A_VALUE, is_label
from models.profile import ArrayProfile, Column, DatasetProfile, TableProfile, ValueCount
from models.specs.data import DataSpec, Task

# A category is an input of its own. More of them in one column than this are names or free text,
# of which a net learns rows by heart.
MAX_CATEGORIES = 100
# As many names as a person reads in an error.
MAX_ALLOWED = 100


@dataclass(frozen=True, slots=True)
class TableReading:
    """A table under a data spec.

    Attributes:
        target: the column to predict.
        predictors: the columns to predict from, in the order of the exported network's inputs.
        task: given or inferred.
        classes: the labels in the order of the network's outputs; None for regression.
    """

    target: Column
    predictors: tuple[Column, ...]
    task: Task
    classes: tuple[str, ...] | None


def facts(profile: DatasetProfile, data: DataSpec) -> DataFacts:
    """What a network has to fit.

    Raises:
        Invalid: the spec does not fit the dataset; every issue has its pointer under /data.
    """
    if isinstance(profile, ArrayProfile):
        return _array_facts(profile, data)
    reading = read_table(profile, data)
    gaps = [column.missing for column in reading.predictors] if data.missing == "drop" else []
    rows = profile.rows - max([reading.target.missing, *gaps])
    if rows < 2:  # noqa: PLR2004 -- one to train on, one to validate on
        raise Invalid(
            [Issue("/data", "too_few_rows", f"{rows} rows are left once gaps are dropped.")]
        )
    return DataFacts(
        input_shape=(sum(width(column, data) for column in reading.predictors),),
        task=reading.task,
        classes=reading.classes,
        rows=rows,
        negative_target=reading.classes is None and (reading.target.minimum or 0) < 0,
        target_maximum=None if reading.classes else reading.target.maximum,
        class_rows=_rows_of(reading.classes, reading.target.top),
    )


def read_table(profile: TableProfile, data: DataSpec) -> TableReading:
    """Find the columns that a spec names, and what is asked of them.

    Raises:
        Invalid: a column is not there or cannot play its part.
    """
    columns = {column.name: column for column in profile.columns}
    target = _target(columns, data.target or profile.target)
    predictors, issues = _predictors(columns, data, target)
    task, classes, wrong = _task(target, profile.rows, data.task)
    issues += [*wrong, *_gaps(predictors, data)]
    if issues:
        raise Invalid(issues)
    return TableReading(target, predictors, task, classes)


def array_task(profile: ArrayProfile, data: DataSpec) -> tuple[Task, tuple[str, ...] | None]:
    """The task of arrays and its classes, in the order of the network's outputs.

    Raises:
        Invalid: y is not what the stated task asks for.
    """
    label = _column_of_y(profile)
    if profile.y_shape:
        if data.task == "classification":
            raise _invalid(
                "task", "not_a_label", f"y holds {profile.y_shape[0]} numbers a row, not a label."
            )
        return "regression", None
    task, classes, issues = _task(label, profile.rows, data.task, "/data/dataset")
    if issues:
        raise Invalid(issues)
    return task, classes


def width(column: Column, data: DataSpec) -> int:
    """How many inputs a predictor becomes: one, or for text one a category.

    Missing text is a category of its own where there is any and it is imputed.
    """
    if column.type != "text":
        return 1
    return column.distinct + has_missing_category(column, data)


def has_missing_category(column: Column, data: DataSpec) -> bool:
    """Whether an empty cell of a text predictor gets an input of its own."""
    return column.type == "text" and column.missing > 0 and data.missing == "impute"


def _target(columns: dict[str, Column], name: str | None) -> Column:
    if name is None:
        raise _invalid(
            "target", "target_missing", "Name the column to predict.", tuple(columns)[:MAX_ALLOWED]
        )
    if name not in columns:
        raise Invalid([_unknown("/data/target", name, columns)])
    return columns[name]


def _predictors(
    columns: dict[str, Column], data: DataSpec, target: Column
) -> tuple[tuple[Column, ...], list[Issue]]:
    """The predictors, and what is wrong with those that were named or taken by default."""
    if data.predictors is None:
        chosen = [column for column in columns.values() if column is not target]
        issues = [
            Issue(
                "/data/predictors",
                "too_many_categories",
                f"{_free_text(column)} Name the predictors without it.",
                tuple(other.name for other in chosen if not _is_free_text(other))[:MAX_ALLOWED],
            )
            for column in chosen
            if _is_free_text(column)
        ]
        return tuple(chosen), issues
    issues = []
    for index, name in enumerate(data.predictors):
        pointer = f"/data/predictors/{index}"
        if name not in columns:
            issues.append(_unknown(pointer, name, columns))
        elif name == target.name:
            said = f"{name!r} is the target; predicting it from itself shows nothing."
            issues.append(Issue(pointer, "target_as_predictor", said))
        elif name in data.predictors[:index]:
            issues.append(Issue(pointer, "predictor_twice", f"{name!r} is named twice."))
        elif _is_free_text(columns[name]):
            said = f"{_free_text(columns[name])} Leave it out."
            issues.append(Issue(pointer, "too_many_categories", said))
    return tuple(columns[name] for name in data.predictors if name in columns), issues


def _task(
    target: Column, rows: int, stated: Task | None, pointer: str = "/data/target"
) -> tuple[Task, tuple[str, ...] | None, list[Issue]]:
    """The task, its classes, and what is wrong with the target for it.

    Text and booleans are classes. So are whole numbers with two values, or with up to FEW_VALUES
    that have ROWS_A_VALUE rows each on average (`models.labels`). All else is a quantity.
    """
    if target.distinct < 2:  # noqa: PLR2004 -- with one there is nothing to tell apart
        holds = "one value" if target.distinct else "no value"
        said = f"{target.name!r} has {holds} in all rows; there is nothing to learn."
        return "classification", None, [Issue(pointer, "one_class", said)]
    countable = target.integral and is_label(target.distinct, rows)
    inferred: Task = "classification" if target.type != "number" or countable else "regression"
    task = stated or inferred
    if task == "regression":
        if target.type != "text":
            return task, None, []
        said = f"{target.name!r} holds text; regression predicts numbers."
        return task, None, [Issue("/data/task", "not_a_number", said, ("classification",))]
    if not target.top:
        return task, None, [_no_label(target, "/data/task" if stated else pointer)]
    return task, _in_order(target.top, numeric=target.type == "number"), []


def _no_label(target: Column, pointer: str) -> Issue:
    allowed = ("regression",) if target.type == "number" else ()
    if target.type == "number" and not target.integral:
        said = f"{target.name!r} holds numbers that are not whole; they are no classes."
        return Issue(pointer, "not_a_label", said, allowed)
    said = (
        f"{target.name!r} has {target.distinct} different values, too many for its rows to be "
        f"classes: up to {FEW_VALUES}, or {ROWS_A_VALUE} rows a class, can be learned."
    )
    return Issue(pointer, "too_many_classes", said, allowed)


def _in_order(top: Sequence[ValueCount], *, numeric: bool) -> tuple[str, ...]:
    """Labels as sorting them as what they are gives: 9 before 10, "10" before "9"."""
    names = (count.value for count in top)
    return tuple(sorted(names, key=int) if numeric else sorted(names))


def _rows_of(classes: tuple[str, ...] | None, top: Sequence[ValueCount]) -> tuple[int, ...]:
    rows = {count.value: count.rows for count in top}
    return tuple(rows[label] for label in classes or ())


def _gaps(predictors: Sequence[Column], data: DataSpec) -> list[Issue]:
    gaps = [f"{column.name!r} ({column.missing})" for column in predictors if column.missing]
    if data.missing != "refuse" or not gaps:
        return []
    said = f"Cells are missing in {', '.join(gaps[:10])}; impute them or drop their rows."
    return [Issue("/data/missing", "missing_cells", said, ("impute", "drop"))]


def _is_free_text(column: Column) -> bool:
    return column.type == "text" and column.distinct > MAX_CATEGORIES


def _free_text(column: Column) -> str:
    return (
        f"{column.name!r} holds text with {column.distinct} different values, like a name, a date "
        f"or an identifier; up to {MAX_CATEGORIES} categories become inputs."
    )


def _array_facts(profile: ArrayProfile, data: DataSpec) -> DataFacts:
    issues = [
        Issue(f"/data/{field}", "no_columns", f"The dataset is arrays; leave {field} out.")
        for field in ("target", "predictors")
        if getattr(data, field) is not None
    ]
    if issues:
        raise Invalid(issues)
    task, classes = array_task(profile, data)
    return DataFacts(
        input_shape=profile.x_shape,
        task=task,
        classes=classes,
        rows=profile.rows,
        outputs=profile.y_shape[0] if profile.y_shape else 1,
        negative_target=classes is None and (profile.y_minimum or 0) < 0,
        target_maximum=None if classes else profile.y_maximum,
        class_rows=_rows_of(classes, profile.classes),
    )


def _column_of_y(profile: ArrayProfile) -> Column:
    """Y as if it were a column, so that one rule decides on labels."""
    spread = profile.y_minimum != profile.y_maximum
    return Column(
        name="y",
        type="text" if profile.y_dtype == "str" else "number",
        missing=0,
        distinct=len(profile.classes) or (profile.rows if spread else 1),
        integral=profile.y_integral,
        top=profile.classes,
    )


def _unknown(pointer: str, name: str, columns: dict[str, Column]) -> Issue:
    close = get_close_matches(name, columns, n=3)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return Issue(
        pointer,
        "unknown_column",
        f"There is no column {name!r}.{hint}",
        tuple(columns)[:MAX_ALLOWED],
    )


def _invalid(field: str, code: str, message: str, allowed: tuple[str, ...] = ()) -> Invalid:
    return Invalid([Issue(f"/data/{field}", code, message, allowed)])
