"""Settings drawn where earlier ones did well, a few at a time.

The first are drawn at random; then Optuna is asked, which `search.strategies.parzen` alone imports.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from random import Random

from models.monitor import Mode, monitored
from models.specs.experiment import ExperimentSpec
from models.specs.search import TpeSearch
from models.trial import Proposal, TrialResult
from search.strategies.space import Changes, distinct, key, names, shown
from search.strategies.strategy import Conclude

# Asked so often for a setting that is not there yet, before one is drawn at random.
TRIES = 10

Known = Mapping[int, Sequence[TrialResult]]
"""Candidate -> its trials."""


class Tpe:
    """As many trials in flight as may train at the same time, so that each knows of most others."""

    waits_for_all = False

    def propose(
        self, spec: ExperimentSpec, results: Sequence[TrialResult]
    ) -> tuple[Proposal, ...] | Conclude:
        """The next settings; the end once all are over."""
        search, known = search_of(spec), _by_candidate(results)
        begun = tuple(_missing_repeats(spec, known))
        active = sum(not result.state.is_terminal for result in results) + len(begun)
        free = max(spec.limits.max_parallel, spec.repeats) - active
        wanted = max(0, min(free // spec.repeats, search.count - len(known)))
        found = tuple(_new(search, spec, known, wanted))
        proposals = (*begun, *(proposal for each in found for proposal in each))
        if proposals:
            return proposals
        if active:
            return ()
        return Conclude(_over(search, len(known), spec.repeats))

    def outlook(self, spec: ExperimentSpec) -> str | None:
        """How many there will be."""
        search = search_of(spec)
        return (
            f"One setting follows on another, up to {search.count}; the first {search.startup} are "
            "drawn at random, the others where those before them did well."
        )


def search_of(spec: ExperimentSpec) -> TpeSearch:
    """The search of a spec that asks for one by TPE."""
    if not isinstance(spec.search, TpeSearch):
        raise TypeError("not a search by TPE")
    return spec.search


def _by_candidate(results: Sequence[TrialResult]) -> Known:
    ordered = sorted(results, key=lambda result: (result.candidate, result.repeat))
    return {
        candidate: tuple(trials)
        for candidate, trials in groupby(ordered, key=lambda result: result.candidate)
    }


def _missing_repeats(spec: ExperimentSpec, known: Known) -> Iterator[Proposal]:
    for candidate, trials in known.items():
        there = {trial.repeat for trial in trials}
        for proposal in _proposals(spec, candidate, trials[0].changes, "a repeat that is missing"):
            if proposal.repeat not in there:
                yield proposal


def _new(
    search: TpeSearch, spec: ExperimentSpec, known: Known, wanted: int
) -> Iterator[tuple[Proposal, ...]]:
    """Up to so many new settings, each knowing of those before it."""
    proposed: list[Changes] = []
    first = max(known, default=-1) + 1
    for candidate in range(first, first + wanted):
        changes, reason = _next(search, spec, known, proposed)
        if changes is None:
            return
        proposed.append(changes)
        yield tuple(_proposals(spec, candidate, changes, reason))


def _next(
    search: TpeSearch, spec: ExperimentSpec, known: Known, proposed: Sequence[Changes]
) -> tuple[Changes | None, str]:
    number = len(known) + len(proposed) + 1
    taken = (*_settings(known), *proposed)
    # The same rows are to give the same proposal, and other rows another one.
    seed = (spec.seed * 1_000_003 + number) % 2**32
    of_all = f"setting {number} of {search.count}"
    if number > search.startup:
        mode = monitored(spec.compile, spec.fit).mode
        changes = _learned(search, known, proposed, mode=mode, seed=seed)
        if changes is not None:
            return changes, f"{of_all}, where those before it suggest a good one"
    drawn = distinct(search.over, 1, Random(seed), besides=taken)  # noqa: S311 - to be repeatable
    return (drawn[0] if drawn else None), f"{of_all}, drawn at random"


def _learned(
    search: TpeSearch, known: Known, proposed: Sequence[Changes], *, mode: Mode, seed: int
) -> Changes | None:
    """A setting that is not there yet, by all that is known; None where only known ones come up."""
    # Imported here alone: neither the API nor any other search has to wait for Optuna.
    from search.strategies.parzen import suggest  # noqa: PLC0415

    taken = {key(changes) for changes in (*_settings(known), *proposed)}
    asked = suggest(search.over, known.values(), proposed, mode=mode, seed=seed)
    return next((changes for changes in islice(asked, TRIES) if key(changes) not in taken), None)


def _settings(known: Known) -> Iterator[Changes]:
    return (trials[0].changes for trials in known.values())


def _proposals(
    spec: ExperimentSpec, candidate: int, changes: Changes, reason: str
) -> Iterator[Proposal]:
    setting = shown(changes, names(search_of(spec).over))
    for repeat in range(spec.repeats):
        yield Proposal(
            candidate=candidate,
            repeat=repeat,
            seed=spec.seed + repeat,
            setting=setting,
            changes=changes,
            reason=reason,
        )


def _over(search: TpeSearch, settings: int, repeats: int) -> str:
    often = "" if repeats == 1 else f", each {repeats} times"
    if settings < search.count:
        return f"all {settings} settings that there are tried{often}"
    return f"all {settings} settings tried{often}"
