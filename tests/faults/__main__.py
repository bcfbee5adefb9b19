"""`make faults`: the long campaign on each database, and four writers on one SQLite file.

python -m tests.faults --trials 200 --faults 150 --seed 1 --database both --minutes 40
"""

import argparse
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.faults.campaign import Campaign, Result, run
from tests.faults.hammer import Hammered, hammer
from tests.faults.table import SHOWN_NOTES, as_json, table
from tests.servers.databases import KINDS

console = Console()


def main() -> int:
    """Run it; the exit status is 0 when nothing was lost."""
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="epochd-faults-"))
    hammered = _hammered(folder, options)
    databases = KINDS if options.database == "both" else (options.database,)
    results: list[Result] = []
    for database in databases:
        campaign = Campaign(
            database=database,
            trials=options.trials,
            faults=options.faults,
            seed=options.seed,
            minutes=options.minutes,
        )
        results.append(_run(campaign, folder / database))
    console.print(table(results))
    for result in results:
        _show(result.campaign.database, result.verdict.notes)
    if hammered is not None:
        console.print(
            f"4 writers on SQLite for {options.writers_seconds:g} s: "
            f"{hammered.answers.total()} answers, {len(hammered.refused)} of them no success, "
            f"the slowest after {hammered.slowest:.1f} s"
        )
        _show("sqlite", hammered.refused)
    options.json.write_text(json.dumps([as_json(result) for result in results], indent=2))
    clean = all(result.verdict.is_clean for result in results) and (
        hammered is None or hammered.is_clean
    )
    console.print(f"written to {options.json}; {'nothing was lost' if clean else 'NOT CLEAN'}")
    if clean and options.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        console.print(f"logs are in {folder}")
    return 0 if clean else 1


def _run(campaign: Campaign, folder: Path) -> Result:
    folder.mkdir(parents=True)
    log = logging.FileHandler(folder / "campaign.log")
    log.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    mine = logging.getLogger("tests.faults")
    mine.setLevel(logging.INFO)
    mine.addHandler(log)
    try:
        return run(campaign, folder, lambda line: console.print(f"{campaign.database}: {line}"))
    finally:
        mine.removeHandler(log)
        log.close()


def _hammered(folder: Path, options: argparse.Namespace) -> Hammered | None:
    if options.database == "postgresql" or not options.writers_seconds:
        return None
    console.print(f"sqlite: 4 writers for {options.writers_seconds:g} s")
    return hammer(folder / "writers", options.writers_seconds)


def _show(database: str, notes: Sequence[str]) -> None:
    for note in notes[:SHOWN_NOTES]:
        console.print(f"{database}: {note}", soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--trials", type=int, default=200, help="on each database")
    parser.add_argument("--faults", type=int, default=150, help="on each database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--minutes", type=float, default=40.0, help="at most, on each database")
    parser.add_argument("--writers-seconds", type=float, default=60.0, help="0: without them")
    parser.add_argument("--folder", type=Path, help="for the logs; kept")
    parser.add_argument("--json", type=Path, default=Path("faults.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
