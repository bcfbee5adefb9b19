"""Searches over capacity whose sizes come to known losses."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.lifecycle import StopReason
from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult, changed
from search.strategies.climb import Size
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude
from tests.search.results import proposed

LINEAR = Size(0, 0)
ROWS = 200

Losses = Mapping[Size, float | None]


def spec_of(seed: int = 7, **search: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "data": {"dataset": "builtin:digits"},
            "search": {"strategy": "capacity", **search},
            "seed": seed,
        }
    )


def size_of(proposal: Proposal) -> Size:
    network = changed(spec_of(), proposal.changes).network
    assert network is not None
    units = [layer.units for layer in network.layers if layer.layer == "Dense"]
    assert len(units) == len(network.layers)
    assert len(set(units)) <= 1
    return Size(len(units), units[0] if units else 0)


def over(number: int, proposal: Proposal, loss: float | None) -> TrialResult:
    """A trial that came to this loss; None: it diverged."""
    size = size_of(proposal)
    row_losses = None
    if loss is not None:
        noise = np.random.default_rng(proposal.repeat).normal(0, 0.1, ROWS)
        row_losses = (loss + noise - noise.mean()).astype(np.float32)
    return proposed(
        number,
        proposal,
        loss,
        stop_reason=StopReason.DIVERGED if loss is None else StopReason.EARLY_STOPPED,
        parameters=10 + 70 * size.units + size.units**2 * max(0, size.depth - 1),
        row_losses=row_losses,
    )


def climb(spec: ExperimentSpec, losses: Losses) -> tuple[list[TrialResult], str]:
    """Let every proposal come to the loss of its size; what is not listed comes to 1."""
    results: list[TrialResult] = []
    while True:
        step = strategy_for(spec).propose(spec, results)
        if isinstance(step, Conclude):
            return results, step.reason
        assert step
        results += [
            over(len(results) + place, proposal, losses.get(size_of(proposal), 1.0))
            for place, proposal in enumerate(step, start=1)
        ]
