"""What lies in a space of settings, how it is drawn, and what people call it."""

from collections import Counter
from math import log10
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from models.specs.spaces import Space, size_of, values_of
from search.strategies.space import distinct, draw, names, number_of_points, points

SPACE: TypeAdapter[Any] = TypeAdapter(Space)


def space(given: object) -> Any:
    return SPACE.validate_python(given)


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - to be repeatable


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ([3, "a", None], (3, "a", None)),
        ({"choice": [True, 1]}, (True, 1)),
        ({"int": {"low": 2, "high": 5}}, (2, 3, 4, 5)),
        ({"int": {"low": 2, "high": 9, "step": 3}}, (2, 5, 8)),
        ({"int": {"low": 16, "high": 256, "log": True, "count": 5}}, (16, 32, 64, 128, 256)),
        ({"int": {"low": 1, "high": 3, "count": 9}}, (1, 2, 3)),
        (
            {"float": {"low": 1e-5, "high": 0.1, "log": True, "count": 5}},
            (1e-5, 1e-4, 1e-3, 0.01, 0.1),
        ),
        ({"float": {"low": 0, "high": 1, "count": 3}}, (0.0, 0.5, 1.0)),
        ({"float": {"low": 0.99, "high": 0.991, "count": 3}}, (0.99, 0.9905, 0.991)),
        ({"float": {"low": 1, "high": 3, "log": True, "count": 3}}, (1.0, 1.732, 3.0)),
    ],
)
def test_the_values_of_a_space(given: object, values: tuple[object, ...]) -> None:
    found = values_of(space(given))
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]
    assert size_of(space(given)) == len(values)


def test_a_range_of_numbers_has_no_end() -> None:
    endless = space({"float": {"low": 0, "high": 1}})
    assert size_of(endless) is None
    with pytest.raises(ValueError, match="no end"):
        values_of(endless)
    assert number_of_points({"a": endless, "b": space([1])}) is None


def test_a_grid_varies_its_last_path_fastest() -> None:
    over = {"a": space([1, 2]), "b": space(["x", "y"])}
    assert [tuple(point.values()) for point in points(over)] == [
        (1, "x"),
        (1, "y"),
        (2, "x"),
        (2, "y"),
    ]
    assert number_of_points(over) == 4


@given(
    low=st.integers(1, 1000),
    width=st.integers(1, 10**6),
    log=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_draw_lies_in_its_range(low: int, width: int, log: bool, seed: int) -> None:  # noqa: FBT001
    high = low + width
    drawn = draw(
        {
            "whole": space({"int": {"low": low, "high": high, "log": log}}),
            "real": space({"float": {"low": low / 1000, "high": high / 1000, "log": log}}),
        },
        seeded(seed),
    )
    whole, real = drawn["whole"], drawn["real"]
    assert isinstance(whole, int)
    assert isinstance(real, float)
    assert low <= whole <= high
    assert low / 1000 <= real <= high / 1000


def test_a_logarithmic_draw_is_as_often_below_as_above_the_middle_of_its_powers() -> None:
    random = seeded(3)
    over = {"rate": space({"float": {"low": 1e-6, "high": 1, "log": True}})}
    drawn = [log10(float(str(draw(over, random)["rate"]))) for _ in range(2000)]
    assert sum(exponent < -3 for exponent in drawn) == pytest.approx(1000, abs=100)


def test_both_ends_of_a_logarithmic_range_of_whole_numbers_are_drawn() -> None:
    random = seeded(3)
    over = {"units": space({"int": {"low": 1, "high": 4, "log": True}})}
    found = Counter(draw(over, random)["units"] for _ in range(2000))
    # From half to one and a half is the widest step on this scale, and the last is no half step.
    assert set(found) == {1, 2, 3, 4}
    assert found[1] > found[2] > found[3] > found[4] > 100


def test_a_narrow_range_is_not_rounded_to_its_ends() -> None:
    random = seeded(3)
    over = {"beta": space({"float": {"low": 0.99, "high": 0.991}})}
    assert len({draw(over, random)["beta"] for _ in range(200)}) > 100


@given(count=st.integers(1, 40), taken=st.integers(0, 24), seed=st.integers(0, 99))
def test_no_setting_is_drawn_twice_and_all_are_where_as_many_are_asked_for(
    count: int, taken: int, seed: int
) -> None:
    over = {"a": space({"int": {"low": 1, "high": 12}}), "b": space(["x", "y"])}
    besides = list(points(over))[:taken]
    drawn = distinct(over, count, seeded(seed), besides)
    keys = [tuple(setting.values()) for setting in drawn]
    assert len(set(keys)) == len(keys) == min(count, 24 - taken)
    assert not set(keys) & {tuple(setting.values()) for setting in besides}


@pytest.mark.parametrize(
    ("paths", "called"),
    [
        (["compile.optimizer.learning_rate"], ["learning_rate"]),
        (
            ["network.layers.0.units", "network.layers.1.units"],
            ["layers.0.units", "layers.1.units"],
        ),
        (["network.layers.0"], ["layers.0"]),
        (
            ["fit.early_stopping.patience", "fit.reduce_lr_on_plateau.patience"],
            ["early_stopping.patience", "reduce_lr_on_plateau.patience"],
        ),
        (["network", "fit.batch_size"], ["network", "batch_size"]),
    ],
)
def test_a_path_is_called_by_as_little_as_tells_it_from_others(
    paths: list[str], called: list[str]
) -> None:
    assert list(names(dict.fromkeys(paths, space([1]))).values()) == called
