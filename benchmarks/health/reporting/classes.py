"""Which one is it? Drawn tables that are only reported on, by what somebody published."""

import numpy as np

from benchmarks.health.rows import Rows

# Which of seven segments a display lights for 0, 1, 2 and so on to 9: top, upper left, upper right,
# middle, lower left, lower right, bottom.
SEGMENTS = (
    "1110111",
    "0010010",
    "1011101",
    "1011011",
    "0111010",
    "1101011",
    "1101111",
    "1010010",
    "1111111",
    "1111011",
)


def ringnorm() -> Rows:
    """Is it of the wide cloud in twenty columns, or of the narrow one inside it?

    Breiman, "Bias, Variance, and Arcing Classifiers", Technical Report 460, Berkeley, 1996: normal
    with variance 4 around 0, or with variance 1 around 2 / sqrt(20) in every column.
    """
    draw = np.random.default_rng(51)
    y = draw.integers(0, 2, 600)
    narrow = (y == 1)[:, None]
    noise = draw.normal(size=(600, 20))
    x = np.where(narrow, 2 / np.sqrt(20) + noise, 2.0 * noise)
    return Rows("classes", x, y.astype(np.float64))


def segments() -> Rows:
    """Which digit is displayed, if each of seven lights is wrong once in ten? Ten more say nothing.

    Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees", 1984, section 2.6.1,
    has seventeen lights of no use; nobody can tell 26 % of the digits.
    """
    draw = np.random.default_rng(52)
    y = draw.permutation(np.repeat(np.arange(10), 80))
    lights = np.array([[float(light) for light in digit] for digit in SEGMENTS])[y]
    wrong = draw.random(lights.shape) < 0.1
    useless = draw.integers(0, 2, (y.size, 10))
    return Rows("classes", np.hstack((abs(lights - wrong), useless)), y.astype(np.float64))


def weather() -> Rows:
    """Which of three comfort classes has a day, by warmth, damp, wind, clouds and hours of sun?

    Steadman, "Norms of Apparent Temperature in Australia", Australian Meteorological Magazine 43,
    1994: warmth with a third of the vapour's pressure less 0.7 of the wind. The weather, the limits
    at the thirds and an error of one degree are chosen; clouds and sun do not matter.
    """
    draw = np.random.default_rng(53)
    warmth = draw.normal(22.0, 7.0, 750)  # degrees Celsius
    damp = np.clip(60.0 - 1.2 * (warmth - 22.0) + 20.0 * draw.normal(size=750), 8.0, 100.0)  # %
    wind = draw.gamma(2.0, 2.0, 750)  # m/s
    clouds = draw.integers(0, 9, 750)  # eighths
    sun = np.clip(12.0 - clouds + 2.0 * draw.normal(size=750), 0.0, 14.0)  # hours
    vapour = damp / 100 * 6.105 * np.exp(17.27 * warmth / (237.7 + warmth))  # hPa
    felt = warmth + 0.33 * vapour - 0.70 * wind - 4.0 + draw.normal(size=750)
    kind = np.digitize(felt, np.quantile(felt, (1 / 3, 2 / 3)))
    x = np.stack((warmth, damp, wind, clouds, sun), axis=1)
    return Rows("classes", np.asarray(x, np.float64), kind.astype(np.float64))
