"""Where an experiment's rows come from: a dataset, a built-in one, or the request itself.

A source says what its rows are like while nothing is stored. `store` then makes sure, within the
transaction that stores the experiment, that there is a dataset to train on.
"""

import difflib
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.orm import Session

from api.late import Late
from models.builtins import CATALOGUE, PREFIX
from models.errors import DatasetFailed, DatasetProcessing, Invalid, Issue, NotFound
from models.lifecycle import DatasetState
from models.profile import DatasetProfile
from models.specs.data import DataSpec, InlineTable
from store import datasets, keys
from store.artifacts import Artifacts
from store.database import Database

if TYPE_CHECKING:
    from store.formats import folder, inline
else:
    folder, inline = Late("store.formats.folder"), Late("store.formats.inline")

_INLINE_NAME = "inline"


@dataclass(frozen=True, slots=True)
class Placed:
    """A dataset to train on.

    Attributes:
        unread: it is new, so a control worker has to be woken to read it.
    """

    dataset_id: str
    unread: bool = False


class Source(Protocol):
    """Rows to train on."""

    @property
    def profile(self) -> DatasetProfile:
        """What the rows are like."""
        ...

    def place(self, tx: Session, owner: str) -> Placed:
        """Make sure that there is a dataset of these rows."""
        ...


@contextmanager
def source_of(
    data: DataSpec, *, owner: str, database: Database, artifacts: Artifacts
) -> Iterator[Source]:
    """The source that a spec names; to be used within the context.

    Raises:
        Invalid: there is no such dataset, or the rows in the request are no table.
        DatasetProcessing, DatasetFailed: the dataset is not ready, or never will be.
    """
    if data.inline is not None:
        with TemporaryDirectory(prefix="epochd-inline-") as scratch:
            yield _Inline.read(data.inline, Path(scratch), artifacts)
    elif (name := data.dataset or "").startswith(PREFIX):
        yield _Builtin(name, _builtin_profile(database, name))
    else:
        yield _Uploaded(name, _uploaded_profile(database, owner, name))


@dataclass(frozen=True, slots=True)
class _Uploaded:
    dataset_id: str
    profile: DatasetProfile

    def place(self, tx: Session, owner: str) -> Placed:
        """It is there; `submit` holds it."""
        del tx, owner
        return Placed(self.dataset_id)


@dataclass(frozen=True, slots=True)
class _Builtin:
    name: str
    profile: DatasetProfile

    def place(self, tx: Session, owner: str) -> Placed:
        """Its row is made at its first use."""
        del owner
        view, unread = datasets.builtin(tx, self.name)
        return Placed(view.id, unread)


@dataclass(frozen=True, slots=True)
class _Inline:
    profile: DatasetProfile
    sha256: str
    size: int
    path: Path
    artifacts: Artifacts

    @classmethod
    def read(cls, table: InlineTable, scratch: Path, artifacts: Artifacts) -> "_Inline":
        content = table.model_dump_json().encode()
        profile = folder.write_table(inline.read_inline(table), scratch)
        sha256 = hashlib.sha256(content).hexdigest()
        return cls(profile, sha256, len(content), scratch, artifacts)

    def place(self, tx: Session, owner: str) -> Placed:
        """The files go first: a row must not name what is not there."""
        key = keys.dataset_folder(self.sha256, folder.PARSER_VERSION)
        self.artifacts.put_folder(key, self.path)
        view, _ = datasets.inline(
            tx,
            owner=owner,
            name=_INLINE_NAME,
            sha256=self.sha256,
            size=self.size,
            profile=self.profile,
            folder=key,
        )
        return Placed(view.id)


def _builtin_profile(database: Database, name: str) -> DatasetProfile:
    known = {f"{PREFIX}{short}": profile for short, profile in CATALOGUE.items()}
    if name not in known:
        # Compared without the prefix: with it, every name is close to every other.
        close = difflib.get_close_matches(name.removeprefix(PREFIX), CATALOGUE, n=1)
        hint = f" Did you mean {PREFIX}{close[0]}?" if close else ""
        raise _unknown(f"There is no built-in dataset {name}.{hint}", tuple(known))
    try:
        with database.snapshot() as tx:
            read = datasets.get(tx, owner=datasets.BUILTIN_OWNER, dataset_id=name)
    except NotFound:
        return known[name]  # nobody has used it yet
    return read.profile or known[name]


def _uploaded_profile(database: Database, owner: str, dataset_id: str) -> DatasetProfile:
    try:
        with database.snapshot() as tx:
            dataset = datasets.get(tx, owner=owner, dataset_id=dataset_id)
    except NotFound as unknown:
        raise _unknown(unknown.detail) from None
    if dataset.state is DatasetState.FAILED:
        why = f": {dataset.error.detail}" if dataset.error else "."
        raise DatasetFailed(f"The dataset {dataset_id} could not be read{why}")
    if dataset.profile is None:
        raise DatasetProcessing(f"The dataset {dataset_id} is still being read.")
    return dataset.profile


def _unknown(message: str, allowed: tuple[str, ...] = ()) -> Invalid:
    return Invalid([Issue("/data/dataset", "unknown_dataset", message, allowed)])
