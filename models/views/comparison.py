"""What an experiment showed: its candidates ranked, their curves, the winner."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from models.lifecycle import State
from models.specs.experiment import ExperimentSpec
from models.views.base import View


class Difference(View):
    """The losses of validation rows by one candidate minus those by the best one, row by row."""

    mean: float
    """Above 0 the candidate is worse."""
    standard_error: float
    rows: int
    """That were paired, over all repeats."""
    repeats: int


class Accuracy(View):
    """The share of validation rows that are classified right, at the best epochs."""

    value: float
    standard_error: float
    """sqrt(value x (1 - value) / rows)."""
    rows: int
    """Over all repeats."""


class Candidate(View):
    """One setting with all its repeats.

    Attributes:
        score: mean over repeats of each trial's best monitored value; None without a finite one.
        standard_deviation: of the same over repeats (n - 1); None for fewer than two.
        difference: from the best candidate; None for itself, where rows cannot be paired, and
            beyond the best 50.
        tied: not shown to be worse than the best: by one standard error of the difference.
        accuracy: of a classifier with such a metric, once a trial is over.
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
    difference: Difference | None
    tied: bool | None
    accuracy: Accuracy | None
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
    difference: Difference | None = None
    """From the best candidate."""
    tied: bool | None = None
    """Not shown to be worse than the best."""
    trials: tuple[int, ...]
    stop_reasons: tuple[str, ...]


class Winner(View):
    """The setting that won, and its best trial."""

    trial: int
    setting: dict[str, JsonValue]
    metric: str
    value: float
    epoch: int
    spec: (
        Annotated[ExperimentSpec | dict[str, JsonValue], Field(union_mode="left_to_right")] | None
    ) = None
    """That trial alone, ready to POST: the same rows, batch order and initial weights, so the same
    history. Null in conclusions of earlier versions."""


class SizeLine(View):
    """One size of a search over capacity."""

    setting: dict[str, JsonValue]
    parameters: int
    score: float | None
    standard_deviation: float | None
    difference: Difference | None
    """From the size with the best score."""
    as_good: bool
    """As the best, by one standard error."""
    unbeaten: bool
    """No larger size is shown to be better."""


class Sizes(View):
    """What a search over capacity showed."""

    chosen: dict[str, JsonValue]
    """The smallest that is as good as the best."""
    best: dict[str, JsonValue]
    """The one with the best score."""
    enough: dict[str, JsonValue] | None
    """The first that no larger one beats."""
    table: tuple[SizeLine, ...]
    """By number of parameters."""


RateWord = Literal["too_low", "too_high", "good", "not_decided"]


class RateVerdict(View):
    """What a comparison of learning rates showed of one of them.

    Attributes:
        verdict: "good" is the best one, and each that is as good within noise; "not_decided" where
            the evidence is missing or speaks against itself.
        evidence: the numbers that decided, in words.
        trials: that were trained at it.
    """

    learning_rate: float
    verdict: RateWord
    evidence: str
    trials: tuple[int, ...]


class RepairOutcome(View):
    """What became of the finding that an experiment was derived from."""

    experiment: str
    """The earlier one."""
    trial: int
    """Of the earlier one."""
    finding: str
    """Its code."""
    before: float | None
    """Best value of the monitored metric then; null without one, and when that trial is gone."""
    after: float | None
    """Best value of the metric that is monitored now, which the repair may have changed."""
    compared: int | None
    """The trial of this experiment that it is compared with."""
    difference: Difference | None
    """Losses of the validation rows, after minus before: below 0 the repair is the better. Null
    where the two were not validated on the same rows."""
    helped: bool | None
    """Whether the rows cost less by more than one standard error; null where that cannot be told.
    """
    sentence: str


class Conclusion(View):
    """What the experiment showed."""

    winner: Winner | None
    """None when no trial has a score."""
    metric: str
    ranking: tuple[Ranked, ...]
    ties: tuple[dict[str, JsonValue], ...] = ()
    """Settings besides the winner's that are as good as the best, as far as can be told."""
    sizes: Sizes | None = None
    """Of a search over capacity."""
    rates: tuple[RateVerdict, ...] = ()
    """Of a comparison of learning rates, the lowest first."""
    repair: RepairOutcome | None = None
    """Of an experiment with `derived_from`."""
    reason: str
    """Why the search stopped."""
    summary: tuple[str, ...]
    """Sentences for a person."""
