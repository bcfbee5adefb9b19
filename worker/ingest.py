"""Reads a dataset: claims it, turns its bytes into a folder with a profile, says what was found."""

import logging
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from models.builtins import PREFIX
from models.errors import ArtifactsUnavailable, EpochdError, LeaseLost, StorageFull, Unavailable
from models.profile import DatasetProfile
from models.views.base import Problem
from store import ingest, keys
from store.artifacts import Artifacts, is_full
from store.database import Database
from store.formats.folder import PARSER_VERSION
from store.formats.read import read
from store.ingest import IngestClaim
from worker.advance import advance
from worker.builtin import Drained, write_builtin
from worker.repeating import Repeating
from worker.timing import Timing
from worker.waiting import patiently

log = logging.getLogger(__name__)


class Ingest:
    """Reads datasets, one at a time.

    Args:
        worker: the name under which datasets are claimed.
        drain: set when the worker is to end.
        scratch: a folder of this machine for what is only being made.
    """

    def __init__(
        self,
        *,
        database: Database,
        artifacts: Artifacts,
        worker: str,
        drain: threading.Event,
        timing: Timing,
        scratch: Path,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._worker = worker
        self._drain = drain
        self._timing = timing
        self._scratch = scratch

    def run(self, dataset_id: str) -> None:
        """Read it, unless another does or did.

        A reader that fails unexpectedly leaves its claim to expire: another tries, a few times.
        A store that is away gives nobody a reason to fail the dataset; one that stays full does.
        """
        with self._database.transaction() as tx:
            claim = ingest.claim(tx, dataset_id, self._worker, self._timing.lease)
        if claim is None:
            return
        renewing: Repeating = Repeating(
            lambda: self._renew(claim, renewing),
            every=self._timing.beat,
            name=f"reading of {dataset_id}",
        )
        try:
            with renewing:
                self._read(claim)
        except (LeaseLost, Unavailable) as lost:
            log.warning("reading %s came to nothing: %s", dataset_id, lost)
        except (ArtifactsUnavailable, StorageFull) as trouble:
            log.warning("reading %s has to wait: %s", dataset_id, trouble)
            self._give_back(claim)
        except Drained:
            self._give_back(claim)

    def _renew(self, claim: IngestClaim, renewing: Repeating) -> None:
        try:
            with self._database.transaction() as tx:
                ingest.renew(tx, claim, self._timing.lease)
        except LeaseLost:
            renewing.stop(wait=False)

    def _give_back(self, claim: IngestClaim) -> None:
        """If that does not work, the claim expires."""
        with (
            suppress(LeaseLost, Unavailable, StorageFull),
            self._database.transaction() as tx,
        ):
            ingest.release(tx, claim)

    def _read(self, claim: IngestClaim) -> None:
        key = keys.dataset_folder(claim.sha256, PARSER_VERSION)
        try:
            profile, size = patiently(
                lambda: self._store(claim, key),
                seconds=self._timing.artifacts,
                pause=self._pause,
            )
        except (Unavailable, ArtifactsUnavailable):  # no fault of the dataset's
            raise
        except EpochdError as error:
            self._fail(claim, error)
            return
        with self._database.transaction() as tx:
            upload = ingest.ready(
                tx,
                claim,
                profile=profile,
                folder=key,
                size=size if claim.upload is None else None,
            )
        if upload is not None:
            with suppress(ArtifactsUnavailable):  # the collector removes it then
                self._artifacts.delete(upload)

    def _pause(self, seconds: float) -> None:
        if self._drain.wait(seconds):
            raise Drained

    def _store(self, claim: IngestClaim, key: str) -> tuple[DatasetProfile, int]:
        """Make the folder and store it: what was found, and the size in bytes."""
        try:
            with TemporaryDirectory(dir=self._scratch) as scratch:
                folder = Path(scratch) / "folder"
                folder.mkdir()
                profile = self._write(claim, folder)
                size = sum(file.stat().st_size for file in folder.iterdir())
                self._artifacts.put_folder(key, folder)
                return profile, size
        except OSError as error:
            if is_full(error):
                raise StorageFull("There is no room left where datasets are read.") from error
            raise

    def _write(self, claim: IngestClaim, folder: Path) -> DatasetProfile:
        if claim.upload is None:
            name = claim.dataset_id.removeprefix(PREFIX)
            return write_builtin(name, folder, drain=self._drain)
        return read(self._artifacts.local(claim.upload), claim.name, folder)

    def _fail(self, claim: IngestClaim, error: EpochdError) -> None:
        problem = Problem(
            title="The dataset could not be read", detail=error.detail, code=error.code
        )
        with self._database.transaction() as tx:
            for experiment_id in ingest.fail(tx, claim, problem):
                advance(tx, experiment_id)
