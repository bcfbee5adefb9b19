"""Underfitting is said where a larger network is shown to be better, and never by scores alone."""

from typing import Any

import numpy as np
import pytest

from health.experiment.capacity import underfitting
from models.findings import Finding
from models.monitor import Monitored
from models.specs.experiment import ExperimentSpec
from models.trial import TrialResult
from search.conclusion import conclude
from tests.search.results import trial

NOISE = np.random.default_rng(3).normal(scale=0.2, size=(4, 200))
CAPACITY: dict[str, Any] = {
    "data": {"dataset": "builtin:digits"},
    "search": {"strategy": "capacity", "max_units": 64},
}
LAYERS = [{"layer": "Dense", "units": 8, "activation": "relu"}]
NETWORKS: dict[str, Any] = {
    "data": {"dataset": "builtin:digits"},
    "search": {"strategy": "networks", "networks": {"a": {"layers": []}, "b": {"layers": LAYERS}}},
}
SIZES: list[dict[str, Any]] = [
    {"hidden_layers": 0},
    {"hidden_layers": 1, "units": 16},
    {"hidden_layers": 1, "units": 64},
]


def sizes(*means: float, settings: list[dict[str, Any]] = SIZES) -> list[TrialResult]:
    """Trials of rising size that come to these mean losses."""
    return [
        trial(
            number,
            mean,
            setting=setting,
            changes={"network": {"layers": []}},
            parameters=100 * number,
            losses=(mean + NOISE[number] - NOISE[number].mean()).tolist(),
        )
        for number, (mean, setting) in enumerate(zip(means, settings, strict=False), start=1)
    ]


def found(results: list[TrialResult], spec: dict[str, Any]) -> Finding | None:
    read = ExperimentSpec.model_validate(spec)
    judged = Monitored("val_loss", "min")
    conclusion = conclude(read, results, {}, judged=judged, reason="all tried")
    return underfitting(read, results, conclusion)


def test_where_the_largest_size_is_better_a_search_with_more_room_is_advised() -> None:
    finding = found(sizes(1.0, 0.6, 0.4), CAPACITY)
    assert finding is not None
    assert (finding.code, finding.severity) == ("underfitting", "warning")
    assert finding.value == pytest.approx(0.2, abs=1e-6)
    assert finding.threshold is not None
    assert 0 < finding.threshold < 0.2
    assert "units 64" in finding.evidence
    assert finding.patch == ({"op": "replace", "path": "/search/max_units", "value": 256},)


def test_where_a_larger_size_was_no_better_there_is_nothing_to_repair() -> None:
    finding = found(sizes(1.0, 0.4, 0.41), CAPACITY)
    assert finding is not None
    assert (finding.severity, finding.patch) == ("info", ())
    assert "hidden_layers 0" in finding.evidence


def test_where_the_smallest_is_as_good_nothing_underfits() -> None:
    assert found(sizes(0.4, 0.4, 0.4), CAPACITY) is None
    assert found(sizes(0.4, 0.6, 1.0), CAPACITY) is None


@pytest.mark.parametrize(("difference", "is_shown"), [(0.5, False), (1.5, True)])
def test_a_smaller_size_is_worse_beyond_one_standard_error(
    difference: float, *, is_shown: bool
) -> None:
    error = (NOISE[1] - NOISE[2]).std(ddof=1) / np.sqrt(NOISE.shape[1])
    assert (found(sizes(0.4 + difference * error, 0.4), CAPACITY) is not None) == is_shown


def test_of_named_networks_the_larger_one_may_show_it_too() -> None:
    named = [{"network": "a"}, {"network": "b"}]
    finding = found(sizes(1.0, 0.4, settings=named), NETWORKS)
    assert finding is not None
    assert finding.patch == ()
    assert "network b (200 parameters)" in finding.evidence


def test_other_searches_are_not_asked() -> None:
    rates = {"strategy": "learning_rates", "values": [0.01, 0.1]}
    network: dict[str, Any] = {"layers": []}
    spec = {"data": {"dataset": "builtin:digits"}, "network": network, "search": rates}
    settings = [{"learning_rate": 0.01}, {"learning_rate": 0.1}]
    assert found(sizes(1.0, 0.4, settings=settings), spec) is None


def test_without_any_score_nothing_is_said() -> None:
    assert found([trial(1, None, setting=SIZES[0])], CAPACITY) is None
