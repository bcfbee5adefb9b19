"""Shows what came of campaigns: a table for people, JSON for machines."""

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import median

from pydantic import JsonValue
from rich.table import Table

from tests.faults.campaign import Result

SHOWN_NOTES = 40


def rows(result: Result) -> Mapping[str, str]:
    """What is measured, and its figure."""
    verdict = result.verdict
    failed = ", ".join(f"{reason} {count}" for reason, count in verdict.failed.items()) or "0"
    return {
        "trials accepted": str(verdict.accepted),
        "trials finished": str(verdict.finished),
        "trials cancelled by their client": str(verdict.cancelled),
        "trials given up after three crashes": str(verdict.given_up),
        "trials failed otherwise": failed,
        "trials lost": str(verdict.lost),
        "experiments doubled": str(verdict.experiments_doubled),
        "epochs": str(verdict.epochs),
        "epochs missing": str(verdict.epochs_missing),
        "epochs doubled or different": str(verdict.epochs_wrong),
        "networks whose weights differ": str(verdict.weights_differ),
        "trials whose health differs": str(verdict.health_differs),
        "stale writes accepted": str(verdict.stale_writes),
        "histories that break the rules": str(verdict.illegal_histories),
        "answers other than 2xx and 503": str(verdict.unexpected_answers),
        "files of killed workers, collected": str(verdict.files_collected),
        "files left over": str(verdict.files_left_over),
        "faults": str(result.faults.total()),
        "crashes counted": str(verdict.crashes),
        "attempts": str(verdict.attempts),
        "epochs trained again": str(verdict.epochs_trained_again),
        "requests made again": str(result.retries),
        "processes started again": str(result.restarts),
        "to resume after a crash, median": _seconds(verdict.usual_resume),
        "to resume after a crash, longest": _seconds(verdict.slowest_resume),
        "from epoch to epoch over a crash, median": _seconds(
            median(verdict.silences) if verdict.silences else 0.0
        ),
        "from epoch to epoch over a crash, longest": _seconds(max(verdict.silences, default=0.0)),
        "drain, longest": _seconds(result.slowest_end),
        "references": _seconds(result.reference_seconds),
        "under fire": _seconds(result.seconds),
    }


def table(results: Sequence[Result]) -> Table:
    """One column a database."""
    shown = Table(title=f"Fault campaign, seed {results[0].campaign.seed}", title_justify="left")
    shown.add_column("")
    for result in results:
        shown.add_column(result.campaign.database, justify="right")
    columns = [rows(result) for result in results]
    for name in columns[0]:
        shown.add_row(name, *(column[name] for column in columns))
    shown.add_section()
    for kind in sorted({kind for result in results for kind in result.faults}):
        shown.add_row(f"fault: {kind}", *(str(result.faults[kind]) for result in results))
    return shown


def as_json(result: Result) -> dict[str, JsonValue]:
    """Everything, notes included."""
    verdict = dataclasses.asdict(result.verdict)
    return {
        "database": result.campaign.database,
        "seed": result.campaign.seed,
        "clean": result.verdict.is_clean,
        "faults": dict(result.faults),
        "restarts": result.restarts,
        "retries": result.retries,
        "seconds": result.seconds,
        "reference_seconds": result.reference_seconds,
        "slowest_end": result.slowest_end,
        **verdict,
    }


def _seconds(value: float) -> str:
    return f"{value:.1f} s"
