"""What a network has to fit: the meaning of a dataset under one data spec.

The network, its output layer, loss and metrics are checked against these facts and nothing else, so
those checks know no columns and no files. Made by `models.data_meaning`.
"""

from dataclasses import dataclass

from models.specs.data import Task


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is known before training of the rows that a spec selects.

    Attributes:
        input_shape: one prepared row without the batch: (n,) for a table, n counted after text
            columns became one column a category; the shape of a row of x for arrays.
        task: what the target asks for.
        classes: the labels, in the order of the network's outputs; None for regression.
        rows: rows with a target; with `"missing": "drop"` the most that can be left.
        outputs: numbers to predict a row, for regression; 1 for classification.
        negative_target: a regression target goes below zero (some losses need it not to).
        target_maximum: the largest value of a regression target; None when not known.
        class_rows: how many rows each class has, in the order of `classes`; empty when not known.
    """

    input_shape: tuple[int, ...]
    task: Task
    classes: tuple[str, ...] | None
    rows: int
    outputs: int = 1
    negative_target: bool = False
    target_maximum: float | None = None
    class_rows: tuple[int, ...] = ()
