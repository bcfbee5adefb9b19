"""Keras's optimizers, with the update of a variable as one kernel of TensorFlow's.

Keras writes an update as some twenty operations, each a pass over the variable and a node of the
graph; in a small network's step that is every second node. TensorFlow has the same formulae as
single kernels. Everything else (state, schedules, clipping, weight decay, scaling) stays Keras's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

# Their gradients leave a bias before them nothing but rounding noise, which Adam scales up to
# full steps: there the last bit decides, and it is not the same (a metric came to differ by
# 0.02 %).
_NORMALIZING = (keras.layers.BatchNormalization, keras.layers.LayerNormalization)

# Keras's optimizer is what it is mixed into; Any, for the attributes that it finds there.
_Mixin: Any = object


def allows(network: keras.Model) -> bool:
    """Whether fused updates give the network's numbers to 1e-4, which is what is promised.

    The kernels take 1 - beta in 32 bits, where Keras rounds it from 64: Adam's steps differ by
    some 1e-5 of their size.
    """
    return not any(isinstance(layer, _NORMALIZING) for layer in network.layers)


class _Step(NamedTuple):
    """What all variables have in common in one step.

    Read for each of them, it would be a fifth of a small network's graph.

    Attributes:
        rate: the learning rate, float32.
        powers: of the optimizer's decay rates, to the number of the step.
    """

    rate: tf.Tensor
    powers: tuple[tf.Tensor, ...]


class _Fused(_Mixin):  # type: ignore[misc]
    """Updates float32 variables by a kernel.

    Keras's own way is left for what the kernels are not made for: a sparse gradient, another type,
    and several devices, where a variable is a list of copies.
    """

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any], learning_rate: Any
    ) -> None:
        """Update all variables, as Keras's `apply` asks for it."""
        if self._distribution_strategy.num_replicas_in_sync == 1:
            learning_rate = _Step(tf.cast(learning_rate, tf.float32), self._powers())
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take a step of one variable."""
        if not isinstance(learning_rate, _Step):  # on several devices
            super().update_step(gradient, variable, learning_rate)
        elif isinstance(gradient, tf.IndexedSlices) or not (
            gradient.dtype == variable.dtype == tf.float32
        ):
            super().update_step(gradient, variable, learning_rate.rate)
        else:
            index = self._get_variable_index(variable)
            self._update(variable.handle, index, gradient, learning_rate)

    def _powers(self) -> tuple[tf.Tensor, ...]:
        return ()

    def _update(self, handle: tf.Tensor, index: int, gradient: tf.Tensor, step: _Step) -> None:
        raise NotImplementedError


class SGD(_Fused, keras.optimizers.SGD):  # type: ignore[misc]
    """Keras's SGD."""

    def _update(self, handle: tf.Tensor, index: int, gradient: tf.Tensor, step: _Step) -> None:
        if self.momentum == 0:
            tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=step.rate, delta=gradient)
            return
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=handle,
            accum=self.momentums[index].value.handle,
            lr=step.rate,
            grad=gradient,
            momentum=self.momentum,
            use_nesterov=self.nesterov,
        )


class Adam(_Fused, keras.optimizers.Adam):  # type: ignore[misc]
    """Keras's Adam."""

    def _powers(self) -> tuple[tf.Tensor, ...]:
        number = tf.cast(self.iterations.value + 1, tf.float32)
        return tf.pow(self.beta_1, number), tf.pow(self.beta_2, number)

    def _update(self, handle: tf.Tensor, index: int, gradient: tf.Tensor, step: _Step) -> None:
        beta1_power, beta2_power = step.powers
        state = {
            "var": handle,
            "m": self._momentums[index].value.handle,
            "v": self._velocities[index].value.handle,
            "beta1_power": beta1_power,
            "beta2_power": beta2_power,
            "lr": step.rate,
            "beta1": self.beta_1,
            "beta2": self.beta_2,
            "epsilon": self.epsilon,
            "grad": gradient,
        }
        if self.amsgrad:
            largest = self._velocity_hats[index].value.handle
            tf.raw_ops.ResourceApplyAdamWithAmsgrad(vhat=largest, **state)
        else:
            tf.raw_ops.ResourceApplyAdam(**state)


class AdamW(Adam, keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras's AdamW: its decay comes before the update."""


# By Keras's name. The others are rarer, or no kernel has quite their formula.
OPTIMIZERS = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}
