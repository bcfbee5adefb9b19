"""What is said of one candidate, whatever was searched: it won, is as good, is not decided."""

from search.accuracy import accuracy_of
from search.paired import Paired
from search.sentences.evidence import Evidence, divergences
from search.sentences.words import counted, number, span, spoken
from search.ties import Standing


def name_of(standing: Standing) -> str:
    """A candidate by its setting."""
    return spoken(standing.candidate.setting)


def won(evidence: Evidence, winner: Standing, name: str) -> str:
    """The winner, with its accuracy; a candidate alone has nobody to win against."""
    verb = "won:" if len(evidence.standings) > 1 else "reached"
    accuracy = _accuracy(evidence, winner)
    end = "" if accuracy is None else f"; accuracy {accuracy}"
    return f"{name} {verb} {reached(evidence, winner)}{end}."


def as_good(evidence: Evidence, standing: Standing, name: str) -> str:
    """A tie, with the difference that does not count."""
    held_against = difference(standing.difference)
    return f"{name} was as good within noise: {reached(evidence, standing)}; {held_against}."


def undecided(evidence: Evidence, standing: Standing, name: str) -> str:
    """A lower score of which nobody knows whether it is only less luck."""
    return f"{name} reached {reached(evidence, standing)}. Whether that is worse is not decided."


def reached(evidence: Evidence, standing: Standing) -> str:
    """What a candidate with a score came to: "val_loss 0.41 at epoch 7"."""
    candidate = standing.candidate
    if candidate.score is None:
        raise ValueError("a candidate without a score reached nothing")
    epochs = [trial.best_epoch for trial in candidate.scored if trial.best_epoch is not None]
    words = f"{evidence.judged.metric} {number(candidate.score)} at {span('epoch', epochs)}"
    if candidate.standard_deviation is not None:
        deviation = number(candidate.standard_deviation)
        words += f", the mean of {len(epochs)} repeats (sd {deviation})"
    if candidate.pruned:
        trained = [trial.epochs for trial in candidate.trials]
        words += f"; it was pruned after {counted('epoch', trained)}"
    return words


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
    epochs, repeats = divergences(standing), len(standing.candidate.trials)
    often = "" if len(epochs) == repeats else f" in {len(epochs)} of {repeats} repeats,"
    return f"diverged{often} in {span('epoch', epochs)}"


def _accuracy(evidence: Evidence, standing: Standing) -> str | None:
    """Of a classifier: "81.2 % ± 1.4 %"."""
    found = accuracy_of(standing.candidate.trials, evidence.curves)
    if found is None:
        return None
    return f"{100 * found.value:.1f} % ± {100 * found.standard_error:.1f} %"
