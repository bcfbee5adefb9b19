"""How much work a network is: counted and not timed, so the same wherever it is trained."""

import math

import keras

# In 32 bits.
VALUE_BYTES = 4


def values(network: keras.Model) -> int:
    """How many numbers a row becomes on its way through all layers."""
    return sum(math.prod(layer.output.shape[1:]) for layer in network.layers)


def products(network: keras.Model) -> int:
    """How many products a row's way forward takes; twice as many more take its gradients.

    Every number of a kernel is multiplied once at each place that the layer looks at.
    """
    return sum(
        layer.count_params() * math.prod(layer.output.shape[1:-1]) for layer in network.layers
    )
