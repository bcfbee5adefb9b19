"""Small disks that can really be full, or fail."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

DISK_BYTES = 1_000_000
_BLOCK_BYTES = 4096


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of DISK_BYTES at a folder that is there."""
    size = f"size={DISK_BYTES}"
    mount = ["/bin/mount", "-t", "tmpfs", "-o", size, "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk, and not everywhere")
    yield
    subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


@contextmanager
def failing_disk(medium: Path) -> Iterator[Path]:
    """A block device whose every read is an input/output error: nothing is left of its medium."""
    medium.write_bytes(bytes(DISK_BYTES // _BLOCK_BYTES * _BLOCK_BYTES))
    losetup = shutil.which("losetup")
    if losetup is None:
        pytest.skip("there is nothing here to attach a disk with")
    attach = [losetup, "--find", "--show", str(medium)]
    attached = subprocess.run(attach, check=False, capture_output=True, text=True)
    if attached.returncode:
        pytest.skip("only root may attach a disk, and not everywhere")
    device = attached.stdout.strip()
    try:
        os.truncate(medium, 0)
        yield Path(device)
    finally:
        subprocess.run([losetup, "--detach", device], check=True)


def fill(disk: Path) -> None:
    """Leave no room on it."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"f" * _BLOCK_BYTES)
