"""Posts a search to the running service and waits for what it concludes, saying how far it is."""

import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from benchmarks.service import Service

# No search here takes a third of it on two idle cores.
PATIENCE_SECONDS = 1800.0
WORD_SECONDS = 10.0

_CONSOLE = Console(stderr=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One setting of a search, over all its splits.

    Attributes:
        setting: what differs from the others.
        loss: mean over splits of val_loss at its best epoch.
        deviation: of the same between splits; None for one split.
        accuracy: of all validation rows of all splits, at those epochs; None without classes.
        difference: of row losses from the best candidate, with its standard error; above 0 it is
            worse. None for the best itself.
        trials: numbers of them.
    """

    setting: dict[str, Any]
    loss: float
    deviation: float | None
    accuracy: float | None
    difference: tuple[float, float] | None
    trials: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A search that is over.

    Attributes:
        experiment: its id.
        fits: how many trainings it took.
        epochs: that they trained in all.
        winner: the candidate that the conclusion names.
        winner_spec: its best trial, ready to POST.
        candidates: those that have a score, best first.
        seconds: from POST to conclusion.
    """

    experiment: str
    fits: int
    epochs: int
    winner: Candidate
    winner_spec: dict[str, Any]
    candidates: tuple[Candidate, ...]
    seconds: float


def concluded(running: Service, what: str, spec: dict[str, Any]) -> Concluded:
    """POST a search and wait for its end.

    Args:
        running: the service.
        what: is searched, for the lines that say how far it is.
        spec: of the experiment.

    Raises:
        TimeoutError: it is not over after half an hour.
        RuntimeError: it ended without a winner.
    """
    begun = time.monotonic()
    experiment = running.post(spec)
    view = _followed(running, experiment, what)
    conclusion = view["conclusion"]
    if conclusion is None or conclusion["winner"] is None:
        raise RuntimeError(f"{what} ended without a winner: {view['error']}")
    comparison = running.client.get(f"/experiments/{experiment}/comparison").json()
    candidates = tuple(_candidate(each) for each in comparison["candidates"] if each["rank"])
    won = conclusion["winner"]
    return Concluded(
        experiment=experiment,
        fits=sum(view["progress"]["trials"].values()),
        epochs=view["progress"]["epochs_done"],
        winner=next(each for each in candidates if won["trial"] in each.trials),
        winner_spec=won["spec"],
        candidates=candidates,
        seconds=time.monotonic() - begun,
    )


def _candidate(given: dict[str, Any]) -> Candidate:
    difference, accuracy = given["difference"], given["accuracy"]
    return Candidate(
        setting=given["setting"],
        loss=given["score"],
        deviation=given["standard_deviation"],
        accuracy=None if accuracy is None else accuracy["value"],
        difference=difference and (difference["mean"], difference["standard_error"]),
        trials=tuple(given["trials"]),
    )


def _followed(running: Service, experiment: str, what: str) -> dict[str, Any]:
    """Long-poll until it is over, with a line now and then."""
    begun = said = time.monotonic()
    while time.monotonic() - begun < PATIENCE_SECONDS:
        view: dict[str, Any] = running.client.get(
            f"/experiments/{experiment}", params={"wait": 5}, timeout=30
        ).json()
        now = time.monotonic()
        if view["is_terminal"]:
            _CONSOLE.print(f"  {what}: over after {now - begun:.0f} s")
            return view
        if now - said >= WORD_SECONDS:
            said = now
            trials = view["progress"]["trials"]
            states = ", ".join(f"{count} {state}" for state, count in trials.items())
            _CONSOLE.print(f"  {what}: {now - begun:.0f} s, {states}")
    raise TimeoutError(f"{what} is not over after {PATIENCE_SECONDS:.0f} s")
