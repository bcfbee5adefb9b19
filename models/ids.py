"""Public identifiers: a prefix that says what it is, then a UUIDv7, so that ids sort by age."""

from uuid6 import uuid7


def new_experiment_id() -> str:
    """A fresh id such as "exp_0199d2c4a7b07c3e8f6b2f1c0d9e8a7b"."""
    return f"exp_{uuid7().hex}"


def new_dataset_id() -> str:
    """A fresh id such as "ds_0199d2c4a7b07c3e8f6b2f1c0d9e8a7b"."""
    return f"ds_{uuid7().hex}"
