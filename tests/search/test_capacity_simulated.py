"""How often a search over capacity finds the right size, in worlds whose right size is known.

A world has a true expected loss for every size. What a trial comes to is that plus the noise that
real trainings have: rows that are hard for every network of a repeat, rows that one network happens
to get wrong, and a training that went well or badly as a whole; its score is the lowest point of a
noisy learning curve, stopped with patience 2.

NOISE is one standard error of the difference of two sizes, paired over all seeds and rows. The
right size is the smallest one whose true expected loss is within NOISE of the best of all sizes.
Each step up to it gains 2.5 to 6 NOISE, save that in every other world with room for it one step on
the way gains nothing. Beyond it the loss rises by 0.5 to 3 NOISE a step, as where networks begin to
overfit; or it stays as it is, where a larger size is as good a choice and only costs more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch
from models.trial import TrialResult
from search.choice import choose
from search.strategies.climb import Size, widths
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude
from tests.search.climbing import LINEAR, over, size_of, spec_of

DRAWS = 200
SEEDS = 3
ROWS = 300
EPOCHS = 30
# Standard deviations of a row's loss: what all networks of a repeat share, and what each has alone.
SHARED, OWN = 0.5, 0.25
# Of a whole training's loss, by its initial weights and the order of its batches.
TRAINING = 0.008
# Of a point of a learning curve about its trend.
WIGGLE = 0.002
NOISE = sqrt((2 * TRAINING**2 + 2 * OWN**2 / ROWS) / SEEDS)
DEPTHS = 4


@dataclass(frozen=True, slots=True)
class World:
    """The true expected losses, and which size is right."""

    number: int
    losses: Mapping[Size, float]

    @property
    def right(self) -> Size:
        best = min(self.losses.values())
        return next(s for s in by_size(self.losses) if self.losses[s] <= best + NOISE)


def by_size(losses: Mapping[Size, float]) -> list[Size]:
    return sorted(losses, key=lambda s: 10 + 70 * s.units + s.units**2 * max(0, s.depth - 1))


def drawn(number: int, *, rise: tuple[float, float] = (0.5, 3)) -> World:
    """A world: its right size is anywhere on the ladder."""
    random = np.random.default_rng(number)
    wide = [LINEAR, *(Size(1, units) for units in widths(_search()))]
    width = int(random.integers(len(wide)))
    depth = int(random.choice([1, 1, 1, 2, 3])) if width else 1
    gains = random.uniform(2.5, 6, width)
    if width > 1 and random.random() < 0.5:
        gains[random.integers(width - 1)] = 0.0
    deeper = random.uniform(2.5, 6, depth - 1)
    rises = random.uniform(*rise, len(wide) + DEPTHS)

    def at(place: int, best: int, gained: NDArray[np.float64]) -> float:
        return float(gained[place:].sum() if place < best else rises[: place - best].sum())

    losses = {LINEAR: at(0, width, gains)}
    for place, size in enumerate(wide[1:], start=1):
        for layers in range(1, DEPTHS + 1):
            flat = at(place, width, gains) + at(layers - 1, depth - 1, deeper)
            losses[Size(layers, size.units)] = flat
    if depth > 1:
        losses[LINEAR] += float(deeper.sum())
    return World(number, {size: 0.3 + NOISE * loss for size, loss in losses.items()})


def _search() -> CapacitySearch:
    search = spec().search
    assert isinstance(search, CapacitySearch)
    return search


def spec(patience: int = 2) -> ExperimentSpec:
    return spec_of(max_units=1024, seeds=SEEDS, patience=patience, max_depth=DEPTHS)


def trained(world: World, result: TrialResult, size: Size) -> TrialResult:
    """What one training comes to; the same whoever asks for it."""
    random = np.random.default_rng((world.number, size.depth, size.units, result.repeat))
    floor = world.losses[size] + random.normal(0, TRAINING)
    score, epoch = lowest(floor, random)
    shared = np.random.default_rng((world.number, result.repeat)).normal(0, SHARED, ROWS)
    own = random.normal(0, OWN, ROWS)
    # The rows that a network happens to get wrong move its score, too.
    score += float(own.mean())
    rows = score + (shared - shared.mean()) + (own - own.mean())
    return replace(result, score=score, best_epoch=epoch, row_losses=rows.astype(np.float32))


def lowest(floor: float, random: np.random.Generator) -> tuple[float, int]:
    """The lowest point of a learning curve that falls to `floor`, and its epoch from 1."""
    epochs = np.arange(1, EPOCHS + 1)
    curve = floor + np.exp(-epochs / random.uniform(1, 3)) + random.normal(0, WIGGLE, EPOCHS)
    best = 0
    for epoch, loss in enumerate(curve):
        if loss < curve[best]:
            best = epoch
        elif epoch - best >= 2:
            break
    return float(curve[best]), best + 1


def climbed(world: World, patience: int) -> tuple[Size, int]:
    """The size that a search chooses, and how many trainings that took."""
    given = spec(patience)
    results: list[TrialResult] = []
    while True:
        step = strategy_for(given).propose(given, results)
        if isinstance(step, Conclude):
            break
        results += [
            trained(world, over(len(results) + place, proposal, 0.0), size_of(proposal))
            for place, proposal in enumerate(step, start=1)
        ]
    choice = choose(given, results)
    assert choice is not None
    return choice.chosen.size, len(results)


def test_capacity_finds_the_right_size_and_stopping_at_the_first_miss_does_worse() -> None:
    worlds = [drawn(number) for number in range(DRAWS)]
    ours, naive = (
        fmean(climbed(world, patience)[0] == world.right for world in worlds) for patience in (2, 1)
    )
    assert ours >= 0.9
    assert naive <= ours - 0.1


def test_where_larger_sizes_are_as_good_what_is_chosen_is_as_good_as_the_best() -> None:
    worlds = [drawn(number, rise=(0, 0)) for number in range(60)]
    chosen = [climbed(world, 2)[0] for world in worlds]
    within = [
        w.losses[size] <= min(w.losses.values()) + NOISE
        for w, size in zip(worlds, chosen, strict=True)
    ]
    assert fmean(within) >= 0.95
    # And mostly it is the smallest: the best mean alone, of six sizes or so, would seldom be.
    assert fmean(size == w.right for w, size in zip(worlds, chosen, strict=True)) > 0.6


def test_the_right_size_is_spread_over_the_ladder() -> None:
    rights = [drawn(number).right for number in range(DRAWS)]
    assert len(set(rights)) > 8
    assert max(rights.count(size) for size in set(rights)) < DRAWS / 3
