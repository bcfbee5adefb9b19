"""Did a repair help? A training against the one that it was derived from, row by row."""

from collections.abc import Sequence
from dataclasses import replace

from models.lifecycle import StopReason
from models.specs.experiment import ExperimentSpec
from models.specs.health import Origin
from models.trial import JudgedTrial, TrialResult
from models.views.comparison import RepairOutcome
from search.comparison import difference_view
from search.paired import Paired, paired
from search.sentences.words import number

# It changes the inputs of the rows, and neither which rows there are nor what they cost.
_ANY_SCALING = {"scaling": "auto"}


def counterpart(
    results: Sequence[TrialResult], winner: int | None, seed: int
) -> TrialResult | None:
    """The trial that is held against the original: of the winning setting, with the same seed.

    Only such a one has the same validation rows and the same initial weights. Else it is the winner
    itself; without one the first that was trained.
    """
    won = next((result for result in results if result.number == winner), None)
    if won is None:
        return next((result for result in results if result.stop_reason is not None), None)
    alike = (each for each in results if each.candidate == won.candidate and each.seed == seed)
    return next((each for each in alike if each.score is not None), won)


def repair(origin: Origin, before: JudgedTrial | None, after: JudgedTrial | None) -> RepairOutcome:
    """Say whether it helped.

    It did where the validation rows cost less than before by more than one standard error of the
    paired difference, the rule by which candidates are compared (`Paired.is_worse`); and where a
    training has a score whose original diverged. One that was cancelled or failed says nothing.

    Args:
        origin: what was to be repaired.
        before: that trial; None where it is not there any more.
        after: the one that is to be better; None where nothing was trained.
    """
    difference = _difference(before, after)
    helped = _helped(before, after, difference)
    return RepairOutcome(
        experiment=origin.experiment,
        trial=origin.trial,
        finding=origin.finding,
        before=before and before.result.score,
        after=after and after.result.score,
        compared=after and after.result.number,
        difference=difference_view(difference),
        helped=helped,
        sentence=_sentence(origin, before, after, difference, helped),
    )


def _difference(before: JudgedTrial | None, after: JudgedTrial | None) -> Paired | None:
    """After minus before, where both were judged by the same rows in the same unit."""
    if before is None or after is None or _yardstick(before.spec) != _yardstick(after.spec):
        return None
    # What they have in common is said by their specs, whatever search each was a part of.
    first, second = (replace(each.result, repeat=0, changes={}) for each in (after, before))
    return paired([first], [second])


def _yardstick(spec: ExperimentSpec) -> tuple[object, ...]:
    """What decides which rows validate and what a row's loss is, besides the seed."""
    data, fit = spec.data.model_copy(update=_ANY_SCALING), spec.fit
    # Validation rows have no weights, so a class that counts more in training costs the others'.
    return data, fit.validation_split, fit.split, fit.class_weight, spec.compile.loss


def _helped(
    before: JudgedTrial | None, after: JudgedTrial | None, difference: Paired | None
) -> bool | None:
    if before is None or after is None:
        return None
    if _diverged(after.result):
        return False
    if _diverged(before.result) and after.result.score is not None:
        return True
    return None if difference is None else -difference.mean > difference.standard_error


def _sentence(
    origin: Origin,
    before: JudgedTrial | None,
    after: JudgedTrial | None,
    difference: Paired | None,
    helped: bool | None,  # noqa: FBT001 - what it is stands in its name
) -> str:
    what, where = origin.finding, f"trial {origin.trial} of {origin.experiment}"
    open_question = f"Whether the repair of {what} helped cannot be told"
    if before is None:
        return f"{open_question}: {where} is not there any more, or cannot be read."
    if after is None:
        return f"{open_question}: nothing was trained."
    found_again = f" {what} was found again." if what in after.codes else ""
    verdict = "helped" if helped else "did not help"
    how = _how(before, after, difference, where)
    if helped is None:
        return f"{open_question}: {how}.{found_again}"
    return f"The repair of {what} {verdict}: {how}.{found_again}"


def _how(before: JudgedTrial, after: JudgedTrial, difference: Paired | None, where: str) -> str:
    then, now = before.result, after.result
    # A repair may have another metric monitored: each number with its own.
    other = f"{then.metric} " if then.metric and then.metric != now.metric else ""
    told = f"{now.metric or 'the score'} {_shown(now)}, {other}{_shown(then)} in {where}"
    if difference is None:
        if then.score is None or now.score is None:
            return told
        if before.spec.fit.class_weight != after.spec.fit.class_weight:
            return f"{told}, and classes count differently in what the two were trained for"
        return f"{told}, and their validation rows cannot be paired"
    less = "lower" if difference.mean < 0 else "higher"
    mean, error = number(abs(difference.mean)), number(float(f"{difference.standard_error:.2g}"))
    return f"{told}; row by row the loss is {mean} ± {error} {less}"


def _shown(result: TrialResult) -> str:
    if result.score is not None:
        return number(result.score)
    return "diverged" if _diverged(result) else "none"


def _diverged(result: TrialResult) -> bool:
    return result.stop_reason is StopReason.DIVERGED
