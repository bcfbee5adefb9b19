"""Drawn requests after the OpenAPI document: no 500, and every answer is as it is documented.

Bounded: the same requests each time, some dozens an operation.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from store.database import Database
from tests.api.serving import serving

REQUESTS_AN_OPERATION = 12


@pytest.mark.parametrize(
    ("database_kind", "mode"),
    [("sqlite", GenerationMode.POSITIVE), ("postgresql", GenerationMode.NEGATIVE)],
    indirect=["database_kind"],
)
def test_every_operation_answers_as_documented(
    database: Database, broker_url: str, tmp_path: Path, mode: GenerationMode
) -> None:
    with serving(database, tmp_path / "files", broker_url=broker_url) as served:
        document = served.client.get("/openapi.json").json()
        found = list(schemathesis.openapi.from_dict(document).get_all_operations())
        operations = [one.ok() for one in found if isinstance(one, Ok)]
        assert len(operations) == len(found)
        asked = [ask(operation, str(served.client.base_url), mode) for operation in operations]
    assert sum(asked) > 5 * len(operations)


def ask(operation: APIOperation[Any, Any, Any, Any], base_url: str, mode: GenerationMode) -> int:
    """Send what is drawn for one operation; gives how many requests that were."""
    asked = 0

    @settings(
        max_examples=REQUESTS_AN_OPERATION,
        derandomize=True,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers_as_documented(case: schemathesis.Case[Any]) -> None:
        nonlocal asked
        asked += 1
        # Waiting has tests of its own; here it would only take time.
        if "wait" in case.query:
            case.query["wait"] = 0
        # A spec can be well-formed and still mean nothing, which a JSON schema cannot say.
        case.call_and_validate(base_url=base_url, excluded_checks=[positive_data_acceptance])

    with suppress(Unsatisfiable):  # an operation without parameters cannot be asked wrongly
        answers_as_documented()
    return asked
