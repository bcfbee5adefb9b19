"""Predicts the test images of an archive with a downloaded network; knows nothing of epochd."""

import sys

import keras
import numpy as np


def main() -> None:
    """Print the share of them that is classified right."""
    network, images = sys.argv[1:]
    with np.load(images) as arrays:
        x, y = arrays["x_test"], arrays["y_test"]
    chances = keras.saving.load_model(network).predict(x, verbose=0)
    print(float((chances.argmax(axis=1) == y).mean()))


main()
