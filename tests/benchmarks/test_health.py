"""How the benchmark of health judges, without training anything."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.health.datasets import LISTS, REPORTING, TUNING, Draw
from benchmarks.health.faults import FAULTS, Case, cases
from benchmarks.health.record import first_causes, has_something_clean, judged
from benchmarks.health.rows import FEW_ROWS, LEAST_RARE, MOST_ROWS, Kind, Rows, Split, split
from benchmarks.health.scores import Judged, Share, figures, precision, recall
from benchmarks.health.settings import SETTINGS
from benchmarks.health.trained import Draws, Trained, Training
from benchmarks.health.trainings import handing_out_best
from benchmarks.health.truth import Gain, alike, fault_is_real, gain, last
from models.specs.experiment import ExperimentSpec
from models.specs.fit import FitSpec

DATASETS: Mapping[str, Draw] = {**TUNING, **REPORTING}
KINDS: Mapping[str, Kind] = {"one": "classes", "other": "numbers"}
NAMES = frozenset({"dead_neurons", "learned_nothing"})


@pytest.fixture(scope="module")
def drawn() -> Mapping[str, Rows]:
    """All datasets, drawn once."""
    return {name: draw() for name, draw in DATASETS.items()}


def faulty(*found: str, real: bool = True, dataset: str = "iris") -> Judged:
    return Judged(
        dataset=dataset,
        fault="bias -10",
        named_by=NAMES,
        real=real,
        found=frozenset(found),
        alarming=bool(found),
    )


def clean(*found: str, dataset: str = "iris") -> Judged:
    return Judged(
        dataset=dataset,
        fault=None,
        named_by=frozenset(),
        real=False,
        found=frozenset(found),
        alarming=bool(found),
    )


def training(losses: list[float] | None, *found: dict[str, str | None]) -> Training:
    four = Split(Rows("numbers", np.zeros((4, 1)), np.zeros(4)), training=1)
    return Training(
        experiment="exp_1",
        spec={},
        rows=Draws(parts={"whole": four}, ids={}, path=Path()),
        findings=list(found),
        losses=None if losses is None else np.array(losses),
    )


def trained(
    ill: Training, *, clean: Training, without: tuple[Training, Training], fault: str = "unscaled"
) -> Trained:
    case = Case(dataset="iris", fault=fault, seed=0, setting="64 SGD momentum")
    return Trained(case=case, faulty=ill, best=ill, clean=clean, without=without)


# How sure a difference of row losses is.


def test_a_gain_is_real_beyond_two_standard_errors() -> None:
    assert Gain(0.21, 0.1).is_real
    assert not Gain(0.2, 0.1).is_real
    assert not Gain(-0.3, 0.1).is_real


def test_losses_are_paired_by_row() -> None:
    hard_and_easy = np.array([5.0, 0.1, 3.0, 0.2])
    found = gain(hard_and_easy + np.array([0.1, 0.2, 0.1, 0.2]), hard_and_easy)
    assert found.mean == pytest.approx(0.15)
    assert found.standard_error == pytest.approx(0.0577 / 2, rel=0.01)
    assert found.is_real


def test_equal_networks_gain_nothing() -> None:
    losses = np.array([1.0, 2.0])
    assert not gain(losses, losses).is_real


def test_any_network_is_better_than_none_and_none_is_not_better_than_none() -> None:
    losses = np.array([1.0, 2.0])
    broken = np.array([1.0, math.nan])
    assert gain(None, losses).is_real
    assert gain(broken, losses).is_real
    assert not gain(losses, None).is_real
    assert not gain(losses, broken).is_real
    assert not gain(None, broken).is_real


def test_a_repair_is_held_against_the_rows_that_neither_trained_on() -> None:
    losses = np.array([1.0, 2.0, 3.0])
    held_out = last(2, losses)
    assert held_out is not None
    assert held_out.tolist() == [2.0, 3.0]
    assert last(2, None) is None


def test_a_fault_is_real_only_where_both_twins_are_better() -> None:
    losses = np.array([1.0, 1.1, 0.9, 1.0])
    better, equal = losses - 0.5, losses[::-1]
    assert fault_is_real(losses, [better, better])
    assert not fault_is_real(losses, [better, equal])


def test_classes_count_alike_however_many_rows_they_have() -> None:
    classes = np.array([0.0, 0.0, 0.0, 2.0])
    losses = np.array([1.0, 2.0, 3.0, 10.0])
    weighed = alike(losses, classes)
    assert weighed is not None
    assert weighed.mean() == pytest.approx((2.0 + 10.0) / 2)
    assert alike(None, classes) is None


# Shares.


def test_wilsons_interval_is_that_of_his_formula() -> None:
    low, high = Share(9, 10).interval
    assert (low, high) == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_wilsons_interval_of_all_or_none_leaves_room_for_doubt() -> None:
    assert Share(5, 5).interval == pytest.approx((0.5655, 1.0), abs=1e-4)
    assert Share(0, 5).interval == pytest.approx((0.0, 0.4345), abs=1e-4)
    assert Share(0, 0).interval == (0.0, 1.0)


def test_a_finding_is_right_only_where_it_names_a_real_fault() -> None:
    trials = [
        faulty("dead_neurons"),
        faulty("dead_neurons", "overfitting"),
        faulty("dead_neurons", real=False),
        clean("dead_neurons"),
    ]
    assert precision(trials, "dead_neurons") == Share(2, 4)
    assert precision(trials, "overfitting") == Share(0, 1)
    assert precision(trials) == Share(2, 5)


def test_any_name_of_a_fault_is_enough_to_recognise_it() -> None:
    trials = [faulty("learned_nothing"), faulty("overfitting"), faulty(), faulty(real=False)]
    assert recall(trials) == Share(1, 3)
    assert recall(trials, "dead_neurons") == Share(1, 3)
    assert recall(trials, "overfitting") == Share(0, 0)


def test_a_dataset_that_carries_the_errors_is_seen() -> None:
    trials = [faulty("dead_neurons"), clean(), faulty(dataset="wine"), clean("x", dataset="wine")]
    told = {figure.what: figure.measured for figure in figures(trials, left_out=0)}
    assert told["dataset iris"] == (
        "right 1 of 1, recognised 1 and repaired 0 of 1 real, clean with a problem 0 of 1"
    )
    assert told["dataset wine"] == (
        "right 0 of 1, recognised 0 and repaired 0 of 1 real, clean with a problem 1 of 1"
    )


def test_the_first_eight_faults_have_figures_of_their_own_beside_all() -> None:
    first = [faulty("dead_neurons"), clean()]
    added = [replace(trial, added=True) for trial in (faulty("overfitting"), clean("overfitting"))]
    told = {figure.what: figure.measured for figure in figures([*first, *added], left_out=0)}
    assert told["precision of all findings"].endswith("1 of 3")
    assert told["precision of all findings, first eight faults"].endswith("1 of 1")
    assert told["recall of real faults"].endswith("1 of 2")
    assert told["recall of real faults, first eight faults"].endswith("1 of 1")
    assert told["clean trials with a problem, first eight faults"].endswith("0 of 1")
    assert not any("eight" in figure.what for figure in figures(first, left_out=0))
    assert sum(not fault.added for fault in FAULTS.values()) == 8


def test_consequences_and_remarks_are_no_first_causes() -> None:
    cause = {"code": "dead_neurons", "severity": "problem", "consequence_of": None}
    consequence = {**cause, "code": "learned_nothing", "consequence_of": "dead_neurons"}
    remark = {**cause, "code": "overfitting", "severity": "info"}
    assert first_causes([cause, consequence, remark]) == [cause]


@pytest.mark.parametrize(("fault", "added"), [("unscaled", False), ("3 epochs", True)])
def test_a_faulty_training_and_its_clean_twin_count_among_the_same_faults(
    fault: str, *, added: bool
) -> None:
    cause = {"code": "not_converged", "severity": "warning", "consequence_of": None}
    worse, better = training([3.0, 3.1, 2.9], cause), training([0.1, 0.2, 0.1])
    case = trained(worse, clean=better, without=(better, better), fault=fault)

    ill, twin = judged(case)

    assert (ill.real, twin.real) == (True, False)
    assert (ill.found, twin.found) == (frozenset({"not_converged"}), frozenset())
    assert ill.recognised is added
    assert (ill.repaired, ill.added, twin.added) == (False, added, added)


@pytest.mark.parametrize("losses", [None, [0.1, math.nan, 0.1], [0.1, math.inf, 0.1]])
def test_nothing_is_clean_where_a_training_without_the_fault_is_of_no_use(
    losses: list[float] | None,
) -> None:
    useless, useful = training(losses), training([0.1, 0.2, 0.1])
    cause = {"code": "diverged", "severity": "problem", "consequence_of": None}
    for ill in (useless, useful, training([3.0, 3.1, 2.9], cause)):
        assert has_something_clean(trained(ill, clean=useful, without=(useful, useful)))
        assert not has_something_clean(trained(ill, clean=useless, without=(useful, useful)))
        assert not has_something_clean(trained(ill, clean=useful, without=(useless, useful)))
        assert not has_something_clean(trained(ill, clean=useful, without=(useful, useless)))


def test_what_was_found_has_no_say_in_what_is_left_out() -> None:
    cause = {"code": "diverged", "severity": "problem", "consequence_of": None}
    alarming, quiet = training([0.1, 0.2, 0.1], cause), training(None)
    assert has_something_clean(trained(quiet, clean=alarming, without=(alarming, alarming)))
    assert not has_something_clean(trained(alarming, clean=quiet, without=(alarming, alarming)))


def test_how_many_cases_were_left_out_is_told() -> None:
    told = {figure.what: figure.measured for figure in figures([faulty(), clean()], left_out=3)}
    assert told["cases left out, where a training without the fault was of no use"] == "3"


# The matrix.


def test_no_dataset_is_on_both_lists() -> None:
    assert not set(TUNING) & set(REPORTING)
    assert len(TUNING) + len(REPORTING) >= 6


def test_both_lists_have_classes_and_numbers(drawn: Mapping[str, Rows]) -> None:
    for datasets in LISTS.values():
        assert {drawn[name].kind for name in datasets} == {"classes", "numbers"}


def test_what_is_reported_on_has_rows_enough_to_decide_and_none_to_spare(
    drawn: Mapping[str, Rows],
) -> None:
    for name in REPORTING:
        assert 300 <= len(drawn[name].y) <= MOST_ROWS, name


def test_the_matrix_is_the_same_each_time_and_gives_each_fault_several_settings() -> None:
    matrix = cases(KINDS, [0, 1, 2])
    assert matrix == cases(KINDS, [0, 1, 2])
    for name, fault in FAULTS.items():
        assert {case.dataset for case in matrix if case.fault == name} == {
            dataset for dataset, kind in KINDS.items() if kind in fault.of
        }
        assert len({case.setting for case in matrix if case.fault == name}) >= 2


def test_no_two_clean_twins_of_a_dataset_are_the_same_training() -> None:
    matrix = cases(KINDS, [0, 1, 2])
    assert len({(case.dataset, case.seed, case.setting) for case in matrix}) == len(matrix)
    assert {case.setting for case in matrix} == set(SETTINGS)


@pytest.mark.parametrize("fault", [name for name in FAULTS if FAULTS[name].rows != "rare"])
def test_every_setting_that_suits_a_fault_gives_a_spec_that_differs(fault: str) -> None:
    suiting = [spec for spec in SETTINGS.values() if FAULTS[fault].suits(spec)]
    assert len(suiting) >= 2
    for setting in suiting:
        sent = {**setting, "data": {**setting["data"], "dataset": "builtin:iris"}}
        spec = ExperimentSpec.model_validate(sent)
        assert ExperimentSpec.model_validate(FAULTS[fault].spec(sent)) != spec
        assert ExperimentSpec.model_validate(sent) == spec


def test_a_fault_is_taken_away_by_the_clean_setting_or_by_what_undoes_it() -> None:
    for setting in SETTINGS.values():
        assert FAULTS["rate x100"].without(setting) == setting
        undone = FAULTS["rare class"].without(setting)
        assert undone == {**setting, "fit": {**setting["fit"], "class_weight": "balanced"}}


def test_the_network_of_the_best_epoch_is_handed_out_without_ending_sooner() -> None:
    unattended = FAULTS["20 rows"].spec(next(iter(SETTINGS.values())))
    stopping = handing_out_best(unattended)["fit"]["early_stopping"]
    assert stopping == {"patience": unattended["fit"]["epochs"], "restore_best_weights": True}
    assert unattended["fit"]["early_stopping"] is None


# Rows.


@pytest.mark.parametrize("name", DATASETS)
def test_a_split_validates_on_the_same_rows_with_few_to_train_on(
    name: str, drawn: Mapping[str, Rows]
) -> None:
    whole = split(drawn[name], 1)
    few = whole.few()
    assert np.array_equal(whole.validation.x, few.validation.x)
    for part, training in ((whole, whole.training), (few, FEW_ROWS)):
        fit = FitSpec.model_validate({"validation_split": part.share})
        assert fit.split_rows(len(part.rows.y)).training == training
    assert not np.array_equal(whole.rows.x, split(drawn[name], 2).rows.x)
    assert np.array_equal(whole.rows.x, split(drawn[name], 1).rows.x)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_class_becomes_rare_wherever_rows_are_and_no_other_row_goes(
    seed: int, drawn: Mapping[str, Rows]
) -> None:
    of_classes = [rows for rows in drawn.values() if rows.kind == "classes"]
    assert len(of_classes) > 2
    for rows in of_classes:
        whole = split(rows, seed)
        rare = whole.rare(seed)
        train_share = (rare.rows.y[: rare.training] == seed).mean()
        assert train_share < min(0.1, 0.5 / len(np.unique(whole.rows.y)))
        assert (rare.rows.y[: rare.training] == seed).sum() >= LEAST_RARE
        assert 0 < (rare.validation.y == seed).mean() < 0.1
        assert np.array_equal(rare.rows.x[rare.rows.y != seed], whole.rows.x[whole.rows.y != seed])
        fit = FitSpec.model_validate({"validation_split": rare.share})
        assert fit.split_rows(len(rare.rows.y)).training == rare.training


@pytest.mark.parametrize("name", DATASETS)
def test_classes_are_balanced_and_numbers_in_standard_deviations(
    name: str, drawn: Mapping[str, Rows]
) -> None:
    rows = drawn[name]
    assert np.isfinite(rows.x).all()
    if rows.kind == "classes":
        _, counts = np.unique(rows.y, return_counts=True)
        assert counts.min() > 0.5 * counts.max()
    else:
        assert (rows.y.mean(), rows.y.std()) == pytest.approx((0, 1))


def test_a_file_has_classes_as_text_and_numbers_as_numbers(
    tmp_path: Path, drawn: Mapping[str, Rows]
) -> None:
    split(drawn["iris"], 0).write(tmp_path / "iris.csv")
    split(drawn["prices"], 0).write(tmp_path / "prices.csv")
    assert (tmp_path / "iris.csv").read_text().splitlines()[1].split(",")[-1].startswith("class ")
    float((tmp_path / "prices.csv").read_text().splitlines()[1].split(",")[-1])
