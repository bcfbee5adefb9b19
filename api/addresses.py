"""The parts of an address. What cannot be one of ours is not found, without asking the database."""

from typing import Annotated

from fastapi import Path

# SQL's integer; more trials or epochs than this there cannot be.
LARGEST_NUMBER = 2**31 - 1

_ID = r"^[A-Za-z0-9_:.\-]+$"
_LONGEST_ID = 100

ExperimentId = Annotated[str, Path(pattern=_ID, max_length=_LONGEST_ID)]
DatasetId = Annotated[str, Path(pattern=_ID, max_length=_LONGEST_ID)]
Number = Annotated[
    int, Path(ge=1, le=LARGEST_NUMBER, description="1, 2, 3 … within the experiment.")
]
