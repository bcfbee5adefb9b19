"""Whether what a capacity search chooses is as good as what one would have taken without it."""

from typing import Any

from benchmarks.figures import Figure
from benchmarks.quality.concluded import Candidate, Concluded, concluded
from benchmarks.service import Service

# Far from the seeds of the searches, so that these splits had no say in the choice.
OTHER_SEED = 1000
FIXED = {"layers": [{"layer": "Dense", "units": 128, "activation": "relu"}] * 2}


def against_fixed(
    running: Service, name: str, spec: dict[str, Any], search: Concluded, *, splits: int
) -> Figure:
    """Train the choice and a fixed 128-128 on the same other splits, and pair their row losses.

    Args:
        running: the service.
        name: of the rows.
        spec: of the capacity search.
        search: what it concluded.
        splits: how many.
    """
    networks = {"chosen": search.winner_spec["network"], "128-128": FIXED}
    both = spec | {
        "search": {"strategy": "networks", "networks": networks},
        "repeats": splits,
        "seed": OTHER_SEED,
    }
    trained = concluded(running, f"{name}, the choice and 128-128", both)
    chosen, fixed = (_named(trained, network) for network in networks)
    mean, error = worse_by(chosen.difference, fixed.difference)
    return Figure(
        f"{name}: capacity's choice against a fixed 128-128, {splits} other splits",
        f"{size(search.winner.setting)} chosen with {search.fits} fits: row by row its loss is "
        f"{abs(mean):.4f} ± {error:.4f} {'higher' if mean > 0 else 'lower'}; "
        f"{chosen.loss:.4g} against {fixed.loss:.4g}",
        "at most one standard error higher",
        mean <= error,
    )


def worse_by(
    chosen: tuple[float, float] | None, fixed: tuple[float, float] | None
) -> tuple[float, float]:
    """By how much the choice's loss is higher, and the standard error of that.

    Of two candidates only the one that is not the best has a difference, which is from the best.

    Raises:
        ValueError: neither has one, so their rows could not be paired.
    """
    if chosen is not None:
        return chosen
    if fixed is not None:
        return -fixed[0], fixed[1]
    raise ValueError("the row losses of the two networks could not be paired")


def size(setting: dict[str, Any]) -> str:
    """What a capacity search's setting is, in words."""
    layers = setting["hidden_layers"]
    if not layers:
        return "a linear network"
    return f"{layers} hidden layer{'s' if layers > 1 else ''} of {setting['units']}"


def _named(trained: Concluded, network: str) -> Candidate:
    return next(each for each in trained.candidates if each.setting["network"] == network)
