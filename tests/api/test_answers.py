"""Finished answers are remembered under what they depend on, and only up to a size."""

from api.answers import Answer, Answers


def answer(body: bytes) -> Answer:
    return Answer(body, enough=True)


def test_an_answer_is_made_once_for_a_key() -> None:
    answers = Answers(100)
    made: list[str] = []

    def make() -> Answer:
        made.append("made")
        return answer(b"page")

    assert answers.get(("exp", 1), make) == answers.get(("exp", 1), make)
    assert made == ["made"]


def test_another_version_gets_another_answer() -> None:
    answers = Answers(100)
    answers.get(("exp", 1), lambda: answer(b"before"))
    assert answers.get(("exp", 2), lambda: answer(b"after")).body == b"after"


def test_what_was_not_used_for_longest_goes_first() -> None:
    answers = Answers(20)
    for key in ("old", "used"):
        answers.get(key, lambda: answer(b"0123456789"))
    answers.get("old", lambda: answer(b"never made"))
    answers.get("new", lambda: answer(b"0123456789"))
    assert answers.get("old", lambda: answer(b"again")).body == b"0123456789"
    assert answers.get("used", lambda: answer(b"again")).body == b"again"


def test_an_answer_larger_than_all_room_is_given_and_not_kept() -> None:
    answers = Answers(4)
    assert answers.get("key", lambda: answer(b"0123456789")).body == b"0123456789"
    assert answers.get("key", lambda: answer(b"again")).body == b"again"
