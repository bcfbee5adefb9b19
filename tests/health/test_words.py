"""Numbers in sentences are plain: somebody reads them who was woken by them."""

import math

import pytest

from health.words import number, part, percent, remains


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1010.0, "1,010"),
        (1013.7, "1,010"),
        (999.96, "1,000"),
        (12_345_678.0, "12,300,000"),
        (0.69315, "0.693"),
        (-0.5, "-0.5"),
        (3.0, "3"),
        (0.0, "0"),
        (0.000123, "0.000123"),
        (1e-7, "1e-7"),
        (2.345e12, "2.34e12"),
        (math.nan, "not finite"),
        (math.inf, "not finite"),
    ],
)
def test_a_number_has_three_digits_and_no_exponent_where_that_can_be(
    value: float, text: str
) -> None:
    assert number(value) == text


def test_more_digits_are_given_where_they_are_asked_for() -> None:
    assert (number(1685.4, 4), number(1.09387, 4), number(0.0456, 1)) == ("1,685", "1.094", "0.05")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.00123, "0.12 %"),
        (0.05, "5 %"),
        (0.096, "9.6 %"),
        (0.6049, "60 %"),
        (1.0, "100 %"),
        (13.2, "1,320 %"),
    ],
)
def test_a_share_is_in_whole_percents_unless_it_is_small(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.14, "14 % of the loss"),
        (1.0, "100 % of the loss"),
        (1.25, "1.25 times the loss"),
        (750_767.52, "751,000 times the loss"),
    ],
)
def test_more_than_all_of_it_is_told_in_times(share: float, text: str) -> None:
    assert part(share, "the loss") == text


def test_what_is_left_of_nearly_all_is_called_nothing_learned() -> None:
    assert remains(0.454) == "45 % of the loss of knowing nothing is left"
    assert remains(0.98) == "98 % of the loss of knowing nothing is left"
    for much in (0.981, 1.01, math.inf):
        assert remains(much) == "the network is no better than knowing nothing"
    assert remains(math.nan) == "how much was learned is not known"
