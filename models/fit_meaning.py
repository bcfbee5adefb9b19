"""What `fit` means for the rows and the metrics at hand: enough rows, and monitors that exist."""

from collections.abc import Iterator
from difflib import get_close_matches

from models.errors import Issue
from models.facts import DataFacts
from models.pointers import pointer as joined
from models.specs.compile import CompileSpec, directions, metric_names
from models.specs.fit import EarlyStopping, FitSpec, ReduceLROnPlateau
from models.specs.schedules import ScheduleSpec

# StratifiedShuffleSplit's rule: one row of a class to train on, one to validate on.
LEAST_ROWS_A_CLASS = 2
# As many labels as a person reads in an error.
MAX_ALLOWED = 100


def fit_issues(
    fit: FitSpec, compiled: CompileSpec, facts: DataFacts, pointer: str = "/fit"
) -> tuple[Issue, ...]:
    """Say everything that is wrong with `fit` for these data and metrics.

    Args:
        fit: as sent.
        compiled: with the metrics that may be monitored.
        facts: of the data.
        pointer: where `fit` is in the request body.
    """
    return (
        *_row_issues(fit, facts, pointer),
        *_class_weight_issues(fit, facts, f"{pointer}/class_weight"),
        *_monitor_issues(fit, compiled, pointer),
    )


def monitorable(compiled: CompileSpec, fit: FitSpec) -> tuple[str, ...]:
    """List what every epoch reports and callbacks can watch, by Keras's names."""
    names = metric_names(compiled)
    validated = tuple(f"val_{name}" for name in names) if fit.validation_split else ()
    return names + validated


def _row_issues(fit: FitSpec, facts: DataFacts, pointer: str) -> Iterator[Issue]:
    rows = fit.split_rows(facts.rows)
    if rows.training < 1:
        yield Issue(
            f"{pointer}/validation_split",
            "too_few_rows",
            f"Of {facts.rows} rows none is left to train on. Validate on a smaller part.",
        )
        return
    if fit.batch_size > rows.training:
        yield Issue(
            f"{pointer}/batch_size",
            "batch_above_rows",
            f"A batch of {fit.batch_size} is more than the {rows.training} training rows "
            f"(of {facts.rows}). Use at most {rows.training}.",
        )
    if fit.validation_split and fit.split == "shuffled" and facts.classes is not None:
        yield from _class_issues(min(rows), facts, facts.classes, pointer)


def _class_issues(
    fewest: int, facts: DataFacts, classes: tuple[str, ...], pointer: str
) -> Iterator[Issue]:
    """A split class by class needs a row of each on both sides."""
    if fewest < len(classes):
        yield Issue(
            f"{pointer}/validation_split",
            "too_few_rows",
            f"Splitting {facts.rows} rows so leaves {fewest} on one side, fewer than the "
            f'{len(classes)} classes. Take another part, or "split": "last".',
        )
    small = [
        label
        for label, rows in zip(classes, facts.class_rows, strict=False)
        if rows < LEAST_ROWS_A_CLASS
    ]
    if small:
        yield Issue(
            f"{pointer}/split",
            "class_too_small",
            f"Class {', '.join(map(repr, small[:10]))} has one row only, which cannot be both "
            'trained and validated on. Add rows of it, or use "split": "last".',
            ("last",),
        )


def _class_weight_issues(fit: FitSpec, facts: DataFacts, pointer: str) -> Iterator[Issue]:
    if fit.class_weight is None:
        return
    if facts.classes is None:
        yield Issue(pointer, "no_classes", "The target holds numbers, so there are no classes.")
    elif not isinstance(fit.class_weight, str):
        for label in fit.class_weight:
            if label not in facts.classes:
                yield Issue(
                    pointer + joined(label),
                    "unknown_class",
                    f"The target has no class {label!r}{_close(label, facts.classes)}.",
                    facts.classes[:MAX_ALLOWED],
                )


def _monitor_issues(fit: FitSpec, compiled: CompileSpec, pointer: str) -> Iterator[Issue]:
    if fit.early_stopping is not None:
        yield from _callback_issues(fit.early_stopping, fit, compiled, f"{pointer}/early_stopping")
    if fit.reduce_lr_on_plateau is not None:
        where = f"{pointer}/reduce_lr_on_plateau"
        yield from _callback_issues(fit.reduce_lr_on_plateau, fit, compiled, where)
        if isinstance(compiled.optimizer.learning_rate, ScheduleSpec):
            yield Issue(
                where,
                "schedule_and_plateau",
                "The learning rate follows a schedule, so it cannot be reduced on a plateau. "
                "Use one of the two.",
            )


def _callback_issues(
    callback: EarlyStopping | ReduceLROnPlateau, fit: FitSpec, compiled: CompileSpec, pointer: str
) -> Iterator[Issue]:
    allowed = monitorable(compiled, fit)
    monitor = callback.monitor
    if monitor in allowed:
        way = directions(compiled)[monitor.removeprefix("val_")]
        if callback.mode == "auto" and way is None:
            yield Issue(
                f"{pointer}/mode",
                "mode_needed",
                f"Keras does not know which way {monitor} is better. Say min or max.",
                ("min", "max"),
            )
    elif monitor.removeprefix("val_") in allowed:
        yield Issue(
            f"{pointer}/monitor",
            "unknown_monitor",
            f"{monitor} needs validation rows, but validation_split is 0. "
            f"Monitor {monitor.removeprefix('val_')}, or set some rows apart.",
            allowed,
        )
    else:
        yield Issue(
            f"{pointer}/monitor",
            "unknown_monitor",
            f"No epoch reports {monitor!r}.{_close(monitor, allowed)} "
            "It must be loss, a metric of compile, or val_ and one of these.",
            allowed,
        )


def _close(name: str, allowed: tuple[str, ...]) -> str:
    close = get_close_matches(name, allowed, n=2)
    return f" Did you mean {' or '.join(close)}?" if close else ""
