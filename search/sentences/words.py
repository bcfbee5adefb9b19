"""How numbers, settings and results read in a sentence."""

import json
import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from models.monitor import Mode
from search.accuracy import accuracy_of
from search.paired import Paired
from search.sentences.evidence import Evidence, divergences, pruned
from search.ties import Standing

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


def name_of(standing: Standing) -> str:
    """A candidate by its setting."""
    return spoken(standing.scored.results[0].setting)


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


def reached(evidence: Evidence, standing: Standing) -> str:
    """What a candidate with a score came to: "val_loss 0.41 at epoch 7"."""
    scored = standing.scored
    if scored.score is None:
        raise ValueError("a candidate without a score reached nothing")
    epochs = [result.best_epoch for result in scored.results if result.best_epoch is not None]
    words = f"{evidence.metric} {number(scored.score)} at {span('epoch', epochs)}"
    if scored.standard_deviation is not None:
        deviation = number(scored.standard_deviation)
        words += f", the mean of {len(epochs)} repeats (sd {deviation})"
    if pruned(standing):
        trained = [result.epochs for result in scored.results]
        words += f"; it was pruned after {counted('epoch', trained)}"
    return words


def accuracy(evidence: Evidence, standing: Standing) -> str | None:
    """Of a classifier: "81.2 % ± 1.4 %"."""
    found = accuracy_of(standing.scored.results, evidence.curves)
    if found is None:
        return None
    return f"{100 * found.value:.1f} % ± {100 * found.standard_error:.1f} %"


def difference(paired: Paired | None) -> str | None:
    """How two candidates differ: "row by row the loss is 0.03 ± 0.01 higher"."""
    if paired is None:
        return None
    if not paired.mean and not paired.standard_error:
        return "row by row the loss is the same"
    way = "lower" if paired.mean < 0 else "higher"
    error = float(f"{paired.standard_error:.2g}")
    return f"row by row the loss is {float(f'{abs(paired.mean):.2g}'):g} ± {error:g} {way}"


def how_it_diverged(standing: Standing) -> str:
    """When it did, "diverged in epoch 2", and in how many of its repeats."""
    epochs, repeats = list(divergences(standing)), len(standing.scored.results)
    often = "" if len(epochs) == repeats else f" in {len(epochs)} of {repeats} repeats,"
    return f"diverged{often} in {span('epoch', epochs)}"


def span(what: str, epochs: Sequence[int]) -> str:
    """Which epochs: "epoch 7", "epochs 5 to 9"."""
    low, high = min(epochs), max(epochs)
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
