"""A learning rate is called what comparing shows; findings decide only what that leaves open."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.experiment.rates import weighed
from models.findings import Finding
from models.lifecycle import StopReason
from models.monitor import Monitored
from models.specs.experiment import ExperimentSpec
from models.views.comparison import RateVerdict, RateWord
from search.conclusion import conclude
from tests.search.results import trial

CODES = ("learning_rate_too_low", "learning_rate_too_high", "learned_nothing", "overfitting")


def finding(code: str) -> Finding:
    return Finding(
        code=code,
        severity="problem",
        evidence="The loss fell by 0.01 %.",
        explanation="Steps are small.",
        advice="Try ten times the rate.",
    )


def verdict(rate: float, word: RateWord, trials: Sequence[int]) -> RateVerdict:
    return RateVerdict(
        learning_rate=rate, verdict=word, evidence="as compared", trials=tuple(trials)
    )


def words(
    rates: Mapping[float, RateWord], found: Mapping[int, str], *, repeats: int = 1
) -> list[RateWord]:
    """The weighed verdicts of rates whose trials are numbered 1, 2, … in their order."""
    verdicts = [
        verdict(rate, word, range(place * repeats + 1, (place + 1) * repeats + 1))
        for place, (rate, word) in enumerate(rates.items())
    ]
    findings = {number: [finding(code)] for number, code in found.items()}
    return [rate.verdict for rate in weighed(verdicts, findings)]


def test_what_a_comparison_decides_stands_against_findings() -> None:
    compared: dict[float, RateWord] = {1e-7: "too_low", 0.01: "good", 1: "too_high"}
    found = {1: "learning_rate_too_low", 3: "learning_rate_too_low"}
    assert words(compared, found) == ["too_low", "good", "too_high"]


def test_the_best_of_rates_that_are_all_too_low_is_too_low() -> None:
    found = {1: "learning_rate_too_low", 2: "learning_rate_too_low"}
    assert words({1e-8: "too_low", 1e-7: "good"}, found) == ["too_low", "too_low"]


def test_a_rate_that_ties_with_a_healthy_one_but_learned_nothing_is_not_decided() -> None:
    assert words({1e-7: "good", 0.01: "good"}, {1: "learned_nothing"}) == ["not_decided", "good"]


def test_a_finding_decides_where_there_were_no_rows_to_compare_by() -> None:
    compared: dict[float, RateWord] = {1e-7: "not_decided", 0.01: "good", 1: "not_decided"}
    found = {1: "learning_rate_too_low", 3: "learning_rate_too_high"}
    assert words(compared, found) == ["too_low", "good", "too_high"]


def test_no_rate_is_too_high_below_one_that_did_well() -> None:
    compared: dict[float, RateWord] = {0.001: "not_decided", 0.01: "good"}
    assert words(compared, {1: "learning_rate_too_high"}) == ["not_decided", "good"]


@pytest.mark.parametrize(("having", "word"), [(2, "too_low"), (1, "good")])
def test_a_finding_counts_when_most_repeats_have_it(having: int, word: str) -> None:
    found = dict.fromkeys(range(1, having + 1), "learning_rate_too_low")
    assert words({1e-7: "good"}, found, repeats=3) == [word]


def test_a_rate_that_threw_a_network_to_where_steps_are_small_is_too_high() -> None:
    found = [finding("learning_rate_too_low"), finding("learning_rate_too_high")]

    (rate,) = weighed([verdict(1.0, "not_decided", [1])], {1: found})

    assert rate.verdict == "too_high"


def test_evidence_names_the_finding_and_its_trial() -> None:
    (rate,) = weighed([verdict(1e-7, "good", [4])], {4: [finding("learning_rate_too_low")]})
    assert rate.evidence == "learning_rate_too_low in trial 4: The loss fell by 0.01 %"


@st.composite
def _outcomes(draw: st.DrawFn) -> tuple[list[float | None], dict[int, list[Finding]]]:
    """Scores of up to five rates, None for a diverged one, and a finding of some."""
    scores = draw(st.lists(st.none() | st.floats(0.1, 2.0), min_size=1, max_size=5))
    codes = st.dictionaries(st.integers(1, 5), st.sampled_from(CODES))
    return scores, {number: [finding(code)] for number, code in draw(codes).items()}


@given(outcomes=_outcomes(), compared=st.booleans())
def test_the_sentences_and_the_verdicts_never_contradict_each_other(
    *, outcomes: tuple[list[float | None], dict[int, list[Finding]]], compared: bool
) -> None:
    scores, findings = outcomes
    results = [
        trial(
            number,
            score,
            stop_reason=StopReason.COMPLETED if score is not None else StopReason.DIVERGED,
            losses=[score, score + 0.01 * number, score] if compared and score else None,
        )
        for number, score in enumerate(scores, start=1)
    ]
    spec = ExperimentSpec.model_validate(
        {
            "data": {"dataset": "builtin:digits"},
            "network": {"layers": []},
            "search": {
                "strategy": "learning_rates",
                "values": [result.setting["learning_rate"] for result in results],
            },
        }
    )
    conclusion = conclude(
        spec,
        results,
        {},
        judged=Monitored("val_loss", "min"),
        reason="all tried",
        weigh=partial(weighed, findings=findings),
    )
    told = dict(filter(None, map(_said, conclusion.summary)))
    verdicts = {rate.learning_rate: rate.verdict for rate in conclusion.rates}
    assert len(verdicts) == len(results)
    assert all(verdicts[rate] == word for rate, word in told.items())
    if conclusion.winner is not None:
        winners = [line for line in conclusion.summary if line.startswith(("It was ", "Whether"))]
        rate = conclusion.winner.setting["learning_rate"]
        assert isinstance(rate, float)
        assert (verdicts[rate] == "good") == (not winners)


def _said(line: str) -> tuple[float, str] | None:
    """The rate that a sentence judges, and how."""
    if judged := re.match(r"(\d\S*) was (too low|too high|as good)", line):
        return float(judged[1]), judged[2].replace("as good", "good").replace(" ", "_")
    if line.endswith("Whether that is worse is not decided."):
        return float(line.split(maxsplit=1)[0]), "not_decided"
    return None
