"""A real service answers what it was asked, on evidence, and its winner can be trained again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.lifecycle import State
from models.monitor import Monitored
from models.specs.experiment import ExperimentSpec
from models.views.comparison import Comparison, Conclusion, Winner
from search.comparison import compare
from search.paired import overlap_of
from search.ties import contenders
from store import history, row_losses
from tests.worker.site import Site

DROPOUT = {
    "layers": [
        {"layer": "Dense", "units": 16, "activation": "relu"},
        {"layer": "Dropout", "rate": 0.3},
    ]
}

# Without dropout, whose noise hides what a tiny rate learns.
QUIET = {"layers": [{"layer": "Dense", "units": 100, "activation": "relu"}] * 2}


def passengers(rows: int = 900) -> pl.DataFrame:
    """Drawn as the Titanic's were: who survived depends on sex and class, and much on chance."""
    chance = np.random.default_rng(12)
    female, first = chance.random(rows) < 0.35, chance.random(rows) < 0.25
    age, fare = chance.normal(30, 14, rows), chance.exponential(20, rows) + 60 * first
    logit = -1.6 + 2.6 * female + 1.2 * first - 0.02 * (age - 30)
    survived = chance.random(rows) < 1 / (1 + np.exp(-logit))
    return pl.DataFrame(
        {
            "female": female.astype(int),
            "first": first.astype(int),
            "age": age,
            "fare": fare,
            "survived": np.where(survived, "yes", "no"),
        }
    )


def spec_of(dataset: str, **more: object) -> dict[str, Any]:
    return {
        "name": "who survives?",
        "data": {"dataset": dataset, "target": "survived", "scaling": "standard"},
        "network": DROPOUT,
        "compile": {"optimizer": "SGD", "metrics": ["accuracy"]},
        "fit": {"epochs": 20, "early_stopping": {"patience": 3}},
    } | more


def concluded(site: Site, spec: dict[str, Any]) -> tuple[str, Conclusion]:
    experiment_id = site.submit(spec)
    view = site.wait_until_over(experiment_id)
    assert view.state is State.SUCCEEDED, view.error
    assert view.conclusion is not None
    return experiment_id, view.conclusion


def won(conclusion: Conclusion) -> Winner:
    assert conclusion.winner is not None
    return conclusion.winner


def trained(
    site: Site, experiment_id: str, number: int = 1
) -> list[tuple[int, Mapping[str, float | None], float | None]]:
    rows = site.epochs(experiment_id, number)
    return [(row.epoch, row.metrics, row.learning_rate) for row in rows]


def losses(site: Site, experiment_id: str, number: int) -> bytes:
    with site.database.snapshot() as tx:
        results = history.results(tx, experiment_id)
        found = row_losses.attached(tx, experiment_id, results, [number])
    kept = found[number - 1].row_losses
    assert kept is not None
    return kept.tobytes()


def comparison(site: Site, experiment_id: str) -> Comparison:
    """What the API would answer."""
    spec = site.experiment(experiment_id).spec
    assert isinstance(spec, ExperimentSpec)
    with site.database.snapshot() as tx:
        results = history.results(tx, experiment_id)
        results = row_losses.attached(tx, experiment_id, results, contenders(results, "min"))
        curves = history.curves(tx, experiment_id)
    return compare(
        results, curves, judged=Monitored("val_loss", "min"), overlap=overlap_of(spec.fit)
    )


@pytest.fixture(scope="module")
def dataset(sqlite_site: Site) -> str:
    return sqlite_site.frame("passengers", passengers(), "survived")


SEARCHES: dict[str, dict[str, Any]] = {
    "one of two repeats, with dropout": {"repeats": 2},
    "learning rates": {"search": {"strategy": "learning_rates", "values": [0.001, 0.1]}},
    "networks": {
        "network": None,
        "search": {
            "strategy": "networks",
            "networks": {
                "linear": {"layers": []},
                "dropout": DROPOUT,
            },
        },
        "repeats": 2,
    },
    "capacity": {
        "network": None,
        "search": {"strategy": "capacity", "seeds": 2, "start": 4, "max_units": 16},
    },
    "random": {
        "search": {
            "strategy": "random",
            "count": 3,
            "over": {
                "network.layers.0.units": {"int": {"low": 4, "high": 64}},
                "fit.batch_size": [16, 32],
            },
        }
    },
}


