"""A conclusion says what won, what tied, what was too low or too high: on evidence alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from models.lifecycle import State, StopReason
from models.monitor import Mode, Monitored
from models.specs.experiment import ExperimentSpec
from models.trial import TrialResult
from models.views.comparison import Conclusion
from search.conclusion import conclude
from tests.search.results import trial

NETWORK = {"layers": [{"layer": "Dense", "units": 8, "activation": "relu"}]}
EASY_AND_HARD = np.random.default_rng(1).exponential(0.5, 300)
NOISE = np.random.default_rng(2).normal(size=(9, 300))
NOISE -= NOISE.mean(axis=1, keepdims=True)


def losses(mean: float, noise: int = 0) -> list[float]:
    """Of rows that are easy or hard for every network, around a mean."""
    rows: list[float] = (
        EASY_AND_HARD - EASY_AND_HARD.mean() + mean + 0.05 * NOISE[noise % 9]
    ).tolist()
    return rows


def spec_of(**fields: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {"name": "which?", "data": {"dataset": "builtin:digits"}, "network": NETWORK} | fields
    )


def rates(*values: float) -> ExperimentSpec:
    return spec_of(search={"strategy": "learning_rates", "values": values})


def at(number: int, rate: float, score: float | None, **more: Any) -> TrialResult:
    return trial(
        number,
        score,
        setting={"learning_rate": rate},
        changes={"compile.optimizer.learning_rate": rate},
        **({"losses": losses(score, number)} if score is not None else {}) | more,
    )


def falling(first: float, last: float, epochs: int = 20) -> list[Mapping[str, float | None]]:
    return [{"loss": float(loss)} for loss in np.linspace(first, last, epochs)]


def concluded(
    spec: ExperimentSpec,
    *results: TrialResult,
    curves: Mapping[int, Sequence[Mapping[str, float | None]]] | None = None,
    mode: Mode = "min",
    metric: str = "val_loss",
) -> Conclusion:
    return conclude(
        spec,
        results,
        curves or {},
        judged=Monitored(metric, mode),
        reason="all settings tried",
        experiment="exp_1",
    )


def test_a_rate_that_learned_nothing_was_too_low_and_one_that_diverged_too_high() -> None:
    conclusion = concluded(
        rates(1e-7, 0.01, 1),
        at(1, 1e-7, 0.69, epochs=20, best_epoch=20),
        at(2, 0.01, 0.41, epochs=9, best_epoch=7),
        at(3, 1, None, epochs=2, stop_reason=StopReason.DIVERGED),
        curves={1: falling(0.7, 0.6993), 2: falling(0.7, 0.3)},
    )
    assert conclusion.summary == (
        "0.01 won: val_loss 0.41 at epoch 7.",
        "1e-7 was too low: after 20 epochs the loss had fallen by 0.1 %.",
        "1 was too high: it diverged in epoch 2.",
    )
    assert conclusion.ties == ()
    assert [line.tied for line in conclusion.ranking] == [None, False, None]


def test_a_rate_that_got_nowhere_was_too_high_and_one_that_was_on_its_way_too_low() -> None:
    conclusion = concluded(
        rates(1e-3, 0.01, 1),
        at(1, 1e-3, 0.6, epochs=20, best_epoch=20),
        at(2, 0.01, 0.41),
        at(3, 1, 0.9),
        curves={1: falling(0.7, 0.55)},
    )
    assert conclusion.summary[1:] == (
        "0.001 was too low: after 20 epochs its val_loss was still falling, at 0.6.",
        "1 was too high: its val_loss never came below 0.9.",
    )


def test_a_rate_that_is_not_shown_to_be_worse_is_as_good() -> None:
    conclusion = concluded(
        rates(0.01, 0.02, 0.05), at(1, 0.01, 0.41), at(2, 0.02, 0.4101), at(3, 0.05, 0.45)
    )
    assert conclusion.ties == ({"learning_rate": 0.02},)
    assert conclusion.summary[2].startswith("0.02 was as good within noise: val_loss 0.4101 at")
    assert "too high" in conclusion.summary[3]


def test_without_rows_to_compare_by_no_rate_is_called_too_low_or_too_high() -> None:
    conclusion = concluded(
        rates(1e-7, 0.01, 1),
        *(at(number, rate, score, losses=None) for number, rate, score in RATES_OF_THREE),
    )
    assert not any("too" in sentence for sentence in conclusion.summary)
    assert sum("not decided" in sentence for sentence in conclusion.summary) == 2


RATES_OF_THREE = ((1, 1e-7, 0.69), (2, 0.01, 0.41), (3, 1.0, 0.9))


@pytest.mark.parametrize(
    ("values", "said"),
    [((0.01, 0.1, 1), "lowest"), ((0.0001, 0.001, 0.01), "highest"), ((1e-3, 0.01, 0.1), None)],
)
def test_a_winner_at_the_edge_of_what_was_tried_is_said_to_be_there(
    values: tuple[float, ...], said: str | None
) -> None:
    results = [
        at(number, rate, 0.41 if rate == 0.01 else 0.9) for number, rate in enumerate(values, 1)
    ]
    summary = " ".join(concluded(rates(*values), *results).summary)
    assert ("rate that was tried" in summary) == (said is not None)
    assert said is None or f"It is the {said} rate" in summary


def test_a_rate_beyond_the_winner_that_diverged_was_tried_and_is_no_edge() -> None:
    diverged = at(2, 0.1, None, stop_reason=StopReason.DIVERGED)
    summary = concluded(rates(0.001, 0.01, 0.1), at(3, 0.001, 0.6), at(1, 0.01, 0.4), diverged)
    assert not any("rate that was tried" in sentence for sentence in summary.summary)


def test_rates_of_several_repeats_are_told_with_their_spread() -> None:
    results = [
        at(1, 0.01, 0.4, candidate=0, repeat=0, best_epoch=5),
        at(2, 0.01, 0.5, candidate=0, repeat=1, best_epoch=9, epochs=9),
        at(3, 1, 0.9, candidate=1, repeat=0),
        at(4, 1, None, candidate=1, repeat=1, stop_reason=StopReason.DIVERGED),
    ]
    spec = rates(0.01, 1).model_copy(update={"repeats": 2})
    conclusion = concluded(spec, *results)
    assert conclusion.summary[0] == (
        "0.01 won: val_loss 0.45 at epochs 5 to 9, the mean of 2 repeats (sd 0.07071)."
    )
    assert conclusion.summary[-1] == ("1 was too high: it diverged in 1 of 2 repeats, in epoch 4.")


def test_how_far_a_rate_came_in_several_repeats_is_told_by_their_mean() -> None:
    results = [
        at(number, rate, score, candidate=number % 2, repeat=repeat)
        for number, rate, score, repeat in (
            (2, 0.01, 0.4, 0),
            (3, 1.0, 0.5, 0),
            (4, 0.01, 0.6, 1),
            (5, 1.0, 0.8, 1),
        )
    ]
    conclusion = concluded(rates(0.01, 1).model_copy(update={"repeats": 2}), *results)
    assert conclusion.summary[-1] == (
        "1 was too high: its val_loss came to 0.65 at best, the mean of 2 repeats."
    )


def test_where_every_rate_diverged_lower_ones_are_advised() -> None:
    conclusion = concluded(
        rates(1, 10),
        at(1, 1, None, stop_reason=StopReason.DIVERGED),
        at(2, 10, None, stop_reason=StopReason.DIVERGED),
    )
    assert conclusion.winner is None
    assert conclusion.summary == ("Every rate that was tried diverged: try rates below 1.",)


def test_a_metric_that_rises_is_told_the_other_way_round() -> None:
    conclusion = concluded(
        rates(0.01, 1),
        at(1, 0.01, 0.9, losses=losses(0.2)),
        at(2, 1, 0.5, losses=losses(0.9)),
        mode="max",
        metric="val_accuracy",
    )
    assert conclusion.summary[-1] == "1 was too high: its val_accuracy never came above 0.5."


def test_an_accuracy_is_told_with_its_standard_error() -> None:
    won = at(1, 0.01, 0.4, best_epoch=1)
    object.__setattr__(won, "validation_rows", 100)
    conclusion = concluded(rates(0.01), won, curves={1: [{"val_accuracy": 0.8}]})
    assert conclusion.summary == ("0.01 reached val_loss 0.4 at epoch 1; accuracy 80.0 % ± 4.0 %.",)


def test_a_pruned_rate_is_not_judged_as_one_that_was_trained_to_its_end() -> None:
    conclusion = concluded(
        rates(0.01, 1), at(1, 0.01, 0.4), at(2, 1, 0.9, epochs=3, stop_reason=StopReason.PRUNED)
    )
    assert conclusion.summary[-1] == (
        "1 reached val_loss 0.9 at epoch 2; it was pruned after 3 epochs. "
        "Whether that is worse is not decided."
    )


def named(number: int, name: str, score: float | None, **more: Any) -> TrialResult:
    changes: dict[str, JsonValue] = {
        "network": {"layers": [{"layer": "Dense", "units": 8 * number}]}
    }
    return trial(
        number,
        score,
        setting={"network": name},
        changes=changes,
        **({"losses": losses(score, number)} if score is not None else {}) | more,
    )


NETWORKS = spec_of(
    network=None,
    search={"strategy": "networks", "networks": {"small": NETWORK, "large": NETWORK}},
)


def test_networks_are_told_one_by_one_with_what_was_not_covered() -> None:
    conclusion = concluded(
        NETWORKS,
        named(1, "small", 0.5),
        named(2, "large", 0.4),
        named(3, "huge", None, state=State.FAILED, error_code="out_of_memory"),
        named(4, "vast", None, state=State.FAILED, error_code="out_of_memory"),
        named(5, "later", None, state=State.CANCELLED),
        named(6, "wild", None, stop_reason=StopReason.DIVERGED),
    )
    assert conclusion.summary[0] == "network large won: val_loss 0.4 at epoch 2."
    assert conclusion.summary[1].startswith("network small was worse: val_loss 0.5 at epoch 2; ")
    assert conclusion.summary[1].endswith(" higher.")
    assert conclusion.summary[2:] == (
        "network wild diverged in epoch 4.",
        "Without a score were network huge and network vast: the training ran out of memory.",
        "Without a score was network later: cancelled.",
    )


def test_of_many_settings_the_middle_and_the_ties_are_told_and_not_all_of_them() -> None:
    spec = spec_of(search={"strategy": "grid", "over": {"fit.batch_size": list(range(8, 58))}})
    results = [
        trial(
            number,
            0.4 + 0.01 * number,
            setting={"fit.batch_size": 7 + number},
            changes={"fit.batch_size": 7 + number},
            losses=losses(0.4 if number < 4 else 0.4 + 0.01 * number, 0 if number < 4 else 1),
        )
        for number in range(1, 51)
    ]
    conclusion = concluded(spec, *results)
    assert conclusion.summary == (
        "fit.batch_size 8 won: val_loss 0.41 at epoch 2.",
        "The middle of 50 settings reached val_loss 0.655, which is 0.245 worse.",
        "As good within noise were fit.batch_size 9 and fit.batch_size 10.",
        "47 settings were worse by more than one standard error, row by row.",
    )
    assert len(conclusion.ties) == 2


def test_one_setting_alone_wins_against_nobody() -> None:
    only = trial(1, 0.4, setting={}, changes={}, losses=losses(0.4))
    conclusion = concluded(spec_of(), only)
    assert conclusion.summary == ("The spec reached val_loss 0.4 at epoch 2.",)


def test_the_winner_comes_with_its_spec_alone_ready_to_post() -> None:
    spec = rates(0.01, 1).model_copy(update={"repeats": 3, "seed": 40})
    results = [
        at(1, 0.01, 0.5, candidate=0, repeat=0),
        at(2, 1, 0.9, candidate=1, repeat=0),
        at(3, 0.01, 0.4, candidate=0, repeat=1),
    ]
    winner = concluded(spec, *results).winner
    assert winner is not None
    alone = winner.spec
    assert isinstance(alone, ExperimentSpec)
    assert (winner.trial, alone.seed, alone.repeats, alone.search) == (3, 8, 1, None)
    assert alone.compile.optimizer.learning_rate == 0.01
    assert alone.network == spec.network
    assert alone.name == "which?, trial 3 of exp_1: learning_rate 0.01"
    assert ExperimentSpec.model_validate(alone.model_dump(mode="json")) == alone


def test_a_trial_that_was_pruned_is_no_winner_beside_one_that_was_trained_to_its_end() -> None:
    results = [
        at(1, 0.01, 0.4, candidate=0, repeat=0, stop_reason=StopReason.PRUNED),
        at(2, 0.01, 0.5, candidate=0, repeat=1),
    ]
    winner = concluded(rates(0.01), *results).winner
    assert winner is not None
    assert winner.trial == 2
    alone = concluded(rates(0.01), results[0]).winner
    assert alone is not None
    assert alone.trial == 1


def test_the_spec_of_a_network_that_won_brings_that_network() -> None:
    winner = concluded(NETWORKS, named(1, "small", 0.5), named(2, "large", 0.4)).winner
    assert winner is not None
    assert isinstance(winner.spec, ExperimentSpec)
    assert winner.spec.network is not None
    assert [layer.units for layer in winner.spec.network.layers if layer.layer == "Dense"] == [16]


def size(number: int, depth: int, units: int, mean: float) -> TrialResult:
    return trial(
        number,
        mean,
        candidate=number - 1,
        setting={"hidden_layers": depth} | ({"units": units} if depth else {}),
        changes={"network": {"layers": [{"layer": "Dense", "units": units}] * depth}},
        parameters=10 * number,
        losses=losses(mean, 0),
    )


def test_a_search_over_capacity_prefers_the_smallest_that_is_as_good() -> None:
    spec = spec_of(network=None, search={"strategy": "capacity", "seeds": 1})
    best = size(3, 1, 64, 0.3999)
    as_good = size(2, 1, 16, 0.4)
    object.__setattr__(as_good, "row_losses", np.asarray(losses(0.4, 1), dtype=np.float32))
    conclusion = concluded(spec, size(1, 0, 0, 0.7), as_good, best)
    assert conclusion.winner is not None
    assert conclusion.winner.setting == {"hidden_layers": 1, "units": 16}
    assert conclusion.ties == ({"hidden_layers": 1, "units": 64},)
    assert conclusion.sizes is not None
    assert conclusion.sizes.best == {"hidden_layers": 1, "units": 64}
    assert [line.as_good for line in conclusion.sizes.table] == [False, True, True]
    assert conclusion.summary[0] == "hidden_layers 1, units 16 won: val_loss 0.4 at epoch 2."
    assert "smallest size within one standard error" in conclusion.summary[1]


def test_a_repeat_that_failed_is_not_told_of_as_part_of_the_mean() -> None:
    conclusion = concluded(
        rates(0.1, 1),
        at(1, 0.1, 0.4, candidate=0, repeat=0, best_epoch=3),
        at(2, 0.1, 0.5, candidate=0, repeat=1, best_epoch=4),
        at(3, 0.1, 0.1, candidate=0, repeat=2, best_epoch=9, state=State.FAILED),
        at(4, 1, 0.9, candidate=1, best_epoch=2),
    )
    assert conclusion.summary[0] == (
        "0.1 won: val_loss 0.45 at epochs 3 to 4, the mean of 2 repeats (sd 0.07071)."
    )


ENDS = st.sampled_from(
    [
        (State.SUCCEEDED, StopReason.COMPLETED, True),
        (State.SUCCEEDED, StopReason.COMPLETED, False),
        (State.SUCCEEDED, StopReason.PRUNED, True),
        (State.SUCCEEDED, StopReason.DIVERGED, False),
        (State.FAILED, StopReason.ERROR, True),
        (State.CANCELLED, StopReason.CANCELLED, False),
    ]
)


@given(
    ends=st.lists(st.tuples(ENDS, st.floats(-5, 5), st.booleans()), max_size=30),
    repeats=st.integers(1, 3),
    mode=st.sampled_from(["min", "max"]),
    searched=st.booleans(),
)
def test_whatever_becomes_of_the_trials_the_conclusion_is_bounded_and_whole(
    ends: list[tuple[tuple[State, StopReason, bool], float, bool]],
    repeats: int,
    mode: Mode,
    searched: bool,  # noqa: FBT001 - drawn
) -> None:
    results = [
        at(
            number,
            10.0 ** -(place // repeats),
            score if scored else None,
            candidate=place // repeats,
            repeat=place % repeats,
            state=state,
            stop_reason=reason,
            best_epoch=4,
            losses=losses(score, place % 9) if scored and rows else None,
            error_code="error" if state is State.FAILED else None,
        )
        for place, ((state, reason, scored), score, rows) in enumerate(ends)
        for number in [place + 1]
    ]
    spec = rates(1, 0.1) if searched else spec_of()
    curves = {result.number: falling(abs(result.score or 1), 0.1) for result in results[::2]}
    conclusion = concluded(spec, *results, curves=curves, mode=mode)
    assert len(conclusion.summary) <= 25
    assert all(sentence.endswith(".") and len(sentence) < 400 for sentence in conclusion.summary)
    assert bool(results) == bool(conclusion.summary)
    ranks = [line.rank for line in conclusion.ranking if line.rank is not None]
    assert ranks == list(range(1, len(ranks) + 1))
    assert (conclusion.winner is None) == (not ranks)
    assert Conclusion.model_validate(conclusion.model_dump(mode="json")) == conclusion
