"""The names under which files are stored. One place, so that nobody guesses another's."""

from uuid6 import uuid7


def new_upload() -> str:
    """A fresh key for the bytes of one upload."""
    return f"uploads/{uuid7().hex}"


def dataset_folder(sha256: str, parser_version: str) -> str:
    """The folder of a ready dataset: the same bytes read by the same parser are the same rows."""
    return f"datasets/{sha256}/{parser_version}"


def attempt_folder(experiment_id: str, trial: int, attempt: int) -> str:
    """Where one attempt writes. It names the attempt, so a stale worker overwrites nothing."""
    return f"experiments/{experiment_id}/{trial}/{attempt}"


def network(experiment_id: str, trial: int, attempt: int) -> str:
    """The trained network of a trial."""
    return f"{attempt_folder(experiment_id, trial, attempt)}/network.keras"
