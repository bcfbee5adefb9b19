"""Drawn tables by which rules may be changed, each from numbers that somebody published."""

import numpy as np

from benchmarks.health.rows import Rows, standardized

# Average frequencies in Hz of the voice and of three formants, of men, women and children. Peterson
# and Barney, "Control Methods Used in a Study of the Vowels", JASA 24, 1952, table II.
VOWELS = (
    ((136, 270, 2290, 3010), (235, 310, 2790, 3310), (272, 370, 3200, 3730)),  # heed
    ((135, 390, 1990, 2550), (232, 430, 2480, 3070), (269, 530, 2730, 3600)),  # hid
    ((130, 530, 1840, 2480), (223, 610, 2330, 2990), (260, 690, 2610, 3570)),  # head
    ((127, 660, 1720, 2410), (210, 860, 2050, 2850), (251, 1010, 2320, 3320)),  # had
    ((124, 730, 1090, 2440), (212, 850, 1220, 2810), (256, 1030, 1370, 3170)),  # hod
    ((129, 570, 840, 2410), (216, 590, 920, 2710), (263, 680, 1060, 3180)),  # hawed
    ((137, 440, 1020, 2240), (232, 470, 1160, 2680), (276, 560, 1410, 3310)),  # hood
    ((141, 300, 870, 2240), (231, 370, 950, 2670), (274, 430, 1170, 3260)),  # who'd
    ((130, 640, 1190, 2390), (221, 760, 1400, 2780), (261, 850, 1590, 3360)),  # hud
    ((133, 490, 1350, 1690), (218, 500, 1640, 1960), (261, 560, 1820, 2160)),  # heard
)
# As many as spoke: men, women and children.
SPEAKERS = (33, 28, 15)
# Of a speaker from the average, as a share: chosen, since the table has averages alone.
SPREAD = 0.09


def vowels() -> Rows:
    """Which of ten vowels does a speaker say, by four frequencies in Hz?"""
    draw = np.random.default_rng(21)
    means = np.repeat(np.array(VOWELS, np.float64), SPEAKERS, axis=1)
    x = means * np.exp(SPREAD * draw.normal(size=means.shape))
    y = np.repeat(np.arange(len(VOWELS), dtype=np.float64), sum(SPEAKERS))
    return Rows("classes", x.reshape(len(y), -1), y)


def waveforms() -> Rows:
    """Of which two of three triangles is a wave of 21 points a mixture, under noise?

    Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees", 1984, section 2.6.2;
    nobody can tell 14 % of them.
    """
    draw = np.random.default_rng(22)
    points = np.arange(1, 22)
    first, second, third = (np.maximum(6.0 - abs(points - peak), 0.0) for peak in (7, 15, 11))
    pairs = np.array([(first, second), (first, third), (second, third)])
    y = draw.integers(0, 3, 600)
    part = draw.random((600, 1))
    waves = part * pairs[y, 0] + (1 - part) * pairs[y, 1]
    return Rows("classes", waves + draw.normal(size=waves.shape), y.astype(np.float64))


def arm() -> Rows:
    """How far out is the hand of a robot, by the angles of its two joints in degrees?

    MacKay, "A Practical Bayesian Framework for Backpropagation Networks", Neural Computation 4,
    1992: links of 2.0 and 1.3, a position known to 0.05, and joints that do not reach everywhere.
    """
    draw = np.random.default_rng(23)
    shoulder = draw.uniform(0.453, 1.932, 400) * draw.choice([-1.0, 1.0], 400)
    elbow = draw.uniform(0.534, 3.142, 400)
    y = 2.0 * np.cos(shoulder) + 1.3 * np.cos(shoulder + elbow) + 0.05 * draw.normal(size=400)
    return Rows("numbers", np.degrees(np.stack((shoulder, elbow), axis=1)), standardized(y))


def earnings() -> Rows:
    """What does somebody earn, as a logarithm, by age and schooling in years? Most is not said.

    Mincer, "Schooling, Experience, and Earnings", 1974, table 5.1: the equation with the square of
    experience, which is age less schooling less six and explains 28.5 %. A table has columns of no
    use besides: here the month of birth and the number of brothers and sisters.
    """
    draw = np.random.default_rng(24)
    schooling = np.clip(np.round(draw.normal(10.5, 3.5, 900)), 0, 17)
    experience = draw.integers(1, 41, 900)
    known = 6.20 + 0.107 * schooling + 0.081 * experience - 0.0012 * experience**2
    unknown = np.sqrt(known.var() * (1 - 0.285) / 0.285)
    useless = (draw.integers(1, 13, 900), draw.poisson(2.5, 900))
    x = np.stack((schooling + experience + 6.0, schooling, *useless), axis=1)
    y = known + unknown * draw.normal(size=900)
    return Rows("numbers", np.asarray(x, np.float64), standardized(y))
