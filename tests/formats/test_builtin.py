"""The catalogue says before ingest what ingest finds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from models.builtins import BUNDLED, CATALOGUE
from models.errors import NotFound
from store.formats import builtin
from store.formats.read import read


@pytest.mark.parametrize("name", BUNDLED)
def test_the_catalogue_equals_what_ingest_finds(name: str, tmp_path: Path) -> None:
    assert builtin.write_bundled(name, tmp_path) == BUNDLED[name]


def test_the_catalogue_and_the_loaders_name_the_same_datasets() -> None:
    assert set(BUNDLED) == set(builtin.BUNDLED)


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="breast_cancer"):
        builtin.write_bundled("iriss", tmp_path)


@pytest.mark.shared_data
def test_the_catalogue_knows_mnist(shared_data: Path, tmp_path: Path) -> None:
    assert read(shared_data / "mnist.npz", "mnist.npz", tmp_path) == CATALOGUE["mnist"]


def test_what_the_api_imports_brings_neither_scikit_learn_nor_keras() -> None:
    code = (
        "import json, sys, store.formats.inline, store.formats.folder, models.builtins; "
        "print(json.dumps(sorted(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not {"sklearn", "scipy", "keras", "tensorflow"} & set(json.loads(ran.stdout))
