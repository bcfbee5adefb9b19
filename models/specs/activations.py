"""The activation functions a layer may apply, by Keras's names.

Left out: `glu`, which halves the last axis, and `threshold`, which has no default threshold.
"""

from typing import Literal

ActivationName = Literal[
    "relu",
    "linear",
    "sigmoid",
    "softmax",
    "tanh",
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu6",
    "selu",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
]