@pytest.mark.parametrize("search", SEARCHES)
def test_the_winner_trained_alone_has_the_same_history_to_the_last_bit(
    sqlite_site: Site, dataset: str, search: str
) -> None:
    experiment_id, conclusion = concluded(sqlite_site, spec_of(dataset, **SEARCHES[search]))
    winner = won(conclusion)
    assert isinstance(winner.spec, ExperimentSpec)

    alone, again = concluded(sqlite_site, winner.spec.model_dump(mode="json"))

    assert trained(sqlite_site, alone) == trained(sqlite_site, experiment_id, winner.trial)
    assert losses(sqlite_site, alone, 1) == losses(sqlite_site, experiment_id, winner.trial)
    assert (won(again).value, won(again).epoch) == (winner.value, winner.epoch)
    assert won(again).spec is not None


def test_the_same_network_under_two_names_is_as_good_as_itself(
    sqlite_site: Site, dataset: str
) -> None:
    networks = {"one": DROPOUT, "other": DROPOUT, "none": {"layers": []}}
    search = {"strategy": "networks", "networks": networks}
    experiment_id, conclusion = concluded(
        sqlite_site, spec_of(dataset, network=None, search=search, repeats=2)
    )

    shown = {
        line.setting["network"]: line for line in comparison(sqlite_site, experiment_id).candidates
    }
    assert shown["one"].score == shown["other"].score
    first, second = sorted((shown["one"], shown["other"]), key=lambda line: line.rank or 0)
    assert second.difference is not None
    if first.rank == 1:
        assert (second.difference.mean, second.difference.standard_error) == (0.0, 0.0)
        assert second.setting in conclusion.ties
        assert any("row by row the loss is the same" in said for said in conclusion.summary)
    assert second.difference.repeats == 2
    assert second.difference.rows == 2 * 270


def test_three_rates_are_answered_with_which_won_and_why_the_others_did_not(
    sqlite_site: Site, dataset: str
) -> None:
    search = {"strategy": "learning_rates", "values": [1e-7, 0.01, 1]}
    compiled = {
        "optimizer": {"optimizer": "SGD", "momentum": 0.95, "nesterov": True},
        "metrics": ["accuracy"],
    }
    experiment_id, conclusion = concluded(
        sqlite_site, spec_of(dataset, network=QUIET, search=search, compile=compiled)
    )

    assert won(conclusion).setting == {"learning_rate": 0.01}
    first, *others = conclusion.summary
    assert first.startswith("0.01 won: val_loss 0.")
    assert "; accuracy " in first
    low = next(sentence for sentence in others if sentence.startswith("1e-7 "))
    assert low.startswith("1e-7 was too low: after 20 epochs the loss had fallen by 0.")
    high = next(sentence for sentence in others if sentence.startswith("1 "))
    assert high.startswith("1 was too high: ")
    assert conclusion.reason == "all 3 settings tried"
    verdicts = {rate.learning_rate: rate.verdict for rate in conclusion.rates}
    assert verdicts == {1e-7: "too_low", 0.01: "good", 1: "too_high"}

    best, *rest = comparison(sqlite_site, experiment_id).candidates
    assert best.accuracy is not None
    assert best.accuracy.rows == 270
    share = best.accuracy.value
    assert best.accuracy.standard_error == pytest.approx((share * (1 - share) / 270) ** 0.5)
    assert [line.tied for line in rest if line.score is not None] == [False] * sum(
        line.score is not None for line in rest
    )


def test_the_best_of_rates_that_are_all_too_low_wins_and_is_called_too_low_itself(
    sqlite_site: Site, dataset: str
) -> None:
    search = {"strategy": "learning_rates", "values": [1e-7, 1e-6]}
    compiled = {"optimizer": "SGD", "metrics": ["accuracy"]}
    _, conclusion = concluded(
        sqlite_site, spec_of(dataset, network=QUIET, search=search, compile=compiled)
    )

    assert won(conclusion).setting == {"learning_rate": 1e-6}
    assert [rate.verdict for rate in conclusion.rates] == ["too_low", "too_low"]
    assert any(said.startswith("It was too low itself: ") for said in conclusion.summary)
