"""What the benchmarks of searches conclude from numbers, without training anything."""

import pytest

from benchmarks.quality.capacity import size, worse_by
from benchmarks.quality.regret import no_more, regrets


def test_regret_is_counted_from_the_best_of_the_same_round() -> None:
    rounds = [{"ours": 0.5, "theirs": 0.4}, {"ours": 0.2, "theirs": 0.3}]
    found = regrets(rounds)
    assert found["ours"] == pytest.approx([0.1, 0.0])
    assert found["theirs"] == pytest.approx([0.0, 0.1])


def test_without_rounds_there_is_no_regret() -> None:
    assert regrets([]) == {}


def test_a_difference_within_one_standard_error_is_not_more() -> None:
    theirs = [0.0, 0.0, 0.0]
    assert no_more([0.3, -0.2, 0.0], theirs)
    assert not no_more([0.3, 0.2, 0.25], theirs)
    assert no_more([-0.1, -0.1, -0.1], theirs)


def test_one_round_has_no_noise_to_hide_behind() -> None:
    assert not no_more([0.1], [0.0])


def test_a_choice_that_is_the_better_one_is_worse_by_less_than_nothing() -> None:
    assert worse_by((0.2, 0.1), None) == (0.2, 0.1)
    assert worse_by(None, (0.2, 0.1)) == (-0.2, 0.1)
    with pytest.raises(ValueError, match="paired"):
        worse_by(None, None)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"hidden_layers": 0}, "a linear network"),
        ({"hidden_layers": 1, "units": 16}, "1 hidden layer of 16"),
        ({"hidden_layers": 2, "units": 64}, "2 hidden layers of 64"),
    ],
)
def test_a_size_is_told_in_words(setting: dict[str, int], words: str) -> None:
    assert size(setting) == words
