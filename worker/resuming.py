"""Where an attempt begins: the checkpoints it finds, and what became of them, in words.

A checkpoint that is damaged or gone is left out and told of; the one before it serves, or else the
training starts from the beginning.
"""

from sqlalchemy.orm import Session

from models.errors import ArtifactMissing
from store import checkpoints
from store.artifacts import Artifacts
from store.checkpoints import Checkpoint
from store.claims import Claim
from store.telling import tell_once
from worker.messages import CheckpointFile, Started


class Resuming:
    """The checkpoints of a claimed trial.

    Args:
        claim: brings them, the newest first.
        artifacts: where they are stored.

    Attributes:
        point: what the attempt goes on from; None at the beginning.
    """

    def __init__(self, claim: Claim, artifacts: Artifacts) -> None:
        self._lease = claim.lease
        self._artifacts = artifacts
        self._checkpoints = claim.checkpoints
        self._damaged: list[Checkpoint] = []
        self.point: Checkpoint | None = next(iter(claim.checkpoints), None)

    @property
    def epoch(self) -> int:
        """The last epoch before this attempt's own."""
        return self.point.epoch if self.point else 0

    @property
    def seconds(self) -> float:
        """The training time up to there; what was trained after it is trained again."""
        return self.point.seconds if self.point else 0.0

    def fetch(self) -> tuple[CheckpointFile, ...]:
        """Those that are whole, on this machine; safe to repeat.

        Raises:
            StorageFull, ArtifactsUnavailable: they cannot be read at the moment.
        """
        self._damaged.clear()
        fetched = (self._fetch(checkpoint) for checkpoint in self._checkpoints)
        return tuple(file for file in fetched if file is not None)

    def begun(self, started: Started) -> None:
        """Take note of what the trainer could use."""
        useless = [
            checkpoint
            for checkpoint in self._checkpoints
            if checkpoint.epoch in started.unreadable or checkpoint in self._damaged
        ]
        usable = (checkpoint for checkpoint in self._checkpoints if checkpoint not in useless)
        self._damaged = useless
        self.point = next((point for point in usable if point.epoch == started.epoch), None)

    def note(self, tx: Session) -> tuple[str, ...]:
        """Write down where the attempt began and why there; forget what is of no use.

        Returns:
            The keys of the files that are of no use, to be deleted after the commit.

        Raises:
            LeaseLost: the trial is another's now.
        """
        useless = tuple(checkpoint.key for checkpoint in self._damaged)
        checkpoints.forget(tx, self._lease, useless)
        instead = (
            f"the training goes on after epoch {self.epoch}"
            if self.point
            else "the training starts from the beginning"
        )
        for damaged in self._damaged:
            reason = (
                f"The checkpoint after epoch {damaged.epoch}, of attempt {damaged.attempt}, "
                f"is damaged or gone; {instead}."
            )
            tell_once(tx, self._lease, "checkpoint.damaged", reason)
        if self.point:
            reason = (
                f"Goes on after epoch {self.epoch}, "
                f"from a checkpoint of attempt {self.point.attempt}."
            )
            tell_once(tx, self._lease, "trial.resumed", reason)
        return useless

    def _fetch(self, checkpoint: Checkpoint) -> CheckpointFile | None:
        try:
            path = self._artifacts.local(checkpoint.key, checkpoint.sha256)
        except ArtifactMissing:
            self._damaged.append(checkpoint)
            return None
        return CheckpointFile(
            epoch=checkpoint.epoch,
            path=str(path),
            sha256=checkpoint.sha256,
            bytes=checkpoint.bytes,
        )
