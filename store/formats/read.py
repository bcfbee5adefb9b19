"""From an uploaded file to a dataset folder: the one entry that ingest calls."""

from pathlib import Path
from tempfile import TemporaryDirectory

from models.profile import DatasetProfile
from store.formats.csv import read_csv
from store.formats.detect import detect
from store.formats.folder import write_arrays, write_table
from store.formats.npz import read_npz


def read(source: Path, filename: str, into: Path, target: str | None = None) -> DatasetProfile:
    """Read a file of any known format and write the dataset's folder.

    Args:
        source: the file.
        filename: what its sender called it; only for messages.
        into: an existing, empty folder.
        target: the column to predict, where it is known already.

    Raises:
        UnknownFormat: the content is of no readable format.
        Unreadable: it cannot be read, with the line where the format has lines.
    """
    if detect(source, filename) == "csv":
        return write_table(read_csv(source), into, target)
    with TemporaryDirectory(dir=into) as scratch:
        return write_arrays(read_npz(source, Path(scratch)), into)
