"""Which one is it? Drawn tables that were reported on once, each by what somebody published."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.health.rows import Array, Rows

# By which the logarithm of the hazard grows a unit of each column of `hearts`, for women and men;
# and of the ten years' survival of an average one, and the sum that is average. D'Agostino et al.,
# "General Cardiovascular Risk Profile for Use in Primary Care", Circulation 117, 2008, table 2.
HAZARDS = (
    (2.32888, 1.20904, -0.70833, 2.76157, 0.06106, 0.52873, 0.69154),
    (3.06117, 1.12370, -0.93263, 1.93303, 0.06578, 0.65451, 0.57367),
)
SURVIVAL = (0.95012, 0.88936)
AVERAGE = (26.1931, 23.9802)
# Main sequence O5, B0, B5 and so on to M5: absolute magnitude and the colours U-B, B-V and V-R.
# Cox (ed.), "Allen's Astrophysical Quantities", fourth edition, 2000, table 15.7.
SEQUENCE = (
    (-5.7, -1.19, -0.33, -0.15),
    (-4.0, -1.08, -0.30, -0.13),
    (-1.2, -0.58, -0.17, -0.06),
    (0.65, -0.02, -0.02, 0.02),
    (1.95, 0.10, 0.15, 0.16),
    (2.7, 0.03, 0.30, 0.30),
    (3.5, -0.02, 0.44, 0.40),
    (4.4, 0.06, 0.58, 0.50),
    (5.1, 0.20, 0.68, 0.54),
    (5.9, 0.45, 0.81, 0.64),
    (7.35, 0.98, 1.15, 0.99),
    (8.8, 1.22, 1.40, 1.28),
    (12.3, 1.24, 1.64, 1.80),
)
# Of magnitude, U-B, B-V and V-R by dust that makes B-V greater by one.
REDDENING = (3.1, 0.72, 1.0, 0.78)


def hearts() -> Rows:
    """Does a heart fail within ten years, by sex, age, cholesterol, pressure and habits?

    The risk is that of D'Agostino et al., of people like theirs; as many ill as well, as a study of
    cases and controls has them. Nearly a straight line, and most of it chance.
    """
    draw = np.random.default_rng(31)
    man = draw.integers(0, 2, 20_000)
    age = np.clip(draw.normal(49.0, 11.0, man.size), 30.0, 74.0)
    cholesterol = 214.0 * np.exp(0.18 * draw.normal(size=man.size))  # mg/dl
    good = np.where(man, 44.0, 56.0) * np.exp(0.25 * draw.normal(size=man.size))  # mg/dl
    pressure = (127.0 + 0.5 * (age - 49.0)) * np.exp(0.13 * draw.normal(size=man.size))  # mmHg
    treated, smoking, diabetic = (draw.random((3, man.size)) < [[0.11], [0.35], [0.05]]) * 1.0
    logarithms = np.log((age, cholesterol, good, pressure))
    columns = np.vstack((logarithms, treated * logarithms[3], smoking, diabetic)).T
    hazard = np.exp((columns * np.array(HAZARDS)[man]).sum(axis=1) - np.array(AVERAGE)[man])
    ill = draw.random(man.size) > np.array(SURVIVAL)[man] ** hazard
    x = np.stack((man, age, cholesterol, good, pressure, treated, smoking, diabetic), axis=1)
    return _balanced(x, ill.astype(np.intp), 400)


def machines() -> Rows:
    """What fails in a milling machine, if anything, by its product and five readings?

    Matzka, "Explainable Artificial Intelligence for Predictive Maintenance Applications", AI4I,
    2020: the rules of its four failures and about its readings; speed falls with torque. One row in
    five of each failure, and of none.
    """
    draw = np.random.default_rng(32)
    product = draw.choice(3, 60_000, p=[0.5, 0.3, 0.2])
    air = draw.normal(300.0, 2.0, product.size)  # K
    process = air + draw.normal(10.0, 1.0, product.size)  # K
    torque = np.clip(draw.normal(40.0, 10.0, product.size), 4.0, None)  # Nm
    noise = np.exp(0.05 * draw.normal(size=product.size))
    speed = 1_540.0 * (40.0 / torque) ** 0.45 * noise  # a minute
    wear = draw.uniform(0.0, 240.0, product.size)  # minutes
    power = torque * speed * 2 * np.pi / 60  # W
    failures = np.stack(
        (
            wear > draw.uniform(200.0, 240.0, product.size),
            (process - air < 8.6) & (speed < 1_380.0),
            (power < 3_500.0) | (power > 9_000.0),
            wear * torque > np.array([11_000.0, 12_000.0, 13_000.0])[product],
        )
    )
    only_one = failures.sum(axis=0) < 2
    kind = np.where(failures.any(axis=0), 1 + failures.argmax(axis=0), 0)
    x = np.stack((product == 1, product == 2, air, process, speed, torque, wear), axis=1)
    return _balanced(x[only_one], kind[only_one], 120)


def stars() -> Rows:
    """Of which of seven spectral classes is a star, by magnitude, parallax and three colours?

    Dwarfs somewhere between those of the table, behind dust, so many of each magnitude to the
    twelfth as there are in a space. The instrument is some hundredths of a magnitude off, and a
    thousandth of an arc second (mas).
    """
    draw = np.random.default_rng(33)
    kind = np.repeat(np.arange(7), 100)
    earliest, latest = np.where(kind == 0, 0.5, 0.0), np.where(kind == 6, 0.5, 1.0)
    place = kind + draw.uniform(earliest, latest)
    known = np.arange(1, len(SEQUENCE) + 1) / 2
    intrinsic = np.stack([np.interp(place, known, seen) for seen in np.array(SEQUENCE).T])
    dust = draw.exponential(0.1, kind.size)
    absolute, *colours = intrinsic + np.outer(REDDENING, dust)
    apparent = 12.0 - draw.exponential(1 / (0.6 * np.log(10)), kind.size)
    parallax = 100.0 * 10 ** ((absolute - apparent) / 5) + draw.normal(size=kind.size)
    measured = np.stack(colours) + 0.03 * draw.normal(size=(3, kind.size))
    return Rows("classes", np.vstack((apparent, parallax, measured)).T, kind.astype(np.float64))


def threenorm() -> Rows:
    """Is it of two clouds at either side of twenty columns, or of the one across?

    Breiman, "Bias, Variance, and Arcing Classifiers", Technical Report 460, Berkeley, 1996; nobody
    can tell one in ten.
    """
    draw = np.random.default_rng(34)
    y = draw.integers(0, 2, 600)
    side = draw.choice([-1.0, 1.0], 600)
    across = np.where(np.arange(20) % 2, -1.0, 1.0)
    centres = np.where((y == 1)[:, None], across, np.outer(side, np.ones(20))) * 2 / np.sqrt(20)
    return Rows("classes", centres + draw.normal(size=(600, 20)), y.astype(np.float64))


def topics() -> Rows:
    """Which of four topics is a text mostly of, by how often each of forty words is in it?

    Blei, Ng and Jordan, "Latent Dirichlet Allocation", JMLR 3, 2003: some eighty words of a mixture
    of topics; over all topics a word is as frequent as Zipf has it.
    """
    draw = np.random.default_rng(35)
    words = draw.dirichlet(8.0 / np.arange(1, 41), 4)
    mixtures = draw.dirichlet(np.full(4, 0.5), 600)
    x = draw.multinomial(draw.poisson(80.0, 600), mixtures @ words)
    return Rows("classes", x.astype(np.float64), mixtures.argmax(axis=1).astype(np.float64))


def _balanced(x: Array, kind: NDArray[np.intp], count: int) -> Rows:
    """The first so many of each kind."""
    kept = np.concatenate([np.flatnonzero(kind == each)[:count] for each in np.unique(kind)])
    return Rows("classes", np.asarray(x[kept], np.float64), kind[kept].astype(np.float64))
