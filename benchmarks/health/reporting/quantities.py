"""How much is it? Drawn tables that are only reported on, each by what somebody published."""

import numpy as np

from benchmarks.health.rows import Rows, standardized


def piston() -> Rows:
    """How long is a piston's cycle, by seven quantities in SI units, 0.002 to 110,000?

    Kenett and Zacks, "Modern Industrial Statistics", 1998: its formula and its ranges, and a clock
    that is a twentieth off.
    """
    draw = np.random.default_rng(32)
    lowest = [30.0, 0.005, 0.002, 1_000.0, 90_000.0, 290.0, 340.0]
    highest = [60.0, 0.020, 0.010, 5_000.0, 110_000.0, 296.0, 360.0]
    x = draw.uniform(lowest, highest, (500, 7))
    weight, surface, volume, spring, pressure, ambient, filling = x.T
    force = pressure * surface + 19.62 * weight - spring * volume / surface
    gas = spring * pressure * volume * ambient / filling
    room = surface / (2 * spring) * (np.sqrt(force**2 + 4 * gas) - force)
    pull = surface**2 * pressure * volume * ambient / (filling * room**2)
    seconds = 2 * np.pi * np.sqrt(weight / (spring + pull))
    return Rows("numbers", x, standardized(seconds * np.exp(0.05 * draw.normal(size=500))))
