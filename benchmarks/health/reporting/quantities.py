"""How much is it? Drawn tables that are only reported on, by what somebody published."""

import numpy as np

from benchmarks.health.rows import Rows, standardized


def concrete() -> Rows:
    """How strong is concrete, by what is in a cubic metre of it (kg) and its age in days?

    Abrams, "Design of Concrete Mixtures", 1918: 14,000 psi over 7 to the power of the ratio of
    water to cement by volume, of which 1.5 by weight are 1. It hardens as ACI 209R-92 has it. The
    mixtures, fly ash that counts for a third of cement and an error of a tenth are chosen.
    """
    draw = np.random.default_rng(61)
    cement = draw.uniform(200.0, 500.0, 600)
    ash = np.where(draw.random(600) < 0.5, draw.uniform(40.0, 180.0, 600), 0.0)
    water = draw.uniform(140.0, 230.0, 600)
    coarse, fine = draw.uniform([[850.0], [600.0]], [[1_130.0], [950.0]], (2, 600))
    age = draw.choice([3.0, 7.0, 14.0, 28.0, 56.0, 90.0], 600)
    by_volume = 1.5 * water / (cement + ash / 3)
    strength = 96.5 / 7.0**by_volume * age / (4.0 + 0.85 * age)  # MPa
    y = strength * np.exp(0.1 * draw.normal(size=600))
    return Rows(
        "numbers", np.stack((cement, ash, water, coarse, fine, age), axis=1), standardized(y)
    )


def borehole() -> Rows:
    """How much water flows through a borehole, by eight quantities in m, m2 a year and m a year?

    Harper and Gupta, "Sensitivity/Uncertainty Analysis of a Borehole Scenario", Office of Nuclear
    Waste Isolation, 1983: its formula and ranges, its radii normal and lognormal. The error of a
    twentieth is chosen. Nearly a straight line.
    """
    draw = np.random.default_rng(62)
    radius = np.clip(draw.normal(0.10, 0.0161812, 500), 0.05, 0.15)
    reach = np.clip(np.exp(7.71 + 1.0056 * draw.normal(size=500)), 100.0, 50_000.0)
    lowest = [63_070.0, 990.0, 63.1, 700.0, 1_120.0, 9_855.0]
    highest = [115_600.0, 1_110.0, 116.0, 820.0, 1_680.0, 12_045.0]
    rest = draw.uniform(lowest, highest, (500, 6))
    upper, upper_head, lower, lower_head, length, conductivity = rest.T
    logarithm = np.log(reach / radius)
    along = 2 * length * upper / (logarithm * radius**2 * conductivity)
    flow = 2 * np.pi * upper * (upper_head - lower_head) / (logarithm * (1 + along + upper / lower))
    y = flow * np.exp(0.05 * draw.normal(size=500))
    return Rows("numbers", np.column_stack((radius, reach, rest)), standardized(y))


def panels() -> Rows:
    """How much power has a solar panel, by place of the sun, clouds, warmth, wind, tilt and age?

    The sky is Kasten and Czeplak's, Solar Energy 24, 1980: 910 sin(height) - 30 W/m2 when clear,
    less by 0.75 (eighths / 8)^3.4. The cells are as warm as Ross has it, 1976, by a nominal 45
    degrees, and lose 0.4 % a degree. That wind cools, that panels face south and get a share of the
    sun by the angle to it, half a percent lost a year and an error of 3 % are chosen.
    """
    draw = np.random.default_rng(63)
    height = draw.uniform(5.0, 65.0, 700)  # degrees above the horizon
    azimuth = draw.uniform(-100.0, 100.0, 700)  # degrees west of south
    clouds = draw.integers(0, 9, 700)  # eighths
    warmth = draw.normal(8.0, 6.0, 700) + 0.25 * height  # degrees Celsius
    wind = draw.gamma(2.0, 1.5, 700)  # m/s
    tilt = draw.uniform(10.0, 60.0, 700)  # degrees
    age = draw.integers(0, 21, 700)  # years
    up, away, lean = np.radians((height, azimuth, tilt))
    clear = np.maximum(910.0 * np.sin(up) - 30.0, 0.0)
    light = clear * (1 - 0.75 * (clouds / 8) ** 3.4)
    facing = np.sin(up) * np.cos(lean) + np.cos(up) * np.sin(lean) * np.cos(away)
    seen = light * (0.3 + 0.7 * np.maximum(facing, 0.0))
    cell = warmth + (45.0 - 20.0) / 800.0 * seen / (1 + 0.1 * wind)
    power = 0.3 * seen * (1 - 0.004 * (cell - 25.0)) * (1 - 0.005 * age)
    y = power * (1 + 0.03 * draw.normal(size=700))
    x = np.stack((height, azimuth, clouds, warmth, wind, tilt, age), axis=1)
    return Rows("numbers", np.asarray(x, np.float64), standardized(y))
