"""How numbers read in a sentence: for a person who is woken by it at three in the morning. Pure."""

import math
import re

# Of the loss of knowing nothing: with more left, nothing was learned that is worth a number.
NOTHING_LEARNED = 0.98

# Below it a decimal fraction is all zeros, above it all digits: powers of ten read better.
_LEAST_PLAIN, _MOST_PLAIN = 1e-4, 1e9
# Percents, of which two digits are whole ones.
_WHOLE = 10.0
# "1e-07" is how C writes it, "1e-7" how people do.
_EXPONENT = re.compile(r"e([+-])0*(\d)")


def number(value: float, digits: int = 3) -> str:
    """In so many digits: 0.412, 1,010, 1e-7; "not finite"."""
    if not math.isfinite(value):
        return "not finite"
    rounded = float(f"{value:.{digits}g}")
    if rounded and not _LEAST_PLAIN <= abs(rounded) < _MOST_PLAIN:
        text = f"{rounded:.{digits}g}"
        return _EXPONENT.sub(lambda found: f"e{found[1].removeprefix('+')}{found[2]}", text)
    whole = len(str(int(abs(rounded))))
    places = digits - whole if abs(rounded) >= 1 else digits + 4
    text = f"{rounded:,.{max(0, places)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """A share of one, in whole ones or in two digits where it is small: 60 %, 0.12 %."""
    percents = 100 * share
    return f"{percents:,.0f} %" if abs(percents) >= _WHOLE else f"{number(percents, 2)} %"


def part(share: float, whole: str) -> str:
    """A share of something, in times where it is more than all: 60 % of it, 1.32 times it."""
    return f"{number(share)} times {whole}" if share > 1 else f"{percent(share)} of {whole}"


def remains(remaining: float) -> str:
    """What a training left of the loss of the best constant answer."""
    if math.isnan(remaining):
        return "how much was learned is not known"
    if not remaining <= NOTHING_LEARNED:
        return "the network is no better than knowing nothing"
    return f"{percent(remaining)} of the loss of knowing nothing is left"
