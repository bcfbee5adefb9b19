"""Whether a repair helped is said on the same rows, or it is said that nobody can tell."""

from collections.abc import Sequence
from typing import Any

import pytest

from models.lifecycle import StopReason
from models.specs.experiment import ExperimentSpec
from models.specs.health import Origin
from models.trial import JudgedTrial
from search.before_after import counterpart, repair
from tests.search.results import trial

ORIGIN = Origin(experiment="exp_1", trial=3, finding="dead_neurons")
BAD, GOOD = [1.0, 2.0, 3.0, 4.0], [0.5, 1.6, 2.4, 3.5]


def spec_of(**parts: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "data": {"dataset": "builtin:digits"},
            "network": {"layers": [{"layer": "Dense", "units": 8}]},
        }
        | parts
    )


def trained(
    score: float | None,
    losses: Sequence[float] | None,
    *codes: str,
    spec: ExperimentSpec | None = None,
    **more: Any,
) -> JudgedTrial:
    result = trial(3, score, losses=losses, **more)
    return JudgedTrial(spec=spec or spec_of(), result=result, codes=frozenset(codes))


def test_rows_that_cost_less_say_that_it_helped() -> None:
    said = repair(ORIGIN, trained(2.5, BAD), trained(2.0, GOOD))
    assert said.helped is True
    assert (said.before, said.after, said.compared) == (2.5, 2.0, 3)
    assert said.difference is not None
    assert said.difference.mean == pytest.approx(-0.5)
    assert said.sentence == (
        "The repair of dead_neurons helped: val_loss 2, 2.5 in trial 3 of exp_1; row by row the "
        "loss is 0.5 ± 0.041 lower."
    )


def test_where_another_metric_is_monitored_now_each_number_has_its_name() -> None:
    said = repair(ORIGIN, trained(0.04, BAD, metric="loss"), trained(2.0, GOOD))
    assert "val_loss 2, loss 0.04 in trial 3 of exp_1; row by row" in said.sentence


@pytest.mark.parametrize("now", [BAD, [1.6, 1.4, 2.4, 4.5], [2.0, 3.0, 4.0, 5.0]])
def test_rows_that_do_not_plainly_cost_less_say_that_it_did_not_help(now: list[float]) -> None:
    said = repair(ORIGIN, trained(2.5, BAD), trained(2.4, now))
    assert said.helped is False
    assert said.sentence.startswith("The repair of dead_neurons did not help: ")


def test_a_score_where_there_was_none_is_a_help() -> None:
    before = trained(None, None, stop_reason=StopReason.DIVERGED)
    said = repair(ORIGIN, before, trained(2.0, GOOD))
    assert (said.helped, said.before, said.difference) == (True, None, None)
    assert "val_loss 2, diverged in trial 3 of exp_1." in said.sentence


def test_no_score_is_no_help() -> None:
    for before in (trained(2.5, BAD), trained(None, None)):
        after = trained(None, None, stop_reason=StopReason.DIVERGED)
        assert repair(ORIGIN, before, after).helped is False


@pytest.mark.parametrize("ended", [StopReason.CANCELLED, StopReason.OUT_OF_MEMORY])
def test_a_training_that_came_to_no_end_says_nothing(ended: StopReason) -> None:
    neither = trained(None, None, stop_reason=ended)
    for before, after in ((trained(2.5, BAD), neither), (neither, trained(2.0, GOOD))):
        said = repair(ORIGIN, before, after)
        assert said.helped is None
        assert said.sentence.startswith("Whether the repair of dead_neurons helped cannot be told")


def test_a_finding_that_is_there_again_is_told_of() -> None:
    said = repair(ORIGIN, trained(2.5, BAD), trained(2.0, GOOD, "dead_neurons"))
    assert said.helped is True
    assert said.sentence.endswith(" dead_neurons was found again.")


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"dataset": "builtin:iris"}},
        {"fit": {"validation_split": 0.2}},
        {"fit": {"split": "last"}},
        {"compile": {"loss": "poisson"}},
    ],
)
def test_other_rows_or_another_loss_are_not_compared(other: dict[str, Any]) -> None:
    said = repair(ORIGIN, trained(2.5, BAD), trained(2.0, GOOD, spec=spec_of(**other)))
    assert (said.helped, said.difference) == (None, None)
    assert said.sentence.startswith("Whether the repair of dead_neurons helped cannot be told")


def test_where_classes_count_differently_the_plain_loss_tells_nothing() -> None:
    """A rare class that is recognised at last costs the common one's rows."""
    balanced = spec_of(fit={"class_weight": "balanced"})
    said = repair(ORIGIN, trained(2.0, GOOD), trained(2.5, BAD, spec=balanced))
    assert (said.helped, said.difference) == (None, None)
    assert said.sentence.endswith("classes count differently in what the two were trained for.")

    alike = repair(ORIGIN, trained(2.5, BAD, spec=balanced), trained(2.0, GOOD, spec=balanced))
    assert alike.helped is True


def test_other_seeds_are_not_compared() -> None:
    assert repair(ORIGIN, trained(2.5, BAD), trained(2.0, GOOD, repeat=1)).helped is None


def test_a_repair_of_the_scaling_is_compared() -> None:
    scaled = spec_of(data={"dataset": "builtin:digits", "scaling": "standard"})
    assert repair(ORIGIN, trained(2.5, BAD), trained(2.0, GOOD, spec=scaled)).helped is True


def test_without_the_original_nobody_can_tell() -> None:
    said = repair(ORIGIN, None, trained(2.0, GOOD))
    assert (said.helped, said.before, said.after) == (None, None, 2.0)
    assert "is not there any more" in said.sentence


def test_the_winning_setting_is_compared_by_its_trial_of_the_same_seed() -> None:
    results = [
        trial(1, 0.5, candidate=0, repeat=0),
        trial(2, 0.4, candidate=0, repeat=1),
        trial(3, 0.9, candidate=1, repeat=0),
    ]
    chosen = [counterpart(results, 2, seed) for seed in (7, 8, 99)]
    assert [each and each.number for each in chosen] == [1, 2, 2]


def test_without_a_winner_the_first_that_was_trained_is_compared() -> None:
    results = [trial(1, None, stop_reason=StopReason.DIVERGED)]
    assert counterpart(results, None, 7) == results[0]
    assert counterpart([], None, 7) is None
