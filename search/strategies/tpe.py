"""Settings drawn where earlier ones did well, a few at a time.

The first are drawn at random; then Optuna is asked, which `search.strategies.parzen` alone imports.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from models.monitor import monitored
from models.specs.experiment import ExperimentSpec
from models.specs.search import TpeSearch
from models.trial import Proposal, TrialResult
from search.candidates import Candidate, gathered
from search.strategies.space import Changes, distinct, key, names, shown
from search.strategies.strategy import Conclude, Setting, all_tried, search_of

# Asked so often for a setting that is not there yet, before one is drawn at random.
TRIES = 10

Known = Sequence[Candidate]


class Tpe:
    """As many trials in flight as may train at the same time, so that each knows of most others."""

    waits_for_all = False

    def propose(
        self, spec: ExperimentSpec, results: Sequence[TrialResult]
    ) -> tuple[Proposal, ...] | Conclude:
        """The next settings; the end once all are over."""
        search, known = search_of(spec, TpeSearch), gathered(results)
        begun = tuple(_missing_repeats(spec, known))
        active = sum(not result.state.is_terminal for result in results) + len(begun)
        free = max(spec.limits.max_parallel, spec.repeats) - active
        wanted = max(0, min(free // spec.repeats, search.count - len(known)))
        first = known[-1].number + 1 if known else 0
        fresh = tuple(
            setting.proposal(spec, candidate, repeat)
            for candidate, setting in enumerate(_new(spec, known, wanted), start=first)
            for repeat in range(spec.repeats)
        )
        if begun or fresh:
            return (*begun, *fresh)
        if active:
            return ()
        which = " that there are" if len(known) < search.count else ""
        return Conclude(all_tried(len(known), spec.repeats, which))

    def outlook(self, spec: ExperimentSpec) -> str | None:
        """How many there will be."""
        search = search_of(spec, TpeSearch)
        return (
            f"One setting follows on another, up to {search.count}; the first {search.startup} are "
            "drawn at random, the others where those before them did well."
        )


def _missing_repeats(spec: ExperimentSpec, known: Known) -> Iterator[Proposal]:
    for candidate in known:
        setting = Setting(candidate.setting, candidate.changes, "a repeat that is missing")
        there = {trial.repeat for trial in candidate.trials}
        for repeat in range(spec.repeats):
            if repeat not in there:
                yield setting.proposal(spec, candidate.number, repeat)


def _new(spec: ExperimentSpec, known: Known, wanted: int) -> Iterator[Setting]:
    """Up to so many new settings, each knowing of those before it."""
    proposed: list[Changes] = []
    for _ in range(wanted):
        setting = _next(spec, known, proposed)
        if setting is None:
            return
        proposed.append(setting.changes)
        yield setting


def _next(spec: ExperimentSpec, known: Known, proposed: Sequence[Changes]) -> Setting | None:
    """None where there is no further one."""
    search = search_of(spec, TpeSearch)
    number = len(known) + len(proposed) + 1
    # The same rows are to give the same proposal, and other rows another one.
    seed = (spec.seed * 1_000_003 + number) % 2**32
    how = "where those before it suggest a good one"
    changes = _learned(spec, known, proposed, seed) if number > search.startup else None
    if changes is None:
        how = "drawn at random"
        taken = _settings(known, proposed)
        drawn = distinct(search.over, 1, Random(seed), besides=taken)  # noqa: S311 - to be repeatable
        if not drawn:
            return None
        changes = drawn[0]
    return Setting(
        shown=shown(changes, names(search.over)),
        changes=changes,
        reason=f"setting {number} of {search.count}, {how}",
    )


def _learned(
    spec: ExperimentSpec, known: Known, proposed: Sequence[Changes], seed: int
) -> Changes | None:
    """A setting that is not there yet, by all that is known; None where only known ones come up."""
    # Imported here alone: neither the API nor any other search has to wait for Optuna.
    from search.strategies.parzen import suggest  # noqa: PLC0415

    spaces, mode = search_of(spec, TpeSearch).over, monitored(spec.compile, spec.fit).mode
    taken = {key(changes) for changes in _settings(known, proposed)}
    asked = suggest(spaces, known, proposed, mode=mode, seed=seed)
    return next((changes for changes in islice(asked, TRIES) if key(changes) not in taken), None)


def _settings(known: Known, proposed: Sequence[Changes]) -> tuple[Changes, ...]:
    return (*(candidate.changes for candidate in known), *proposed)
