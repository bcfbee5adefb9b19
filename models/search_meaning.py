"""What a search over spec paths means for the spec around it.

Every path has to lead somewhere, every value has to be allowed there, and nothing may change that
would make the trials' scores incomparable: which rows are trained on and validated on, by what a
trial is judged, how long it may train.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from math import prod

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from models.errors import Issue
from models.monitor import monitored
from models.pointers import pointer
from models.specs.base import Spec
from models.specs.experiment import ExperimentSpec
from models.specs.search import MAX_TRIALS, GridSearch, PathSearch, RandomSearch, TpeSearch
from models.specs.spaces import ChoiceSpace, FloatSpace, IntSpace, Space, size_of
from models.trial import changed

# As many mistakes in one list of values as a client mends at a time.
MAX_ISSUES_A_PATH = 10
# As many names as a person reads in an error.
MAX_ALLOWED = 100

# A client waits for each layer of each network to be checked: a million take 10 s or so.
MAX_CHECKED_LAYERS = 1_000_000

_SAME_ROWS = "All trials have to be trained and validated on the same rows"
# Why a path may not be searched over; what is below it neither.
_REFUSED: dict[str, str] = {
    "search": "A search cannot change itself.",
    "seed": "Seeds are shared by all settings; use repeats for more of them.",
    "repeats": "Every setting is trained equally often.",
    "limits": "They are the experiment's, not a trial's.",
    "name": "It is the experiment's, not a trial's.",
    "labels": "They are the experiment's, not a trial's.",
    "data.dataset": f"{_SAME_ROWS}.",
    "data.inline": f"{_SAME_ROWS}.",
    "data.missing": f"{_SAME_ROWS}, and this can drop some.",
    "data.target": "Trials that predict something else cannot be compared.",
    "data.task": "Trials that predict something else cannot be compared.",
    "data.predictors": "The inputs are checked once for all trials; POST one experiment for each.",
    "fit.validation_split": f"{_SAME_ROWS}.",
    "fit.split": f"{_SAME_ROWS}.",
    "fit.epochs": "Every trial may train equally long; early stopping finds how long is right.",
    "fit.early_stopping.monitor": "All trials have to be judged by the same metric.",
    "fit.early_stopping.mode": "All trials have to be judged by the same metric.",
}
# Too much at once: these hold what may not change beside what may.
_TOO_WIDE: dict[str, str] = {
    "data": "data.scaling",
    "compile": "compile.optimizer.learning_rate",
    "fit": "fit.batch_size",
}
_QUOTED = re.compile(r"'([^']*)'")


def search_issues(spec: ExperimentSpec) -> tuple[Issue, ...]:
    """Say everything that is wrong with the search of a spec; nothing for searches without paths.

    A value counts as right if the spec with it alone is; whether it goes with the others, and with
    the data, is found when the trials are planned.
    """
    if not isinstance(spec.search, GridSearch | RandomSearch | TpeSearch):
        return ()
    wrong = [
        issue
        for path, space in spec.search.over.items()
        for issue in _path_issues(spec, path, space)
    ]
    return (*wrong, *_overlaps(spec.search), *_number_issues(spec, spec.search))


def _path_issues(spec: ExperimentSpec, path: str, space: Space) -> Iterator[Issue]:
    at = pointer("search", "over", path)
    refused = next((why for head, why in _REFUSED.items() if _is_within(path, head)), None)
    if refused is not None:
        yield Issue(at, "unfair_path", f"{path} cannot be searched over. {refused}")
    elif path in _TOO_WIDE:
        said = f"{path} as a whole cannot be searched over. Name what differs: {_TOO_WIDE[path]}."
        yield Issue(at, "unfair_path", said)
    elif (lost := _lost(spec, path, at)) is not None:
        yield lost
    else:
        yield from _value_issues(spec, path, space, at)


def _is_within(path: str, head: str) -> bool:
    return path == head or path.startswith(f"{head}.")


def _lost(spec: ExperimentSpec, path: str, at: str) -> Issue | None:
    """Where a path leads nowhere."""
    place: object = spec
    steps = path.split(".")
    for index, step in enumerate(steps):
        parts = _parts(place)
        if step not in parts:
            here = ".".join(steps[:index])
            allowed = tuple(
                name for name in islice(parts, MAX_ALLOWED) if _joined(here, name) not in _REFUSED
            )
            missing = f"{here or 'A spec'} has no {step!r}"
            return Issue(
                at, "unknown_path", missing + _instead(place, here, step, allowed), allowed
            )
        place = parts[step]
    return None


def _joined(head: str, name: str) -> str:
    return f"{head}.{name}" if head else name


def _instead(place: object, here: str, step: str, allowed: tuple[str, ...]) -> str:
    """What there is at the place where a path gets lost."""
    if allowed:
        are = "is" if len(allowed) == 1 else "are"
        return f". There {are} {', '.join(allowed)}.{_close(step, allowed)}"
    if isinstance(place, tuple):
        return ": it is empty."
    if place is None:
        return ": it is null. Give it in the spec, then its parts can be searched over."
    return f": it is a value, not an object. The path would be {here!r}."


def _parts(place: object) -> dict[str, object]:
    """What is below a place of a spec, by the names that a path gives it."""
    if isinstance(place, tuple):
        return {str(index): part for index, part in enumerate(place)}
    if isinstance(place, Spec):
        return {name: getattr(place, name) for name in type(place).model_fields}
    return {}


def _value_issues(spec: ExperimentSpec, path: str, space: Space, at: str) -> Iterator[Issue]:
    found = 0
    for where, value in _samples(space):
        issue = _value_issue(spec, path, value, at + where)
        if issue is not None:
            yield issue
            found += 1
        if found == MAX_ISSUES_A_PATH:
            return


def _samples(space: Space) -> Iterator[tuple[str, JsonValue]]:
    """Each listed value, or both ends of a range, with its pointer below the path."""
    match space:
        case IntSpace(int=whole):
            yield "/int/low", whole.low
            yield "/int/high", whole.high
        case FloatSpace(float=real):
            yield "/float/low", real.low
            yield "/float/high", real.high
        case ChoiceSpace(choice=values):
            yield from ((f"/choice/{index}", value) for index, value in enumerate(values))
        case _:
            yield from ((f"/{index}", value) for index, value in enumerate(space))


def _value_issue(spec: ExperimentSpec, path: str, value: JsonValue, at: str) -> Issue | None:
    try:
        trial = changed(spec, {path: value})
    except ValidationError as refused:
        return _refusal(refused.errors(include_url=False)[0], path, at)
    if monitored(trial.compile, trial.fit) != monitored(spec.compile, spec.fit):
        return Issue(
            at, "unfair_path", f"With this {path} a trial would be judged by another metric."
        )
    judged_by_loss = monitored(spec.compile, spec.fit).metric in {"loss", "val_loss"}
    if judged_by_loss and trial.compile.loss != spec.compile.loss:
        return Issue(
            at,
            "unfair_path",
            "Trials with different losses cannot be compared by their loss. Have "
            "fit.early_stopping.monitor name a metric of compile.metrics, such as val_accuracy.",
        )
    return None


def _refusal(error: ErrorDetails, path: str, at: str) -> Issue:
    """What pydantic finds wrong with the value at a path, with our codes."""
    kind, context = error["type"], error.get("ctx", {})
    allowed = tuple(_QUOTED.findall(str(context.get("expected") or context.get("expected_tags"))))
    if kind == "union_tag_invalid":
        what = f"There is no {context['discriminator'].strip(chr(39))} {context['tag']!r}."
        return Issue(at, "unknown_value", what + _close(context["tag"], allowed), allowed)
    if kind == "literal_error":
        value = error["input"]
        known = f"{path} cannot be {value!r}."
        return Issue(at, "unknown_value", known + _close(value, allowed), allowed)
    code = "invalid_value"
    if kind.startswith(("greater_than", "less_than", "finite")):
        code = "out_of_range"
    elif kind.endswith("_type"):
        code = "wrong_type"
    why = error["msg"].removeprefix("Value error, ").removeprefix("Input ").removesuffix(".")
    return Issue(at, code, f"Not allowed at {path}: {why}.", allowed)


def _close(value: object, allowed: Sequence[str]) -> str:
    """A hint at what was meant, where it can be guessed."""
    match = get_close_matches(str(value)[:100], allowed, n=1)
    return f" Did you mean {match[0]}?" if match else ""


def _overlaps(search: PathSearch) -> Iterator[Issue]:
    for path in search.over:
        holder = next((o for o in search.over if o != path and _is_within(path, o)), None)
        if holder is not None:
            yield Issue(
                pointer("search", "over", path),
                "path_twice",
                f"{path} is a part of {holder}, which is searched over too. Keep one of them.",
            )


def _number_issues(spec: ExperimentSpec, search: PathSearch) -> Iterator[Issue]:
    if isinstance(search, GridSearch):
        yield from _grid_issues(spec, search)
        return
    if (trials := search.count * spec.repeats) > MAX_TRIALS:
        yield _too_many(trials, f"{search.count:,} settings", spec, "/search/count")
    sizes = [size_of(space) for space in search.over.values()]
    points = prod(size if size is not None else MAX_TRIALS for size in sizes)
    yield from _layer_issues(spec, search, min(search.count, points), "/search/count")


def _grid_issues(spec: ExperimentSpec, search: GridSearch) -> Iterator[Issue]:
    sizes = {path: size_of(space) for path, space in search.over.items()}
    endless = [path for path, size in sizes.items() if size is None]
    for path in endless:
        yield Issue(
            f"{pointer('search', 'over', path)}/float",
            "count_missing",
            "A grid has to know which values: say how many with count, or list them.",
        )
    if not endless:
        known = [size for size in sizes.values() if size is not None]
        points = prod(known)
        if points * spec.repeats > MAX_TRIALS:
            product = " x ".join(f"{size:,}" for size in known)
            what = f"{points:,} points" + (f" ({product})" if len(known) > 1 else "")
            yield _too_many(points * spec.repeats, what, spec, "/search/over")
        yield from _layer_issues(spec, search, min(points, MAX_TRIALS), "/search/over")


def _layer_issues(
    spec: ExperimentSpec, search: PathSearch, settings: int, at: str
) -> Iterator[Issue]:
    """Too many layers in all, where each setting may have a network of its own."""
    layers = len(spec.network.layers) if spec.network else 0
    own = any(_is_within(path, "network") for path in search.over)
    if own and settings * layers > MAX_CHECKED_LAYERS:
        yield Issue(
            at,
            "too_many_layers",
            f"These are {settings:,} networks of {layers:,} layers. A search may have at most "
            f"{MAX_CHECKED_LAYERS:,} layers in all.",
        )


def _too_many(trials: int, what: str, spec: ExperimentSpec, at: str) -> Issue:
    repeated = "" if spec.repeats == 1 else f", each {spec.repeats} times: {trials:,} trials"
    return Issue(
        at,
        "too_many_trials",
        f"These are {what}{repeated}. One experiment has at most {MAX_TRIALS:,} trials.",
    )
