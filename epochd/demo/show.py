"""What the demo shows: a live line a trial, then the comparison."""

from collections.abc import Mapping
from typing import Self

from pydantic import JsonValue
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from epochd.demo.client import Candidate, Comparison, Trial

NOTHING = "-"

_STANDINGS = {True: "as good", False: "worse", None: ""}


class TrialLines:
    """One line a trial that follows its epochs; where there is no terminal, one line an epoch."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: dict[int, TaskID] = {}
        self._shown: dict[int, str] = {}
        self._progress = Progress(
            TextColumn("{task.description:<19}"),
            BarColumn(bar_width=8),
            TextColumn("epoch"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, trials: tuple[Trial, ...]) -> None:
        """Show where the trials are now."""
        for trial in trials:
            if self._console.is_terminal:
                self._move(trial)
            else:
                self._print(trial)

    def _move(self, trial: Trial) -> None:
        if trial.number not in self._lines:
            self._lines[trial.number] = self._progress.add_task(
                setting(trial.setting), total=trial.epochs_planned, numbers=""
            )
        self._progress.update(
            self._lines[trial.number],
            total=trial.epochs if trial.is_terminal else trial.epochs_planned,
            completed=trial.epochs,
            numbers=_numbers(trial),
        )

    def _print(self, trial: Trial) -> None:
        line = f"{setting(trial.setting):<19} epoch {trial.epochs:>2} {_numbers(trial)}"
        if self._shown.get(trial.number) != line:
            self._shown[trial.number] = line
            self._console.print(line, highlight=False, soft_wrap=True)


def table(comparison: Comparison) -> Table:
    """All settings, best first: who won, who is as good, and who is worse, row by row."""
    shown = Table(title="Which learning rate?", title_justify="left", box=SIMPLE_HEAD, padding=0)
    shown.add_column("setting", no_wrap=True)
    for heading in (f"best {comparison.metric}", "accuracy", "at epoch", "seconds"):
        shown.add_column(heading, justify="right", no_wrap=heading == "accuracy")
    shown.add_column("ended", no_wrap=True)
    shown.add_column("")
    for candidate in comparison.candidates:
        won = candidate.rank == 1
        shown.add_row(
            setting(candidate.setting),
            _number(candidate.score),
            _accuracy(candidate),
            f"{_number(candidate.best_epoch)} of {candidate.epochs:g}",
            f"{candidate.seconds:.1f}",
            ", ".join(candidate.stop_reasons),
            "winner" if won else _STANDINGS[candidate.tied],
            style="bold green" if won else None,
        )
    return shown


def setting(values: Mapping[str, JsonValue]) -> str:
    """What is different about a trial, for a person."""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )


def _numbers(trial: Trial) -> str:
    if trial.latest is None:
        return trial.state
    ended = f" {trial.stop_reason}" if trial.stop_reason else ""
    loss, val_loss = _metric(trial, "loss"), _metric(trial, "val_loss")
    return f"loss {_number(loss):<6} val_loss {_number(val_loss):<6}{ended}"


def _accuracy(candidate: Candidate) -> str:
    found = candidate.accuracy
    return NOTHING if found is None else f"{found.value:.1%} ±{100 * found.standard_error:.1f}"


def _metric(trial: Trial, name: str) -> float | None:
    return trial.latest.metrics.get(name) if trial.latest else None


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4g}"
