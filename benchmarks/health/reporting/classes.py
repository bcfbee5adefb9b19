"""Which one is it? Drawn tables that are only reported on, each by what somebody published."""

import numpy as np

from benchmarks.health.rows import Rows


def threenorm() -> Rows:
    """Is it of two clouds at either side of twenty columns, or of the one across?

    Breiman, "Bias, Variance, and Arcing Classifiers", Technical Report 460, Berkeley, 1996; nobody
    can tell one in ten.
    """
    draw = np.random.default_rng(31)
    y = draw.integers(0, 2, 600)
    side = draw.choice([-1.0, 1.0], 600)
    across = np.where(np.arange(20) % 2, -1.0, 1.0)
    centres = np.where((y == 1)[:, None], across, np.outer(side, np.ones(20))) * 2 / np.sqrt(20)
    return Rows("classes", centres + draw.normal(size=(600, 20)), y.astype(np.float64))
