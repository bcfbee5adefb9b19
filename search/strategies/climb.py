"""The climb from small networks to large: wider, then deeper, until more stops to help.

The algorithm alone: which sizes follow from how the smaller ones did.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pydantic import JsonValue

from models.monitor import Monitored
from models.specs.search import CapacitySearch

LINEAR = 0


@dataclass(frozen=True, slots=True)
class Size:
    """A dense network: so many hidden layers of so many units.

    Attributes:
        depth: hidden layers; 0 is a linear network.
        units: of each; 0 for a linear network.
    """

    depth: int
    units: int

    def setting(self) -> dict[str, JsonValue]:
        """What differs from other sizes, for people."""
        if self.depth == LINEAR:
            return {"hidden_layers": LINEAR}
        return {"hidden_layers": self.depth, "units": self.units}

    def network(self, activation: str) -> dict[str, JsonValue]:
        """Its spec, without the output layer."""
        layer: JsonValue = {"layer": "Dense", "units": self.units, "activation": activation}
        return {"layers": [layer] * self.depth}

    def __str__(self) -> str:
        if self.depth == LINEAR:
            return "no hidden layer"
        layers = "1 hidden layer" if self.depth == 1 else f"{self.depth} hidden layers"
        return f"{layers} of {self.units} units"


@dataclass(frozen=True, slots=True)
class Rung:
    """A size that has to be trained, and why."""

    size: Size
    reason: str


@dataclass(frozen=True, slots=True)
class Climb:
    """What follows from the sizes that are decided.

    Attributes:
        rungs: all that have to be trained whatever comes of those that are not decided yet, in
            order; a rung's place is its candidate.
        end: why nothing follows on them; None while something may.
    """

    rungs: tuple[Rung, ...]
    end: str | None


def widths(search: CapacitySearch) -> tuple[int, ...]:
    """The units to try in one hidden layer: by the factor up to the ceiling, which is the last."""
    found = [search.start]
    while found[-1] < search.ceiling:
        found.append(min(found[-1] * search.factor, search.ceiling))
    return tuple(found)


Scores = Mapping[int, float]
"""Repeat -> score, of one rung."""


def climbed(search: CapacitySearch, done: Sequence[Scores], judged: Monitored) -> Climb:
    """Follow the algorithm through the rungs that are decided: wider, then deeper."""
    wide = (Size(LINEAR, 0), *(Size(1, units) for units in widths(search)))
    best = _best(done[: len(wide)], search.patience, judged)
    certain = search.patience if best is None else best + 1 + search.patience
    rungs = tuple(_wide_rungs(wide[:certain], search))
    if len(done) < len(rungs):
        return Climb(rungs, None)
    if best is None:
        return Climb(rungs, f"none of the first {len(rungs)} sizes has a score")
    if best == LINEAR:
        return Climb(rungs, f"{_no_better(len(rungs) - 1, judged)} no hidden layer at all")
    return _deepened(search, rungs, best, done, judged)


def _deepened(
    search: CapacitySearch,
    wider: tuple[Rung, ...],
    widest: int,
    done: Sequence[Scores],
    judged: Monitored,
) -> Climb:
    """Go on at the best width with one layer more, until one more is no better."""
    units, holder, rungs = wider[widest].size.units, widest, wider
    for depth in range(2, search.max_depth + 1):
        size = Size(depth, units)
        at = f"the best width with {depth} layers instead of {depth - 1}"
        rungs = (*rungs, Rung(size, at))
        place = len(rungs) - 1
        if place >= len(done):
            return Climb(rungs, None)
        if not beats(done[place], done[holder], judged):
            return Climb(rungs, f"{size} did no better than {rungs[holder].size}")
        holder = place
    if holder == widest:
        return Climb(rungs, _widened(search, wider, widest, judged))
    return Climb(rungs, f"{search.max_depth} hidden layers are as many as were to be tried")


def _widened(search: CapacitySearch, wider: Sequence[Rung], widest: int, judged: Monitored) -> str:
    """Why widening stopped, where no depth was to be tried."""
    more = len(wider) - 1 - widest
    if more < search.patience:
        return f"{search.ceiling} units are as many as were to be tried"
    return f"{_no_better(more, judged)} {wider[widest].size}"


def _no_better(sizes: int, judged: Monitored) -> str:
    larger = "the larger size" if sizes == 1 else f"{sizes} larger sizes"
    return f"{larger} reached no better {judged.metric} than"


def _best(done: Sequence[Scores], patience: int, judged: Monitored) -> int | None:
    """The place of the last new best before patience ran out; None where no rung has scores."""
    place: int | None = None
    for here, scores in enumerate(done):
        last = -1 if place is None else place
        if here - last > patience:
            break
        if scores and (place is None or beats(scores, done[place], judged)):
            place = here
    return place


def beats(challenger: Scores, holder: Scores, judged: Monitored) -> bool:
    """Whether the mean is better over the seeds that both have: others have other rows."""
    both = sorted(challenger.keys() & holder.keys())
    if not both:
        return bool(challenger) and not holder
    means = [fmean(scores[repeat] for repeat in both) for scores in (challenger, holder)]
    return judged.better(means[0], than=means[1])


def _wide_rungs(sizes: Sequence[Size], search: CapacitySearch) -> Iterator[Rung]:
    for place, size in enumerate(sizes):
        if place == LINEAR:
            yield Rung(size, "a linear network, which every larger one has to beat")
        elif place == 1:
            yield Rung(size, f"one hidden layer, of {search.start} units to start with")
        else:
            before = sizes[place - 1].units
            yield Rung(size, f"one hidden layer, {size.units / before:g} times as wide as {before}")
