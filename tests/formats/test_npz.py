"""NumPy archives: what is read, and what is refused without harm."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import Unreadable
from store.formats.array_profile import array_profile
from store.formats.npz import read_npz
from store.formats.read import read


def archive(folder: Path, **arrays: Any) -> Path:
    path = folder / "arrays.npz"
    np.savez_compressed(path, **arrays)
    return path


def refusal(folder: Path, **arrays: Any) -> str:
    with pytest.raises(Unreadable) as refused:
        read_npz(archive(folder, **arrays), folder)
    return refused.value.detail


def test_x_and_y_are_read_as_they_were_saved(tmp_path: Path) -> None:
    x = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    arrays = read_npz(archive(tmp_path, x=x, y=np.array([3, 1, 3, 1])), tmp_path)
    assert np.array_equal(arrays.x, x)
    assert arrays.x.dtype == np.uint8
    assert arrays.y.tolist() == [3, 1, 3, 1]
    assert arrays.x_test is None


def test_train_and_test_rows_are_kept_apart(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        x_train=np.zeros((4, 2)),
        y_train=np.zeros(4),
        x_test=np.ones((3, 2)),
        y_test=np.ones((3, 1)),
    )
    into = tmp_path / "dataset"
    into.mkdir()
    profile = read(path, "arrays.npz", into)
    assert profile.kind == "arrays"
    assert (profile.rows, profile.test_rows) == (4, 3)
    assert sorted(file.name for file in into.iterdir()) == [
        "profile.json",
        "x.npy",
        "x_test.npy",
        "y.npy",
        "y_test.npy",
    ]


def test_text_labels_become_classes_in_their_order(tmp_path: Path) -> None:
    path = archive(tmp_path, x=np.zeros((3, 1)), y=np.array(["zebra", "ant", "zebra"]))
    profile = array_profile(read_npz(path, tmp_path))
    assert [(count.value, count.rows) for count in profile.classes] == [("ant", 1), ("zebra", 2)]
    assert profile.y_dtype == "str"


def test_byte_labels_are_read_as_text(tmp_path: Path) -> None:
    path = archive(tmp_path, x=np.zeros((2, 1)), y=np.array([b"cat", b"dog"]))
    assert read_npz(path, tmp_path).y.tolist() == ["cat", "dog"]


def test_numeric_classes_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    path = archive(tmp_path, x=np.zeros((40, 1)), y=np.array([10.0, 9.0] * 20))
    profile = array_profile(read_npz(path, tmp_path))
    assert [count.value for count in profile.classes] == ["9", "10"]


def test_one_hot_labels_become_their_index(tmp_path: Path) -> None:
    path = archive(tmp_path, x=np.zeros((3, 1)), y=np.eye(3)[[2, 0, 1]])
    assert read_npz(path, tmp_path).y.tolist() == [2, 0, 1]


def test_several_numbers_a_row_stay_several(tmp_path: Path) -> None:
    path = archive(tmp_path, x=np.zeros((3, 1)), y=np.array([[0.5, 1], [2, 3], [4, 5]]))
    profile = array_profile(read_npz(path, tmp_path))
    assert profile.y_shape == (2,)
    assert profile.classes == ()


@pytest.mark.parametrize("layout", [">f4", "F"])
def test_foreign_byte_and_axis_orders_are_made_this_machines(tmp_path: Path, layout: str) -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    saved = np.asfortranarray(x) if layout == "F" else x.astype(layout)
    into = tmp_path / "dataset"
    into.mkdir()
    read(archive(tmp_path, x=saved, y=np.arange(3)), "arrays.npz", into)
    stored = np.load(into / "x.npy")
    assert np.array_equal(stored, x)
    assert stored.dtype == np.float32
    assert stored.flags.c_contiguous


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("sprung",)


def test_pickled_objects_are_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trap = np.array([Trap()] * 2, dtype=object)
    assert "Python objects" in refusal(tmp_path, x=np.zeros((2, 1)), y=trap)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.zeros((3, 1)), "y": np.zeros(2)}, "3 rows, but y has 2"),
        ({"x": np.zeros((3, 1))}, "both x and y"),
        ({"images": np.zeros((3, 1))}, "images"),
        ({"x": np.zeros(3), "y": np.zeros(3)}, "(rows, 1)"),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, "(0, 3)"),
        ({"x": np.array([["a"]]), "y": np.zeros(1)}, "numbers are needed"),
        ({"x": np.zeros((2, 1), np.complex64), "y": np.zeros(2)}, "numbers are needed"),
        ({"x": np.zeros((2, 1)), "y": np.zeros((2, 2, 2))}, "(2, 2, 2)"),
        ({"x": np.array([[1.0], [np.nan]]), "y": np.zeros(2)}, "row 1"),
        ({"x": np.array([[1.0], [1e300]]), "y": np.zeros(2)}, "row 1"),
        ({"x": np.zeros((2, 1)), "y": np.array([0, np.inf])}, "y holds a value in row 1"),
        (
            {
                "x_train": np.zeros((2, 1)),
                "y_train": np.zeros(2),
                "x_test": np.zeros((2, 3)),
                "y_test": np.zeros(2),
            },
            "x_test",
        ),
        (
            {"x_train": np.zeros((2, 1)), "y_train": np.zeros(2), "x_test": np.zeros((2, 1))},
            "go together",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_said(
    tmp_path: Path, arrays: dict[str, Any], said: str
) -> None:
    assert said in refusal(tmp_path, **arrays)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path, x=np.zeros((4000, 1000), np.uint8), y=np.zeros(4000))
    assert path.stat().st_size < 50_000
    with pytest.raises(Unreadable, match=r"unpacked"):
        read_npz(path, tmp_path, max_bytes=1_000_000)
    assert not (tmp_path / "x.npy").exists()


def test_a_header_that_claims_more_than_follows_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 4)}
    )
    path = tmp_path / "claims.npz"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("x.npy", header.getvalue() + b"\0" * 64)
        made.writestr("y.npy", header.getvalue() + b"\0" * 64)
    with pytest.raises(Unreadable, match="damaged"):
        read_npz(path, tmp_path)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9, 0.99])
def test_a_cut_off_archive_is_refused(tmp_path: Path, cut: float) -> None:
    path = archive(tmp_path, x=np.random.default_rng(0).normal(size=(100, 10)), y=np.zeros(100))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(Unreadable):
        read(path, "arrays.npz", tmp_path)


def test_any_flipped_byte_is_an_archive_or_a_clear_refusal(tmp_path: Path) -> None:
    path = archive(tmp_path, x=np.arange(20.0).reshape(10, 2), y=np.arange(10))
    whole = path.read_bytes()
    for position in range(len(whole)):
        scratch = tmp_path / str(position)
        scratch.mkdir()
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            arrays = read_npz(path, scratch)
        except Unreadable:
            continue
        assert len(arrays.x) == len(arrays.y)


@pytest.mark.shared_data
def test_mnist_is_read_as_bytes_and_ten_classes(shared_data: Path, tmp_path: Path) -> None:
    profile = read(shared_data / "mnist.npz", "mnist.npz", tmp_path)
    assert profile.kind == "arrays"
    assert (profile.rows, profile.test_rows) == (60_000, 10_000)
    assert (profile.x_shape, profile.x_dtype) == ((28, 28), "uint8")
    assert len(profile.classes) == 10
