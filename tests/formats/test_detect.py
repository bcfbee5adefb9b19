"""What a file is, from its content."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from models.errors import UnknownFormat, Unreadable
from store.formats.detect import detect


def file(folder: Path, content: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


def zipped(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "something")
    return packed.getvalue()


def test_content_decides_whatever_the_name_says(tmp_path: Path) -> None:
    np.savez(tmp_path / "table.csv.npz", x=np.zeros((2, 2)), y=np.zeros(2))
    assert detect(tmp_path / "table.csv.npz", "table.csv") == "npz"
    assert detect(file(tmp_path, b"a,b\n1,2\n"), "arrays.npz") == "csv"
    assert detect(file(tmp_path, "a\tb\n1\t2\n".encode("utf-16")), "t.tsv") == "csv"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "gzip"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"PAR1....", "Parquet"),
        (zipped("xl/workbook.xml"), "Excel"),
        (zipped("readme.txt"), "ZIP archive without"),
        (bytes(range(256)) * 10, "neither text nor"),
        (np.random.default_rng(0).bytes(5000), "neither text nor"),
    ],
)
def test_other_formats_are_named_with_what_would_be_read(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(UnknownFormat) as refused:
        detect(file(tmp_path, content), "upload.bin")
    assert said in refused.value.detail
    assert "upload.bin" in refused.value.detail
    assert "CSV" in refused.value.detail


def test_a_file_without_bytes_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="0 bytes"):
        detect(file(tmp_path, b""), "empty.csv")


def test_half_an_archive_is_damaged_not_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        detect(file(tmp_path, zipped("x.npy")[:-10]))
