"""The problems that are not an answer to a request, but are stored where something went wrong.

A trial, an experiment or a dataset carries them as its `error`. Their codes are part of the
contract, as those of models/errors.py are.
"""

from collections.abc import Mapping

from models.errors import Invalid
from models.lifecycle import StopReason
from models.views.base import Problem

TRAINING_FAILED = "training_failed"
UNREADABLE_SPEC = "unreadable_spec"
SEARCH_FAILED = "search_failed"
SEARCH_GIVEN_UP = "search_given_up"
NO_SCORE = "no_score"

TITLES: Mapping[str, str] = {
    StopReason.OUT_OF_MEMORY.value: "The training ran out of memory",
    StopReason.TIMED_OUT.value: "The training took too long",
    StopReason.WORKER_LOST.value: "The process that did it was lost again and again",
    Invalid.code: "The spec cannot be carried out",
    TRAINING_FAILED: "The training failed",
    UNREADABLE_SPEC: "The stored spec cannot be read",
    SEARCH_FAILED: "The search could not go on",
    SEARCH_GIVEN_UP: "Its trials fail of the same again and again",
    NO_SCORE: "No trial has a score",
}
"""What each code says in a few words."""


def problem(code: str, detail: str) -> Problem:
    """What is stored as an `error`.

    Args:
        code: one of TITLES, or that of an error which ended a training.
        detail: what happened and what can be done, with its figures.
    """
    return Problem(title=TITLES.get(code, TITLES[TRAINING_FAILED]), detail=detail, code=code)
