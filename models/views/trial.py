"""What the API says about a trial, its attempts and its epochs."""

from typing import Literal

from pydantic import JsonValue, computed_field

from models.findings import Finding
from models.lifecycle import State, StopReason
from models.views.base import Page, Problem, Time, View


class Best(View):
    """The best value of the monitored metric, and when it was reached."""

    metric: str
    value: float
    epoch: int


class AttemptView(View):
    """One execution of the trial by one worker."""

    number: int
    worker: str
    started_at: Time
    ended_at: Time | None
    outcome: str | None


class TrialView(View):
    """One network trained once."""

    experiment: str
    number: int
    setting: dict[str, JsonValue]
    """What differs from its siblings."""
    repeat: int
    seed: int
    reason: str
    """Why this trial exists."""
    parameters: int
    state: State
    stop_reason: StopReason | None
    epochs: int
    """Epochs trained so far."""
    epochs_planned: int
    best: Best | None
    """None until an epoch has a finite monitored value, and for a diverged trial."""
    latest: "EpochView | None"
    """The newest epoch."""
    attempts: tuple[AttemptView, ...]
    engine: dict[str, JsonValue] | None
    """How it is trained: device, threads, compiled or not, and why."""
    findings: tuple[Finding, ...]
    error: Problem | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_terminal(self) -> bool:
        """Whether the state is final."""
        return self.state.is_terminal

    @computed_field  # type: ignore[prop-decorator]
    @property
    def links(self) -> dict[str, str]:
        """Where to go from here."""
        here = f"/experiments/{self.experiment}/trials/{self.number}"
        return {
            "self": here,
            "experiment": f"/experiments/{self.experiment}",
            "epochs": f"{here}/epochs",
            "health": f"{here}/health",
            "network": f"{here}/network",
        }


class EpochView(View):
    """The metrics of one epoch."""

    epoch: int
    metrics: dict[str, float | None]
    """Training metrics by their Keras names, validation metrics with val_ before."""
    non_finite: dict[str, Literal["nan", "inf", "-inf"]] | None = None
    """The metrics that are null above because they were not finite, and what they were."""
    learning_rate: float | None
    seconds: float
    finished_at: Time


class EpochPage(Page[EpochView]):
    """Epochs after a given one, and whether more can come."""

    state: State
    is_terminal: bool
    """True: the trial is over, and no epoch will follow these."""
