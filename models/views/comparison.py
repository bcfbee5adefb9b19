"""What an experiment showed: its candidates ranked, their curves, the winner."""

from pydantic import JsonValue

from models.lifecycle import State
from models.views.base import View


class Candidate(View):
    """One setting with all its repeats.

    Attributes:
        score: mean over repeats of each trial's best monitored value; None without a finite one.
        standard_deviation: of the same over repeats (n - 1); None for fewer than two.
        best_epoch: mean over repeats of the epoch with the best value.
        seconds: mean training time of a trial.
        curves: metric -> mean over repeats at each epoch from 1; None where no repeat has a value.
    """

    rank: int | None
    setting: dict[str, JsonValue]
    trials: tuple[int, ...]
    states: tuple[State, ...]
    stop_reasons: tuple[str, ...]
    score: float | None
    standard_deviation: float | None
    best_epoch: float | None
    epochs: float
    parameters: int
    seconds: float
    curves: dict[str, tuple[float | None, ...]]


class Comparison(View):
    """All candidates, best first; those without a score come last and have no rank."""

    metric: str
    mode: str
    """"min" or "max": which way is better."""
    epochs: tuple[int, ...]
    """The epochs along which the curves are aligned."""
    candidates: tuple[Candidate, ...]


class Ranked(View):
    """One line of a conclusion's ranking."""

    rank: int | None
    setting: dict[str, JsonValue]
    score: float | None
    standard_deviation: float | None
    trials: tuple[int, ...]
    stop_reasons: tuple[str, ...]


class Winner(View):
    """The setting with the best score, and its best trial."""

    trial: int
    setting: dict[str, JsonValue]
    metric: str
    value: float
    epoch: int


class Conclusion(View):
    """What the experiment showed."""

    winner: Winner | None
    """None when no trial has a score."""
    metric: str
    ranking: tuple[Ranked, ...]
    reason: str
    """Why the search stopped."""
    summary: tuple[str, ...]
    """Sentences for a person."""
