"""One attempt at one trial, from its claim to its end: hand over, follow, store, write down.

The supervisor holds the lease and talks to the trainer; it loads no Keras. A trainer that fails,
crashes or hangs ends this attempt and nothing else; rubbish that it writes is logged once and
skipped.
"""

import logging
from contextlib import ExitStack
from pathlib import Path

from models.errors import ArtifactsUnavailable, EpochdError, LeaseLost, StorageFull
from store import failpoints, keys
from store.artifacts import Stored
from store.claims import Claim
from worker import handover
from worker.carrier import Carrier
from worker.closing import Closing
from worker.endings import Ended, Refused, Trained, crash_of
from worker.following import Following
from worker.heartbeat import Heart
from worker.judging import Judging
from worker.means import Means
from worker.messages import Finished, NetworkFile, StopCause, Stopped
from worker.process import TrainerGone, TrainerProcess
from worker.resuming import Resuming
from worker.scratch import attempt_scratch
from worker.spool import Spool
from worker.waiting import Halted, Waiting
from worker.watchdog import Watched

log = logging.getLogger(__name__)

# How far apart two processes that are ended together may notice it.
TOGETHER_SECONDS = 0.5


class Attempt:
    """One execution of a claimed trial.

    Args:
        claim: the trial and the lease on it.
        trainer: warm and idle; ended afterwards when it could not be stopped in time.
        means: of this worker.
        heart: of this worker.
    """

    def __init__(self, claim: Claim, trainer: TrainerProcess, means: Means, heart: Heart) -> None:
        self._claim = claim
        self._lease = claim.lease
        self._trainer = Watched(trainer, hang=means.timing.hang)
        self._means = means
        self._heart = heart.heartbeat(claim.lease)
        self._waiting = Waiting(
            self._heart, means.drain, means.timing.artifacts, claim.spec.limits.max_seconds
        )
        self._resuming = Resuming(claim, means.artifacts)
        self._carrier = Carrier(means.artifacts, claim.lease)
        spool = Spool(means.database, claim.lease, self._carrier, means.timing.flush)
        self._following = Following(
            claim=claim,
            trainer=self._trainer,
            heart=self._heart,
            spool=spool,
            carrier=self._carrier,
            resuming=self._resuming,
            means=means,
        )
        self._closing = Closing(
            claim=claim,
            spool=spool,
            carrier=self._carrier,
            judging=Judging(claim, means.database),
            drain=means.drain,
            timing=means.timing,
        )

    def run(self) -> int:
        """Train.

        Returns:
            How many trials came into the queue by the way this ended.
        """
        with self._heart, ExitStack() as parts:
            try:
                ended = self._train(parts)
                return self._closing.close(
                    ended,
                    engine=self._following.engine,
                    resumed=self._resuming.epoch,
                    pruned=self._following.pruned,
                )
            except LeaseLost:
                log.warning("%s is another's now", self._lease)
                self._trainer.end()
                return 0
            except BaseException:
                self._trainer.end()
                raise

    def _train(self, parts: ExitStack) -> Ended:
        try:
            scratch = parts.enter_context(attempt_scratch(self._means.scratch))
            parts.enter_context(self._carrier)  # its thread ends before the folder does
            plan = handover.prepare(
                self._claim,
                self._resuming,
                scratch,
                self._means,
                self._waiting,
                memory_bytes=self._trainer.memory_bytes,
            )
            self._trainer.send(plan)
            ended = self._following.to_its_end(scratch / handover.CHECKPOINTS)
            if not isinstance(ended, Finished):
                return ended
            return self._store_network(ended, scratch / handover.NETWORK)
        except LeaseLost:
            raise
        except Halted as halted:
            return Stopped(reason=halted.reason)
        except EpochdError as error:
            return Refused(error)
        except TrainerGone as gone:
            self._trainer.end(at_once=True)  # it may live, and only say nothing any more
            # A service manager may end all processes of a service at once: that is no crash.
            if self._means.drain.wait(TOGETHER_SECONDS):
                return Stopped(reason=StopCause.DRAIN)
            log.error("%s: %s", self._lease, gone)  # noqa: TRY400 - the trace is of no use
            return crash_of(gone)

    def _store_network(self, finished: Finished, path: Path) -> Trained:
        """Store the network of a training that came to its end.

        Args:
            finished: says whether there is one.
            path: where it was to be written; a trainer cannot make us store any other file.

        Raises:
            StorageFull, ArtifactsUnavailable: it cannot be stored, for long.
            TrainerGone: the trainer is not to be trusted.
        """
        file = finished.network
        if file is None:
            return Trained(finished, None)
        if Path(file.path) != path:
            raise TrainerGone("it reported a network that it was not asked for")
        try:
            network = self._waiting.for_store(
                lambda: self._put_network(file), grace=self._means.timing.drain, trained=True
            )
        except (StorageFull, ArtifactsUnavailable) as error:
            problem = f"The network is trained but could not be stored: {error.detail}"
            raise type(error)(problem) from error
        failpoints.reach(failpoints.Place.NETWORK_STORED)
        return Trained(finished, network)

    def _put_network(self, file: NetworkFile) -> Stored:
        lease = self._lease
        key = keys.network(lease.experiment_id, lease.number, lease.attempt)
        stored = self._means.artifacts.put(key, Path(file.path))
        if stored.sha256 != file.sha256:
            self._means.artifacts.delete(key)
            raise ArtifactsUnavailable("It was damaged on its way.")
        return stored
