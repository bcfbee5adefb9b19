"""Measurements by which rules may be changed: tables that scikit-learn carries to test its reader.

They are whole, as their authors published them, and come with the locked wheel.
"""

import csv
import gzip
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from benchmarks.health.rows import Array, Rows, standardized

TABLES = "sklearn.datasets.tests.data.openml"


def processors() -> Rows:
    """How fast is a computer of 1987, in decades, by its cycle time in ns, memory and channels?

    Ein-Dor and Feldmesser, "Attributes of the Performance of Central Processing Units", CACM 30,
    1987: 209 machines, six numbers each, from 0 to 64,000.
    """
    numbers = np.array(
        [line[1:] for line in _lines("id_561/data-v1-dl-52739.arff.gz")], dtype=np.float64
    )
    return Rows("numbers", numbers[:, :-1], standardized(np.log10(numbers[:, -1])))


def penguins() -> Rows:
    """How heavy is a penguin, by its bill and flipper in mm, its species and its sex?

    Gorman, Williams and Fraser, "Ecological Sexual Dimorphism and Environmental Variability within
    a Community of Antarctic Penguins", PLOS ONE 9(3), 2014: those of 344 that were measured wholly.
    """
    lines = [
        line
        for line in _lines("id_42585/data-v1-dl-21854866.arff.gz")
        if "?" not in line and line[-1] != "_"
    ]
    numbers = np.array([line[2:6] for line in lines], dtype=np.float64)
    kinds = _marked([(species, sex) for species, *_, sex in lines])
    return Rows("numbers", np.hstack((numbers[:, :-1], kinds)), standardized(numbers[:, -1]))


def glass() -> Rows:
    """Was a splinter of a window floated or not, by its refraction and eight oxides in percent?

    Evett and Spiehler, "Rule Induction in Forensic Science", Home Office, 1987: 163 splinters.
    """
    numbers = np.array(_lines("id_40675/data-v1-dl-4965250.arff.gz"), dtype=np.float64)
    return Rows("classes", numbers[:, :-1], numbers[:, -1])


def chess() -> Rows:
    """Does white, with king and rook, win against a pawn about to queen, by 36 marks of the board?

    Shapiro, "Structured Induction in Expert Systems", 1987: 3,196 positions, of which a seed draws
    what it uses; each mark is there or not, but for one that has a third value.
    """
    lines = _lines("id_3/data-v1-dl-3.arff.gz")
    won = np.array([line[-1] == "won" for line in lines], dtype=np.float64)
    return Rows("classes", _marked([line[:-1] for line in lines]), won)


def _marked(lines: Sequence[Sequence[str]]) -> Array:
    """A column of 0 and 1 for each value but the first of each column of words."""
    columns = [np.array(column) for column in zip(*lines, strict=True)]
    marks = [column == value for column in columns for value in np.unique(column)[1:]]
    return np.stack(marks, axis=1).astype(np.float64)


def _lines(path: str) -> list[list[str]]:
    """Those of an ARFF file after its header, as text."""
    text = gzip.decompress((files(TABLES) / path).read_bytes()).decode()
    _, _, data = text.replace("'", '"').replace("@DATA", "@data").partition("@data")
    lines = [line.strip() for line in data.splitlines()]
    return list(csv.reader(line for line in lines if line and not line.startswith("%")))
