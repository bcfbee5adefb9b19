"""Sixty-odd trainings drawn from a seed, of all that a spec can ask for, to compare with `fit`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from models.specs.layers.layer import Shape
from models.specs.losses import AnyLoss, Loss
from models.specs.names import snake_case
from models.specs.shapes import infer
from models.trial import TrialSpec
from tests.trainer.menagerie.bodies import Bodies
from tests.trainer.menagerie.deck import Deck
from tests.trainer.menagerie.settings import (
    BATCHES,
    LOSSES,
    METRIC,
    OPTIMIZERS,
    PLATEAUS,
    SCHEDULES,
    STOPPING,
    metrics,
    outputs,
)
from tests.trainer.trials import trial
from worker.trainer.labels import encode, row_weights
from worker.trainer.rows import HeldRows

SEED = 4
DRAWN = 62
EPOCHS = 5
VALIDATION_ROWS = 45

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Rows as a network takes them; no validation where the spec wants none."""

    training: HeldRows
    validation: HeldRows | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One training.

    Attributes:
        name: tells it from the others, and what it is made of.
        spec: with class weights by number: "0", "1".
        shape: of one row.
        rows: how many are trained on; VALIDATION_ROWS more validate where the spec wants any.
        weighted: every row has a weight of its own in the loss.
        diverges: its loss ceases to be finite.
    """

    name: str
    spec: TrialSpec
    shape: Shape
    rows: int
    weighted: bool = False
    diverges: bool = False

    @property
    def class_weight(self) -> dict[int, float] | None:
        """As fit takes it: of every class, for rows from a dataset."""
        given = self.spec.fit.class_weight
        if not isinstance(given, dict):
            return None
        return {code: given.get(str(code), 1.0) for code in range(self._width)}

    @property
    def _width(self) -> int:
        """How many classes or numbers there are to tell."""
        return max(2, outputs(self.spec.compile.loss.encoding))

    def data(self, rows: int | None = None) -> Data:
        """Rows that can be learned, though not perfectly; another number of them where asked."""
        count = self.rows if rows is None else rows
        chance = np.random.default_rng(self.spec.seed)
        x = chance.normal(size=(count + VALIDATION_ROWS, *self.shape)).astype("float32")
        y, weights = self._targets(x.reshape(len(x), -1), chance)
        if self.weighted:
            weights = chance.uniform(0.2, 3, len(x)).astype("float32")
        return Data(
            training=HeldRows(
                x=x[:count], y=y[:count], weights=None if weights is None else weights[:count]
            ),
            validation=HeldRows(x=x[count:], y=y[count:])
            if self.spec.fit.validation_split
            else None,
        )

    def _targets(
        self, x: NDArray[np.float32], chance: np.random.Generator
    ) -> tuple[NDArray[np.generic], NDArray[np.float32] | None]:
        """Targets of flat rows as the loss wants them, and class weights spread over the rows."""
        encoding = self.spec.compile.loss.encoding
        width = self._width
        signal = x @ chance.normal(size=(x.shape[1], width)) / x.shape[1] ** 0.5
        signal += chance.normal(size=signal.shape) / 2
        if encoding == "number":
            # From 0.5 up, so that neither its logarithm nor a per cent of it is anything special.
            return (1.5 + np.tanh(signal)).astype("float32"), None
        codes = signal.argmax(axis=1)
        labels = [str(code) for code in range(width)]
        return encode(codes, encoding, width), row_weights(codes, self.spec.fit, labels)


class _Drawing:
    """Deals members."""

    def __init__(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        self._chance = chance
        self._bodies = Bodies(chance)
        self._optimizers = Deck(chance, OPTIMIZERS)
        self._schedules = Deck(chance, SCHEDULES)
        self._losses = Deck(chance, LOSSES)
        self._metrics: dict[tuple[str, ...], Deck[Fields]] = {}
        self._how_many_metrics = Deck(chance, (1, 2, 3))
        self._stopping = Deck(chance, STOPPING)
        self._plateaus = Deck(chance, PLATEAUS)
        self._batches = Deck(chance, BATCHES)
        self._validating = Deck(chance, (True, True, True, False))
        self._weights = Deck(chance, ("none", "none", "class", "row"))

    def member(self, number: int) -> Member:
        """The next one."""
        shape, body = self._bodies.deal()
        fields = self._losses.deal()
        loss: AnyLoss = _LOSS.validate_python(fields)
        rows, batch = self._batches.deal()
        weights = self._weights.deal()
        chosen = self._metrics_beside(loss)
        fit = {"batch_size": batch, **self._fit(chosen[0]["metric"])}
        if weights == "class" and loss.encoding != "number":
            fit["class_weight"] = {"0": 0.5, "1": 2.0}
        return _member(
            number,
            shape=shape,
            layers=[*body, self._output(loss)],
            loss=fields,
            optimizer=self._optimizer(plateaus=fit["reduce_lr_on_plateau"] is not None),
            metrics=chosen,
            fit=fit,
            rows=rows,
            weighted=weights == "row",
        )

    def _output(self, loss: AnyLoss) -> Fields:
        possible = loss.accepted_activations or ("linear", "softplus")
        return {
            "layer": "Dense",
            "units": outputs(loss.encoding),
            "activation": possible[self._chance.integers(len(possible))],
        }

    def _optimizer(self, *, plateaus: bool) -> Fields:
        optimizer = self._optimizers.deal()
        # On a plateau Keras can lower a constant rate only.
        schedule = None if plateaus else self._schedules.deal()
        if schedule is None:
            return optimizer
        return optimizer | {"learning_rate": schedule(optimizer["learning_rate"])}

    def _metrics_beside(self, loss: AnyLoss) -> list[Fields]:
        possible = metrics(loss)
        names = tuple(each["metric"] for each in possible)
        deck = self._metrics.setdefault(names, Deck(self._chance, possible))
        dealt = [deck.deal() for _ in range(self._how_many_metrics.deal())]
        return list({each["metric"]: each for each in dealt}.values())

    def _fit(self, metric: str) -> Fields:
        """Validation, and what watches it; without it, they watch the training rows."""
        validated = self._validating.deal()
        prefix = "val_" if validated else ""
        watching: dict[str, Fields | None] = {
            "early_stopping": self._stopping.deal(),
            "reduce_lr_on_plateau": self._plateaus.deal(),
        }
        for part, fields in watching.items():
            if fields is not None:
                watched = snake_case(metric) if fields.get("monitor") == METRIC else "loss"
                watching[part] = fields | {"monitor": prefix + watched}
        return {"validation_split": 0.3 if validated else 0.0, **watching}


_LOSS: TypeAdapter[AnyLoss] = TypeAdapter(Loss)


def _member(
    number: int,
    *,
    shape: Shape,
    layers: list[Fields],
    loss: Fields,
    optimizer: Fields,
    metrics: list[Fields],
    fit: Fields,
    rows: int,
    weighted: bool = False,
    diverges: bool = False,
) -> Member:
    spec = trial(
        layers=layers,
        loss=loss,
        compile={"optimizer": optimizer, "metrics": metrics},
        fit={"epochs": EPOCHS, "shuffle": False, **fit},
        seed=number,
    )
    infer(spec.network.layers, shape)  # a card that does not fit is found here, not by Keras
    body = "-".join(each.keras_name for each in spec.network.layers[:-1]) or "linear"
    how = f"{optimizer['optimizer']}, {loss['loss']}, {rows} rows by {spec.fit.batch_size}"
    return Member(
        name=f"{number}: {body}, {how}",
        spec=spec,
        shape=shape,
        rows=rows,
        weighted=weighted,
        diverges=diverges,
    )


def _diverging(number: int, rate: float, stopping: Fields | None) -> Member:
    return _member(
        number,
        shape=(6,),
        layers=[
            {"layer": "Dense", "units": 16, "activation": "relu"},
            {"layer": "Dense", "units": outputs("number")},
        ],
        loss={"loss": "MeanSquaredError"},
        optimizer={"optimizer": "SGD", "learning_rate": rate},
        metrics=[{"metric": "MeanAbsoluteError"}],
        fit={"batch_size": 16, "early_stopping": stopping},
        rows=100,
        diverges=True,
    )


def draw(seed: int = SEED) -> tuple[Member, ...]:
    """All of them; the last two diverge."""
    drawing = _Drawing(seed)
    return (
        *(drawing.member(number) for number in range(1, DRAWN + 1)),
        _diverging(DRAWN + 1, 100.0, None),
        _diverging(DRAWN + 2, 1.0, {"patience": 3}),
    )


MEMBERS = draw()
