"""Precision and recall of findings, and how often a suggestion helps: counts and their intervals.

The rules, decided before the first run, except for the one on cases left out:

- A trial's findings are the distinct codes of its first causes: severity "warning" or "problem",
  no `consequence_of`.
- A case is left out, its findings and its repair too, where a training without the fault (one of
  those that decide whether it is real, or the clean twin) handed out no usable network: nothing
  there is clean. No finding has a say in that. This rule came after four lists were reported on,
  for a dataset on which clean settings diverged.
- A fault is real where both networks without it are better beyond the noise of rows (`truth`). On
  one that is not real every finding is wrong, since mending what it names gains nothing.
- Where the fault is a class that became rare, each class counts alike in what is better.
- A finding is right where it is one of those that name the fault of its trial, and that is real.
  On a clean trial every finding is wrong, also one whose suggestion would help.
- A real fault is recognised where one of the findings that name it is there. The recall of one
  finding is taken over the real faults that it may name, and counts those that another name of the
  same fault was given to: it says how many are missed, and not which of two names was chosen.
- A repair is the suggestion, POSTed as it is. It helps where the network that it hands out is
  better than the one that the faulty trial handed out, beyond the noise of rows. Where nothing is
  suggested for a real fault, it does not help.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure

# Of a normal distribution, for an interval that covers 95 %.
Z = 1.96

PRECISION, RECALL, EACH, ALARMS, REPAIRS = 0.9, 0.85, 0.8, 0.05, 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A trial with what was found in it and what is true of it.

    Attributes:
        dataset: that it trained on.
        fault: that it was given; None for a clean one.
        named_by: the findings that name that.
        real: whether it is real; False for a clean one.
        found: its first causes.
        alarming: whether one of them is a problem.
        repaired: whether what was suggested helped.
        added: whether its fault, or that of its twin, came later than the first eight.
    """

    dataset: str
    fault: str | None
    named_by: frozenset[str]
    real: bool
    found: frozenset[str]
    alarming: bool
    repaired: bool = False
    added: bool = False

    @property
    def right(self) -> frozenset[str]:
        """Those of its findings that are right."""
        return self.found & self.named_by if self.real else frozenset()

    @property
    def recognised(self) -> bool:
        """Whether its fault was named."""
        return bool(self.right)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """NaN of none."""
        return self.part / self.whole if self.whole else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Within which the true share lies by 95 %.

        Wilson's score interval ("Probable Inference, the Law of Succession, and Statistical
        Inference", JASA 22, 1927), which stays within 0 and 1 for few and for none.
        """
        if not self.whole:
            return 0.0, 1.0
        spread = Z**2 / self.whole
        centre = (self.value + spread / 2) / (1 + spread)
        half = math.sqrt(self.value * (1 - self.value) / self.whole + spread / self.whole / 4)
        reach = Z * half / (1 + spread)
        return max(0.0, centre - reach), min(1.0, centre + reach)

    def __str__(self) -> str:
        if not self.whole:
            return "none"
        low, high = self.interval
        return f"{self.value:.1%} ({low:.0%} to {high:.0%}), {self.part} of {self.whole}"


def share(of: Iterable[Judged], where: Callable[[Judged], bool]) -> Share:
    """Of which of them something holds."""
    held = [where(judged) for judged in of]
    return Share(sum(held), len(held))


def precision(trials: Sequence[Judged], code: str | None = None) -> Share:
    """Of the findings that were reported, how many are right; of one code, or of all."""
    pairs = [(judged, found) for judged in trials for found in judged.found]
    asked = [(judged, found) for judged, found in pairs if code in (None, found)]
    return Share(sum(found in judged.right for judged, found in asked), len(asked))


def recall(trials: Sequence[Judged], code: str | None = None) -> Share:
    """Of the real faults, those that a code may name or all, how many are recognised."""
    asked = [judged for judged in trials if judged.real and (not code or code in judged.named_by)]
    return share(asked, lambda judged: judged.recognised)


def figures(trials: Sequence[Judged], left_out: int) -> list[Figure]:
    """All of it beside its aims; the overall ones once more without the faults added later.

    Args:
        trials: of the cases that count.
        left_out: how many other cases there were.
    """
    faulty = [judged for judged in trials if judged.fault is not None]
    first = [judged for judged in trials if not judged.added]
    codes = sorted({code for judged in trials for code in judged.found | judged.named_by})
    faults = list(dict.fromkeys(judged.fault for judged in faulty))
    datasets = list(dict.fromkeys(judged.dataset for judged in trials))
    return [
        _said("cases left out, where a training without the fault was of no use", str(left_out)),
        *_overall(trials),
        *(_overall(first, ", first eight faults") if 0 < len(first) < len(trials) else ()),
        *(_at_least(f"{code}: precision", precision(trials, code), EACH) for code in codes),
        *(_told(f"{code}: recall", recall(trials, code)) for code in codes),
        *(_of_fault(fault, faulty) for fault in faults if fault is not None),
        *(_of_dataset(dataset, trials) for dataset in datasets),
    ]


def _overall(trials: Sequence[Judged], of: str = "") -> Iterator[Figure]:
    clean = [judged for judged in trials if judged.fault is None]
    real = [judged for judged in trials if judged.real]
    yield _at_least(f"precision of all findings{of}", precision(trials), PRECISION)
    yield _at_least(f"recall of real faults{of}", recall(trials), RECALL)
    alarms = share(clean, lambda judged: judged.alarming)
    yield _at_most(f"clean trials with a problem{of}", alarms, ALARMS)
    helped = share(real, lambda judged: judged.repaired)
    yield _at_least(
        f"real faults for which the suggested spec trains significantly better{of}", helped, REPAIRS
    )
    found = share(clean, lambda judged: bool(judged.found))
    yield _told(f"clean trials with any finding{of}", found)


def _of_fault(fault: str, faulty: Sequence[Judged]) -> Figure:
    asked = [judged for judged in faulty if judged.fault == fault]
    real = [judged for judged in asked if judged.real]
    named = share(real, lambda judged: judged.recognised)
    helped = share(real, lambda judged: judged.repaired)
    return _said(
        f"fault {fault}",
        f"real in {len(real)} of {len(asked)}, recognised {named.part}, repaired {helped.part}",
    )


def _of_dataset(dataset: str, trials: Sequence[Judged]) -> Figure:
    """That one dataset which carries all errors is seen."""
    here = [judged for judged in trials if judged.dataset == dataset]
    real = [judged for judged in here if judged.real]
    alarms = share((judged for judged in here if judged.fault is None), lambda one: one.alarming)
    right, named = precision(here), recall(here)
    helped = share(real, lambda judged: judged.repaired)
    return _said(
        f"dataset {dataset}",
        f"right {right.part} of {right.whole}, recognised {named.part} and repaired {helped.part} "
        f"of {named.whole} real, clean with a problem {alarms.part} of {alarms.whole}",
    )


def _at_least(what: str, measured: Share, aim: float) -> Figure:
    met = measured.value >= aim if measured.whole else None
    return Figure(what, str(measured), f"at least {aim:.0%}", met)


def _at_most(what: str, measured: Share, aim: float) -> Figure:
    met = measured.value <= aim if measured.whole else None
    return Figure(what, str(measured), f"at most {aim:.0%}", met)


def _told(what: str, measured: Share) -> Figure:
    return _said(what, str(measured))


def _said(what: str, measured: str) -> Figure:
    return Figure(what, measured, aim="", met=None)
