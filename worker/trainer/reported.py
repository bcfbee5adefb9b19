"""Numbers as they are reported: in few digits, and None where they are not finite."""

import math

# More than a float32 that was summed up has.
_DIGITS = 6


def reported(number: float | None) -> float | None:
    """None where it is not finite."""
    return None if number is None or not math.isfinite(number) else rounded(number)


def rounded(number: float) -> float:
    """In as many digits as mean something."""
    return float(f"{number:.{_DIGITS}g}")
