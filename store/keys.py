"""The names under which files are stored. One place, so that nobody guesses another's."""

import re

from uuid6 import uuid7

UPLOADS = "uploads"
EXPERIMENTS = "experiments"
_OF_ATTEMPT = re.compile(rf"{EXPERIMENTS}/([^/]+)/(\d+)/(\d+)/.+")


def new_upload() -> str:
    """A fresh key for the bytes of one upload."""
    return f"{UPLOADS}/{uuid7().hex}"


def dataset_folder(sha256: str, parser_version: str) -> str:
    """The folder of a ready dataset: the same bytes read by the same parser are the same rows."""
    return f"datasets/{sha256}/{parser_version}"


def experiment_folder(experiment_id: str) -> str:
    """Where everything of an experiment is."""
    return f"{EXPERIMENTS}/{experiment_id}"


def attempt_folder(experiment_id: str, trial: int, attempt: int) -> str:
    """Where one attempt writes. It names the attempt, so a stale worker overwrites nothing."""
    return f"{experiment_folder(experiment_id)}/{trial}/{attempt}"


def checkpoint(experiment_id: str, trial: int, attempt: int, epoch: int) -> str:
    """All that a trial needs to go on after an epoch."""
    return f"{attempt_folder(experiment_id, trial, attempt)}/checkpoint-{epoch}.npz"


def network(experiment_id: str, trial: int, attempt: int) -> str:
    """The trained network of a trial."""
    return f"{attempt_folder(experiment_id, trial, attempt)}/network.keras"


def attempt_of(key: str) -> tuple[str, int, int] | None:
    """Experiment, trial and attempt that a file belongs to; None for any other file."""
    found = _OF_ATTEMPT.fullmatch(key)
    return (found[1], int(found[2]), int(found[3])) if found else None
