"""Plays the worker on the store's own verbs: claims, writes epochs, ends trials."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from models.lifecycle import State, StopReason
from models.specs.experiment import Device
from models.views.comparison import Conclusion, Winner
from store import epochs, leases, searches
from store.artifacts import LocalArtifacts
from store.claims import Claim
from store.database import Database
from store.epochs import EpochRecord
from store.fence import Lease
from store.outcomes import Succeeded


def claim(database: Database) -> Claim:
    """Take the next trial, of which there has to be one."""
    with database.transaction() as tx:
        taken = leases.claim(tx, worker="train@test:1:1", device=Device.CPU)
    assert taken is not None
    return taken


def write_epochs(database: Database, lease: Lease, losses: Sequence[float], first: int = 1) -> None:
    rows = [
        EpochRecord(
            epoch=epoch, metrics={"loss": loss, "val_loss": loss}, learning_rate=0.01, seconds=0.5
        )
        for epoch, loss in enumerate(losses, start=first)
    ]
    with database.transaction() as tx:
        epochs.append(tx, lease, rows)


def finish(database: Database, lease: Lease, artifacts: LocalArtifacts, content: bytes) -> str:
    """End a trial with a network of this content; gives the content's hash."""
    made = Path(artifacts._root) / "made"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(content)
    stored = artifacts.put(f"experiments/{lease.experiment_id}/{lease.number}/1/n.keras", made)
    made.unlink()
    with database.transaction() as tx:
        leases.finish(tx, lease, Succeeded(stop_reason=StopReason.COMPLETED, network=stored))
    return hashlib.sha256(content).hexdigest()


def conclude(database: Database, experiment_id: str, winner: int) -> None:
    conclusion = Conclusion(
        winner=Winner(trial=winner, setting={}, metric="val_loss", value=0.1, epoch=1),
        metric="val_loss",
        ranking=(),
        reason="all tried",
        summary=(),
    )
    with database.transaction() as tx:
        searches.conclude(tx, experiment_id, State.SUCCEEDED, conclusion)
