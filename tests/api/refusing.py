"""How a spec that cannot be carried out is refused: what tests of all kinds of specs expect."""

from typing import Any

import pytest

from tests.api.serving import Served

Refused = dict[str, tuple[dict[str, Any], str, str]]
"""What it is -> what is sent, where its problem points, and with which code ("": any)."""


def each(refused: Refused) -> pytest.MarkDecorator:
    """A test for each of them."""
    return pytest.mark.parametrize(("spec", "pointer", "code"), refused.values(), ids=refused)


dry_or_not = pytest.mark.parametrize("dry_run", ["false", "true"], ids=["submitted", "dry run"])


def assert_refused(
    served: Served, spec: dict[str, Any], pointer: str, code: str, dry_run: str
) -> None:
    """A 422 with its pointer, and nothing is stored."""
    before = served.stored_rows(), served.stored_files()

    answer = served.client.post("/experiments", json=spec, params={"dry_run": dry_run})

    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "invalid_spec"
    assert problem["type"] == "/problems/invalid_spec"
    assert problem["status"] == 422
    assert problem["instance"] == "/experiments"
    found = {(error["pointer"], error["code"]) for error in problem["errors"]}
    assert any(at == pointer and (not code or code == is_) for at, is_ in found), problem["errors"]
    assert all(error["message"] for error in problem["errors"])
    assert len(problem["errors"]) <= 100
    assert (served.stored_rows(), served.stored_files()) == before
