"""The `prune` part of a search: whether trials that fall behind are ended before their time.

Off unless asked for: a trial that is cut short is not compared by what it could have come to.
"""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import Spec
from models.specs.fit import MAX_EPOCHS

_Epochs = Annotated[int, Field(strict=True, ge=1, le=MAX_EPOCHS)]


class MedianPrune(Spec):
    """End a trial whose best is worse than what half of the others were on average by then."""

    rule: Literal["median"]
    warmup_epochs: _Epochs = 5
    """No trial is ended before it has trained so many."""
    min_trials: Annotated[int, Field(strict=True, ge=1, le=1000)] = 3
    """Nor before so many trials of other settings can be compared with."""


class AshaPrune(Spec):
    """Asynchronous successive halving: at each rung one in `reduction` goes on.

    The first rung is at `min_epochs`, and each next one at `reduction` times as many.
    """

    rule: Literal["asha"]
    min_epochs: _Epochs = 3
    """The first epoch after which trials are compared."""
    reduction: Annotated[int, Field(strict=True, ge=2, le=64)] = 3


PruneSpec = Annotated[MedianPrune | AshaPrune, Field(discriminator="rule")]
