"""What the API says about an experiment."""

from typing import Annotated

from pydantic import Field, JsonValue, computed_field

from models.findings import Finding
from models.lifecycle import State
from models.specs.experiment import ExperimentSpec
from models.views.base import Problem, Time, View
from models.views.comparison import Conclusion
from models.views.trial import Best


class Progress(View):
    """How far it is."""

    trials: dict[State, int]
    """Trials by state; states without trials are left out."""
    epochs_done: int
    epochs_planned: int
    """At most; early stopping ends trials before."""
    fraction: float
    """0 … 1: epochs done of epochs planned, a trial that is over counting in full."""
    eta_seconds: float | None
    """From the pace so far; None before there is one."""
    queue_position: int | None
    """Trials of all experiments that go first; None unless queued."""


class BestTrial(Best):
    """The best trial so far."""

    trial: int
    setting: dict[str, JsonValue]


class ExperimentView(View):
    """An experiment as it stands."""

    id: str
    name: str
    labels: dict[str, str]
    state: State
    spec: Annotated[ExperimentSpec | dict[str, JsonValue], Field(union_mode="left_to_right")]
    """As it was submitted, with every default filled in; one that another version of the service
    stored and this one cannot read is shown as it is."""
    version: int
    """Rises with every visible change; the ETag."""
    progress: Progress
    best: BestTrial | None
    conclusion: Conclusion | None
    findings: tuple[Finding, ...]
    """What was found wrong with the training of the winner, and with the experiment as a whole."""
    warnings: tuple[Finding, ...] = ()
    """What looked wrong before anything was trained."""
    error: Problem | None
    """Why it failed; while it runs, why its search was given up."""
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
        here = f"/experiments/{self.id}"
        origin = self.spec.derived_from if isinstance(self.spec, ExperimentSpec) else None
        return {
            "self": here,
            "trials": f"{here}/trials",
            "comparison": f"{here}/comparison",
            "events": f"{here}/events",
            "network": f"{here}/network",
            "next": f"{here}/next",
            "cancel": f"{here}/cancel",
        } | ({"derived_from": f"/experiments/{origin.experiment}"} if origin else {})


class PlannedTrial(View):
    """A trial as it would be."""

    number: int
    setting: dict[str, JsonValue]
    repeat: int
    seed: int
    reason: str
    parameters: int
    """0 for one that cannot be trained."""
    layers: tuple["PlannedLayer", ...]
    loss: str | None
    error: Problem | None
    """Why it cannot be trained, and would be skipped; null when it can."""


class PlannedLayer(View):
    """A layer with what follows from its input: shapes are without the batch."""

    layer: str
    output_shape: tuple[int, ...]
    parameters: int


class Plan(View):
    """What a POST would start: the answer to a dry run."""

    spec: ExperimentSpec
    """With every default filled in."""
    task: str
    rows: int
    training_rows: int
    validation_rows: int
    trials: tuple[PlannedTrial, ...]
    """Those that it starts with."""
    outlook: str | None
    """What may follow them, as the search sees how they do; None where they are all."""
    warnings: tuple[Finding, ...] = ()
    """What looks wrong; it can be trained all the same."""


class EventView(View):
    """One numbered fact of an experiment's history."""

    number: int
    kind: str
    trial: int | None
    attempt: int | None
    worker: str | None
    reason: str
    at: Time
