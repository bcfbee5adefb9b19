"""What a trainer is told of a claimed trial, with everything fetched that it needs."""

from pathlib import Path

from models.resolve import resolve
from store.artifacts import translated
from store.claims import Claim
from worker.means import Means
from worker.messages import Checkpointing, Train
from worker.resuming import Resuming
from worker.scratch import SCRATCH
from worker.waiting import Waiting

# The folder within an attempt's own into which its trainer writes checkpoints.
CHECKPOINTS = "checkpoints"
# The file there that its trainer leaves at the end.
NETWORK = "network.keras"


def prepare(
    claim: Claim,
    resuming: Resuming,
    scratch: Path,
    means: Means,
    waiting: Waiting,
    *,
    memory_bytes: int | None,
) -> Train:
    """The plan for a trainer.

    Args:
        claim: the trial.
        resuming: fetches what earlier attempts left.
        scratch: the attempt's own folder.
        means: of this worker.
        waiting: for the artifact store.
        memory_bytes: that the trainer may take; None is without limit.

    Raises:
        EpochdError: it cannot be trained, or not here and now.
        Halted: the attempt is to end.
    """
    folder = waiting.for_store(lambda: means.artifacts.local(claim.folder))
    found = waiting.for_store(resuming.fetch)
    checkpoints = scratch / CHECKPOINTS
    with translated(SCRATCH):
        checkpoints.mkdir()
    return Train(
        trial=resolve(claim.spec, claim.changes, claim.profile, seed=claim.seed),
        profile=claim.profile,
        folder=str(folder),
        network=str(scratch / NETWORK),
        checkpointing=Checkpointing(
            folder=str(checkpoints), seconds=means.timing.checkpoint, found=found
        ),
        memory_bytes=memory_bytes,
    )
