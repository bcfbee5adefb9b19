"""How numbers, settings and lists read in a sentence."""

import json
import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from models.monitor import Mode

# Of candidates that are named one by one; who wants all of them reads the ranking.
MAX_NAMED = 5

# "1e-07" is how C writes it, "1e-7" how people do.
_EXPONENT = re.compile(r"e([+-])0*(\d)")


def number(value: float) -> str:
    """At most four digits: 0.4123, 1e-7, 12."""
    return _EXPONENT.sub(lambda found: f"e{found[1].removeprefix('+')}{found[2]}", f"{value:.4g}")


def percent(share: float) -> str:
    """A share of one with two digits: 0.1 %, 81 %."""
    return f"{number(float(f'{100 * share:.2g}'))} %"


def spoken(setting: Mapping[str, JsonValue]) -> str:
    """A setting as a person would say it: "learning_rate 0.01"; "the spec" when nothing differs."""
    return ", ".join(f"{name} {_value(value)}" for name, value in setting.items()) or "the spec"


def listed(names: Sequence[str]) -> str:
    """Some names: "a", "a and b", "a, b and c", or the first few "and 7 more"."""
    if len(names) > MAX_NAMED + 1:
        return f"{'; '.join(names[:MAX_NAMED])} and {len(names) - MAX_NAMED} more"
    separator = "; " if any(", " in name for name in names) else ", "
    *before, last = names
    return f"{separator.join(before)} and {last}" if before else last


def was(names: Sequence[str]) -> str:
    """The verb for so many names."""
    return "was" if len(names) == 1 else "were"


def span(what: str, places: Sequence[int]) -> str:
    """Which of them: "epoch 7", "epochs 5 to 9"."""
    low, high = min(places), max(places)
    return f"{what} {low}" if low == high else f"{what}s {low} to {high}"


def counted(what: str, counts: Sequence[int]) -> str:
    """How many: "1 epoch", "20 epochs", "12 to 20 epochs"."""
    low, high = min(counts), max(counts)
    several = "" if high == 1 else "s"
    return f"{high} {what}{several}" if low == high else f"{low} to {high} {what}s"


def beyond(mode: Mode) -> str:
    """The word for a limit that a metric did not get past on its way to the better."""
    return "below" if mode == "min" else "above"


def _value(value: JsonValue) -> str:
    if isinstance(value, float):
        return number(value)
    return value if isinstance(value, str) else json.dumps(value)
