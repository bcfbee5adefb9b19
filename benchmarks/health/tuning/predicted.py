"""How much is it? Drawn tables that were reported on once, each by what somebody published."""

import numpy as np

from benchmarks.health.rows import Array, Rows, standardized

# In meat, as nanometres, and how strongly water, fat and protein absorb there: the second overtones
# of the bonds with hydrogen. Osborne, Fearn and Hindle, "Practical NIR Spectroscopy", 1993; the
# strengths are chosen.
BANDS = ((968.0, (0.025, 0.0, 0.0)), (928.0, (0.0, 0.02, 0.004)), (1_018.0, (0.0, 0.003, 0.015)))


def homes() -> Rows:
    """What is the median home of a town's tract worth, by twelve numbers about it?

    Harrison and Rubinfeld, "Hedonic Housing Prices and the Demand for Clean Air", JEEM 5, 1978,
    table VII: its equation without the term for race, with its error of 18 %. What is urban goes
    together, about as it did in Boston in 1970.
    """
    draw = np.random.default_rng(41)
    urban = draw.normal(size=506)
    near, nearer, other = (np.sqrt(1 - part**2) for part in (0.7, 0.85, 0.4))
    noise = draw.normal(size=(9, 506))
    crime = np.exp(-1.0 + 2.0 * (0.85 * urban + nearer * noise[0]))  # per head, thousandths
    lots = np.where(urban + noise[1] < -0.7, draw.uniform(12.5, 100.0, 506), 0.0)  # percent
    industry = np.clip(11.1 + 6.9 * (0.7 * urban + near * noise[2]), 0.5, 28.0)  # percent
    river = draw.random(506) < 0.07
    oxides = np.clip(5.55 + 1.16 * (0.85 * urban + nearer * noise[3]), 3.8, 8.7)  # 10^-7
    rooms = np.clip(6.3 + 0.7 * (other * noise[4] - 0.4 * urban), 3.5, 8.8)
    age = np.clip(68.0 + 28.0 * (0.7 * urban + near * noise[5]), 3.0, 100.0)  # percent before 1940
    away = np.exp(1.19 + 0.54 * (nearer * noise[6] - 0.85 * urban))  # miles, of work
    highways = np.where(urban > 0.7, 24.0, draw.integers(1, 9, 506))
    tax = np.where(urban > 0.7, 666.0, 300.0 + 60.0 * draw.normal(size=506))  # $ in 10,000
    pupils = np.clip(18.5 + 2.2 * (0.4 * urban + other * noise[7]), 12.6, 22.0)  # a teacher
    of_rooms = 0.85 * noise[8] - 0.53 * noise[4]
    poor = np.clip(np.exp(2.37 + 0.6 * (0.7 * urban + near * of_rooms)), 1.7, 38.0)  # percent
    logarithm = (
        0.00633 * rooms**2
        + 0.0000898 * age
        - 0.191 * np.log(away)
        + 0.0957 * np.log(highways)
        - 0.00042 * tax
        - 0.0311 * pupils
        - 0.371 * np.log(poor / 100)
        - 0.0119 * np.minimum(crime, 89.0)
        + 0.0000803 * lots
        + 0.000241 * industry
        + 0.0914 * river
        - 0.00638 * oxides**2
        + 0.182 * draw.normal(size=506)
    )
    town = (np.minimum(crime, 89.0), lots, industry, river, oxides, rooms, age, away)
    x = np.stack((*town, highways, tax, pupils, poor), axis=1)
    return Rows("numbers", np.asarray(x, np.float64), standardized(np.exp(logarithm)))


def piston() -> Rows:
    """How long is a piston's cycle, by seven quantities in SI units, 0.002 to 110,000?

    Kenett and Zacks, "Modern Industrial Statistics", 1998: its formula and its ranges, and a clock
    that is a twentieth off.
    """
    draw = np.random.default_rng(42)
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


def rentals() -> Rows:
    """How many bicycles are rented in an hour, by month, weekday, hour and four of the weather?

    Like those of Fanaee-T and Gama, "Event Labeling Combining Ensemble Detectors and Background
    Knowledge", Progress in Artificial Intelligence 2, 2014: people commute on working days and ride
    at noon on others, if it is warm and dry. The numbers are chosen; counts are negative binomial.
    """
    draw = np.random.default_rng(43)
    month, weekday, hour = draw.integers((1, 0, 0), (13, 7, 24), (900, 3)).T
    season = -np.cos(2 * np.pi * (month - 1) / 12)
    warmth = 13.0 + 11.0 * season + 4.0 * np.sin(2 * np.pi * (hour - 9) / 24)
    warmth = warmth + 4.0 * draw.normal(size=900)  # degrees Celsius
    rain = np.where(draw.random(900) < 0.2, draw.exponential(2.0, 900), 0.0)  # mm
    damp = 65.0 - 0.8 * (warmth - 13.0) + 5.0 * rain + 12.0 * draw.normal(size=900)
    damp = np.clip(damp, 15.0, 100.0)  # percent
    wind = draw.gamma(3.0, 4.0, 900)  # km an hour
    commuting = _peak(hour, 8.0, 1.2) + 1.2 * _peak(hour, 17.5, 1.8) + 0.35 * _peak(hour, 13.0, 4.0)
    leisure = 0.9 * _peak(hour, 14.0, 3.5)
    habit = 0.03 + np.where(weekday < 5, commuting, leisure)
    weather = -(((warmth - 26.0) / 17.0) ** 2) - 0.25 * rain - 0.02 * wind - 0.004 * damp
    expected = 600.0 * habit * np.exp(weather)
    counts = draw.poisson(expected * draw.gamma(12.0, 1 / 12.0, 900))
    x = np.stack((month, weekday, hour, warmth, rain, damp, wind), axis=1)
    return Rows("numbers", np.asarray(x, np.float64), standardized(counts.astype(np.float64)))


def spectra() -> Rows:
    """How fat is minced meat, by forty absorbances from 850 to 1,045 nm, all of them much alike?

    Borggaard and Thodberg, "Optimal Minimal Neural Interpretation of Spectra", Analytical Chemistry
    64, 1992: such a spectrometer and such meat, of 1 to 50 % fat. Each absorbs by its share, over a
    background, times the length of the light's way, which differs; read to a thousandth.
    """
    draw = np.random.default_rng(44)
    nanometres = np.arange(850.0, 1_050.0, 5.0)
    fat = np.clip(draw.gamma(2.0, 9.0, 400), 1.0, 50.0)  # percent
    protein = 21.3 - 0.2 * fat + 1.5 * draw.normal(size=400)
    water = 99.0 - fat - protein
    shares = np.stack((water, fat, protein), axis=1)
    bands = np.array(
        [np.outer(strengths, _peak(nanometres, at, 20.0)) for at, strengths in BANDS]
    ).sum(axis=0)
    background = 2.2 + 0.3 * draw.normal(size=(400, 1)) + 0.001 * (nanometres - 950.0)
    path = np.exp(0.15 * draw.normal(size=(400, 1)))
    x = path * (background + shares @ bands) + 0.001 * draw.normal(size=(400, 40))
    return Rows("numbers", x, standardized(fat))


def _peak(at: Array, centre: float, width: float) -> Array:
    return np.exp(-0.5 * ((at - centre) / width) ** 2)
