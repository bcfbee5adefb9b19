"""Too few rows and monitors that no epoch reports are refused before anything is queued."""

from typing import Any

import pytest

from models.facts import DataFacts
from models.fit_meaning import fit_issues
from models.specs.compile import CompileSpec, metric_names
from models.specs.fit import EarlyStopping, FitSpec

CLASSES = DataFacts(
    input_shape=(4,),
    task="classification",
    classes=("a", "b", "c/d"),
    rows=60,
    class_rows=(29, 30, 1),
)
EVEN = DataFacts(
    input_shape=(4,), task="classification", classes=("a", "b"), rows=10, class_rows=(5, 5)
)
NUMBERS = DataFacts(input_shape=(4,), task="regression", classes=None, rows=60)
FEW = DataFacts(
    input_shape=(4,), task="classification", classes=tuple("abcdef"), rows=12, class_rows=(2,) * 6
)


def found(
    facts: DataFacts, fit: dict[str, Any], compiled: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    spec = CompileSpec.model_validate({"metrics": ["accuracy"], **(compiled or {})})
    issues = fit_issues(FitSpec.model_validate(fit), spec, facts)
    return [(issue.pointer, issue.code) for issue in issues]


@pytest.mark.parametrize(
    ("facts", "fit", "where", "code"),
    [
        (NUMBERS, {"batch_size": 43}, "/fit/batch_size", "batch_above_rows"),
        (
            NUMBERS,
            {"batch_size": 1, "validation_split": 0.999},
            "/fit/validation_split",
            "too_few_rows",
        ),
        (CLASSES, {}, "/fit/split", "class_too_small"),
        (FEW, {"batch_size": 2}, "/fit/validation_split", "too_few_rows"),
        (NUMBERS, {"class_weight": "balanced"}, "/fit/class_weight", "no_classes"),
        (
            EVEN,
            {"batch_size": 2, "class_weight": {"a": 2, "x/y": 1}},
            "/fit/class_weight/x~1y",
            "unknown_class",
        ),
        (
            NUMBERS,
            {"early_stopping": {"monitor": "val_acuracy"}},
            "/fit/early_stopping/monitor",
            "unknown_monitor",
        ),
        (
            NUMBERS,
            {"early_stopping": {"monitor": "acc"}},
            "/fit/early_stopping/monitor",
            "unknown_monitor",
        ),
        (
            NUMBERS,
            {"early_stopping": {}, "validation_split": 0},
            "/fit/early_stopping/monitor",
            "unknown_monitor",
        ),
        (
            NUMBERS,
            {"reduce_lr_on_plateau": {"monitor": "lr"}},
            "/fit/reduce_lr_on_plateau/monitor",
            "unknown_monitor",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    facts: DataFacts, fit: dict[str, Any], where: str, code: str
) -> None:
    assert found(facts, fit) == [(where, code)]


@pytest.mark.parametrize(
    ("facts", "fit"),
    [
        (NUMBERS, {"batch_size": 42}),
        (NUMBERS, {"validation_split": 0, "batch_size": 60}),
        (CLASSES, {"split": "last"}),
        (CLASSES, {"validation_split": 0}),
        (EVEN, {"batch_size": 7, "class_weight": {"a": 2.5}}),
        (NUMBERS, {"early_stopping": {"monitor": "val_accuracy"}}),
        (NUMBERS, {"early_stopping": {"monitor": "loss"}, "validation_split": 0}),
        (NUMBERS, {"early_stopping": None}),
    ],
)
def test_what_can_be_fitted_is_taken(facts: DataFacts, fit: dict[str, Any]) -> None:
    assert found(facts, fit) == []


def test_a_count_may_be_monitored_when_its_mode_is_said() -> None:
    counted = {"metrics": ["false_positives"]}
    stopping = {"monitor": "val_false_positives"}
    assert found(EVEN, {"batch_size": 2, "early_stopping": stopping}, counted) == [
        ("/fit/early_stopping/mode", "mode_needed")
    ]
    assert (
        found(EVEN, {"batch_size": 2, "early_stopping": stopping | {"mode": "min"}}, counted) == []
    )


def test_a_schedule_excludes_reducing_on_a_plateau() -> None:
    decay = {"schedule": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 100}
    compiled = {"optimizer": {"optimizer": "SGD", "learning_rate": decay}}
    assert found(NUMBERS, {"reduce_lr_on_plateau": {}}, compiled) == [
        ("/fit/reduce_lr_on_plateau", "schedule_and_plateau")
    ]


def test_a_misspelt_monitor_is_answered_with_what_there_is() -> None:
    fit = FitSpec(early_stopping=EarlyStopping(monitor="val_los"))
    (issue,) = fit_issues(fit, CompileSpec.model_validate({"metrics": ["mae"]}), NUMBERS)
    assert issue.allowed == ("loss", "mae", "val_loss", "val_mae")
    assert "Did you mean val_loss?" in issue.message


def test_the_defaults_are_those_of_the_design() -> None:
    fit = FitSpec()
    assert (fit.epochs, fit.batch_size, fit.validation_split) == (20, 32, 0.3)
    assert fit.early_stopping == EarlyStopping(
        monitor="val_loss", patience=2, restore_best_weights=True
    )
    assert FitSpec(validation_split=0.0).early_stopping is None


def test_rows_are_split_as_keras_splits_them() -> None:
    assert FitSpec(validation_split=0.3).split_rows(891) == (623, 268)
    assert FitSpec(validation_split=0.0).split_rows(891) == (891, 0)


def test_a_name_in_the_logs_is_the_spelling_that_was_sent() -> None:
    metrics = ["accuracy", "mae", "MSE", {"metric": "AUC"}, {"metric": "AUC", "name": "pr"}]
    compiled = CompileSpec.model_validate({"metrics": metrics})
    assert metric_names(compiled) == ("loss", "accuracy", "mae", "MSE", "auc", "pr")
