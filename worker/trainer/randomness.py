"""Everything in a training that is drawn by chance, derived from the trial's seed and the epoch.

Nothing carries over from one epoch to the next, so a training that goes on at epoch 7 draws what an
undisturbed one draws there.
"""

import keras
import numpy as np
from numpy.typing import NDArray

# Keeps the draws of one epoch apart from each other.
ORDER, LAYERS, PROBE = 0, 1, 2


def order(seed: int, epoch: int, rows: int) -> NDArray[np.intp]:
    """The order in which the rows are trained on in an epoch (from 0): a permutation."""
    return np.random.default_rng((seed, epoch, ORDER)).permutation(rows)


def probe(seed: int, rows: int, count: int) -> NDArray[np.intp]:
    """Some of the rows, by which a network is looked at after every epoch: ascending."""
    drawn = np.random.default_rng((seed, 0, PROBE)).choice(rows, count, replace=False)
    return np.sort(drawn)


class Reseed(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives every random layer (Dropout, GaussianNoise) its own fresh seed each epoch."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Overwrite the state of each seed generator: a seed, and a count of draws."""
        del logs
        draw = np.random.default_rng((self._seed, epoch, LAYERS))
        for state in seed_states(self.model):
            state.assign(np.array((draw.integers(2**31), 0), dtype=np.uint32))


def seed_states(network: keras.Model) -> list[keras.Variable]:
    """The seed generators of a network's layers, in the order of its layers.

    Keras counts them among `variables` but not among `weights`, and in nothing else do the two
    differ.
    """
    weights = {id(weight) for weight in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]
