"""How often is measured depends on counted work alone, and never becomes much."""

from itertools import pairwise
from typing import Any

import pytest

from tests.trainer.trials import trial
from worker.trainer.network import build
from worker.trainer.thinning import Amount, amount

DENSE: list[dict[str, Any]] = [
    {"layer": "Dense", "units": 100, "activation": "relu"},
    {"layer": "Dense", "units": 10},
]


def _amount(rows: int, shape: tuple[int, ...] = (10,), layers: Any = DENSE) -> Amount:
    network = build(trial(layers=layers).network.layers, shape, 1)
    return amount(network, training=rows, validation=rows // 3, batch_size=32, epochs=20)


def _epochs(interval: int, epochs: int) -> list[int]:
    of_these = Amount(probe=1, paired=0, interval=interval, epochs=epochs)
    found = [0]
    for epoch in range(1, epochs + 1):
        if of_these.due(epoch, found[-1]):
            found.append(epoch)
    return found


def test_long_epochs_are_all_measured_and_short_ones_rarely() -> None:
    assert _amount(100_000).interval == 1
    assert 1 < _amount(1000).interval < _amount(100).interval


def test_a_small_table_is_measured_at_four_of_twenty_epochs_the_last_included() -> None:
    small = _amount(624, layers=[DENSE[0], DENSE[0], {"layer": "Dense", "units": 2}])

    assert _epochs(small.interval, small.epochs) == [0, 1, 8]


def test_the_first_epoch_is_measured_and_then_at_even_distances() -> None:
    assert _epochs(1, 5) == [0, 1, 2, 3, 4]
    assert _epochs(4, 17) == [0, 1, 5, 9, 13]


def test_shortly_before_the_last_epoch_which_is_measured_anyway_none_is() -> None:
    assert _epochs(4, 16) == [0, 1, 5, 9]
    assert _epochs(20, 20) == [0, 1]


@pytest.mark.parametrize("interval", [1, 3, 50])
def test_a_hundred_thousand_epochs_leave_some_hundred_measurements(interval: int) -> None:
    found = _epochs(interval, 100_000)

    assert 200 < len(found) < 500
    assert max(b / a for a, b in pairwise(found[2:])) < 2


def test_of_rows_that_become_large_on_their_way_fewer_are_measured() -> None:
    layers = [{"layer": "Conv2D", "filters": 64, "kernel_size": 3}, {"layer": "Flatten"}, DENSE[1]]

    small, large = _amount(10_000), _amount(10_000, (64, 64, 3), layers)

    assert (small.probe, small.paired) == (2048, 2048)
    assert 32 <= large.probe < 100
    assert large.paired == large.probe
    assert _amount(50).probe == 50
    assert _amount(50).paired == 16
