"""Epochs that run out: what still falls at the end is found, what has settled is not."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.judge import judge
from health.repairs.fit import keep_best_weights, train_longer
from health.rules.not_converged import check
from health.verdict import Found, Healthy, NotApplicable
from models.lifecycle import StopReason
from models.measurements import LackOfFit
from models.specs.fit import MAX_EPOCHS
from models.trial import changed
from tests.health.courses import course, hidden, measurement, paired, spec, with_output_layer

FALLING = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


def test_what_falls_until_the_last_epoch_is_not_converged() -> None:
    verdict = check(course(losses=FALLING))

    assert isinstance(verdict, Found)
    assert verdict.finding.severity == "warning"
    assert "epoch 6 of 6" in verdict.finding.evidence


def test_a_fall_from_far_above_is_told_in_times() -> None:
    from_afar = [measurement(n, loss=0.3) for n in (0, 1, 6)]

    verdict = check(course(losses=(1e6, 9e5, 8e5, 7e5, 2.0, 0.3), measurements=from_afar))

    assert isinstance(verdict, Found)
    assert "by 727,000 times the loss of knowing nothing; 27 % of" in verdict.finding.evidence


@pytest.mark.parametrize(
    "losses",
    [
        (1.0, 0.7, 0.5, 0.46, 0.45, 0.449),  # settled
        (1.0, 0.8, 0.6, 0.5, 0.4, 0.41),  # the best is not the last
        (0.3, 0.25, 0.2, 0.15, 0.1, 0.05),  # nothing is left
    ],
)
def test_a_training_that_has_settled_has_converged(losses: Sequence[float]) -> None:
    settled = [measurement(0), measurement(1, loss=0.02), measurement(6, loss=0.02)]

    assert isinstance(check(course(losses=losses, measurements=settled)), Healthy)


@pytest.mark.parametrize(("mean", "is_found"), [(-0.011, True), (-0.009, False), (0.02, False)])
def test_a_fall_within_the_noise_of_the_rows_is_none(mean: float, *, is_found: bool) -> None:
    seen = [measurement(0), measurement(3), measurement(6, since_last=paired(mean, since=3))]

    assert isinstance(check(course(losses=FALLING, measurements=seen)), Found) is is_found


@pytest.mark.parametrize(
    ("share", "losses", "severity"),
    [
        (0.11, FALLING, "warning"),
        (0.09, FALLING, "info"),  # what is left is noise
        (0.19, (1.0, 0.8, 0.7, 0.75), None),
        (0.21, (1.0, 0.8, 0.7, 0.75), "warning"),  # few epochs swing
        (0.31, (1.0, 0.7, 0.8, 0.75), None),
        (0.31, (1.0, 0.9, 0.8, 0.6, 0.7, 0.75), None),  # too long ago
    ],
)
def test_what_the_inputs_still_explain_says_whether_it_matters(
    share: float, losses: Sequence[float], severity: str | None
) -> None:
    fit = LackOfFit(share=share, standard_error=0.02)
    seen = [measurement(0), measurement(len(losses), lack_of_fit=fit)]

    verdict = check(course(losses=losses, measurements=seen))

    assert (verdict.finding.severity if isinstance(verdict, Found) else None) == severity


@pytest.mark.parametrize(
    ("losses", "stop_reason"),
    [
        ((1.0, 0.5), StopReason.COMPLETED),
        ((), StopReason.COMPLETED),
        ((1.0, None, 0.5), StopReason.COMPLETED),
        (FALLING, None),
        *((FALLING, reason) for reason in StopReason if reason is not StopReason.COMPLETED),
    ],
)
def test_only_a_training_that_came_to_its_last_epoch_is_asked(
    losses: Sequence[float | None], stop_reason: StopReason | None
) -> None:
    verdict = check(course(losses=losses, stop_reason=stop_reason))

    assert isinstance(verdict, NotApplicable)


def test_where_nothing_validates_a_falling_training_loss_is_informational() -> None:
    blind = course(spec(fit={"validation_split": 0}), losses=FALLING)
    rows = tuple({"loss": row["loss"]} for row in blind.epochs)

    verdict = check(replace(blind, epochs=rows))

    assert isinstance(verdict, Found)
    assert verdict.finding.severity == "info"
    assert "early" not in verdict.finding.advice


@pytest.mark.parametrize(
    ("update", "code"), [(0.011, "learning_rate_too_low"), (0.013, "not_converged")]
)
def test_weights_that_hardly_move_while_the_loss_falls_are_the_cause(
    update: float, code: str
) -> None:
    losses = [1.1 - 0.05 * epoch for epoch in range(12)]
    layers = [hidden(update_ratio=update)]
    seen = [measurement(0), *(measurement(n, layers=layers, loss=0.5) for n in (1, 12))]
    slow = with_output_layer(course(losses=losses, measurements=seen), update_ratio=update)

    first = judge(slow, spec=spec(), changes={}).findings[0]

    assert first.code == code


SCHEDULES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    (
        {"schedule": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 90}
        | {"warmup_target": 0.2, "warmup_steps": 10},
        {"decay_steps": 360, "warmup_steps": 10},
    ),
    (
        {"schedule": "CosineDecayRestarts", "initial_learning_rate": 0.1, "first_decay_steps": 9},
        {"first_decay_steps": 36},
    ),
    (
        {"schedule": "PiecewiseConstantDecay", "boundaries": [5, 9], "values": [1.0, 0.1, 0.01]},
        {"boundaries": (20, 36)},
    ),
)


@pytest.mark.parametrize(("schedule", "stretched"), SCHEDULES)
def test_more_epochs_take_the_schedule_along(
    schedule: dict[str, Any], stretched: dict[str, Any]
) -> None:
    experiment = spec(compile={"optimizer": {"learning_rate": schedule}}, fit={"epochs": 7})

    longer = changed(experiment, train_longer([])(experiment))

    rate = longer.compile.optimizer.learning_rate
    assert longer.fit.epochs == 28
    assert {name: getattr(rate, name) for name in stretched} == stretched


def test_more_epochs_stop_early_and_hand_out_the_best_weights() -> None:
    unattended = spec(fit={"epochs": 40, "early_stopping": None})

    stopping = changed(unattended, train_longer([])(unattended)).fit.early_stopping

    assert stopping is not None
    assert (stopping.patience, stopping.restore_best_weights) == (16, True)


@pytest.mark.parametrize(
    ("monitor", "now"), [("val_accuracy", "val_accuracy"), ("accuracy", "val_loss")]
)
def test_the_best_weights_are_those_that_are_best_for_validation_rows(
    monitor: str, now: str
) -> None:
    stopping = {"monitor": monitor, "patience": 12, "mode": "max", "restore_best_weights": False}
    blind = spec(compile={"metrics": ["accuracy"]}, fit={"epochs": 40, "early_stopping": stopping})

    longer = changed(blind, train_longer([])(blind)).fit.early_stopping

    assert longer is not None
    assert (longer.monitor, longer.restore_best_weights) == (now, True)
    assert longer.mode == ("max" if now == monitor else "auto")
    assert longer.patience == (12 if now == monitor else 16)


@pytest.mark.parametrize(
    ("losses", "patience"),
    [
        ((), 5),
        ((0.9, 0.8, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4), 5),
        ((0.9, 1.0, 1.1, 1.2, 1.3, 1.2, 1.1, 0.7, 0.8, 0.6), 7),
        ((0.9, math.nan, 1.1, 1.2, 1.3, 1.2, 1.1, 1.0, 0.8, 0.6), 8),
    ],
)
def test_the_best_weights_are_waited_for_as_long_as_they_took(
    losses: Sequence[float], patience: int
) -> None:
    unattended = spec(fit={"epochs": 10, "early_stopping": None})

    kept = changed(unattended, keep_best_weights(losses)(unattended)).fit.early_stopping

    assert kept is not None
    assert kept.patience == patience
    longer = changed(unattended, train_longer(losses)(unattended)).fit.early_stopping
    assert longer == kept


def test_early_stopping_by_validation_rows_waits_no_shorter_than_a_client_did() -> None:
    patient = spec(fit={"epochs": 10, "early_stopping": {"monitor": "loss", "patience": 30}})

    stopping = changed(patient, keep_best_weights(())(patient)).fit.early_stopping

    assert stopping is not None
    assert (stopping.monitor, stopping.patience) == ("val_loss", 30)


def test_there_are_never_more_epochs_than_can_be_asked_for() -> None:
    longest = spec(fit={"epochs": MAX_EPOCHS - 1})

    assert changed(longest, train_longer([])(longest)).fit.epochs == MAX_EPOCHS


numbers = st.one_of(st.none(), st.floats(-1, 1e30))


@given(st.lists(numbers, max_size=12), st.lists(numbers, max_size=3))
def test_any_series_is_judged(losses: list[float | None], measured: list[float | None]) -> None:
    seen = [measurement(n, loss=loss, prior=loss) for n, loss in enumerate(measured)]

    assert check(course(losses=losses, measurements=seen)) is not None
