"""Whatever goes wrong is a problem document with an id that the log knows too."""

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.limits import ApiLimits
from api.problems import KINDS
from models import errors, failures
from models.errors import EpochdError
from store.database import Database
from tests.api.serving import Served, serving


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/experiments/exp_0", 404, "not_found"),
        ("GET", "/experiments/%00", 404, "not_found"),
        ("GET", "/experiments/" + "x" * 10_000, 404, "not_found"),
        ("GET", "/experiments/caf%C3%A9%FF", 404, "not_found"),
        ("POST", "/experiments/exp_0/cancel", 404, "not_found"),
        ("DELETE", "/experiments/exp_0", 404, "not_found"),
        ("GET", "/datasets/ds_0", 404, "not_found"),
        ("GET", "/datasets/%00/rows", 404, "not_found"),
        ("DELETE", "/datasets/ds_0", 404, "not_found"),
        ("PUT", "/experiments", 405, "method_not_allowed"),
        ("PUT", "/experiments/exp_0", 405, "method_not_allowed"),
        ("PATCH", "/experiments/exp_0/cancel", 405, "method_not_allowed"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_problem(
    shared: Served, method: str, path: str, status: int, code: str
) -> None:
    answer = shared.client.request(method, path)
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert problem["title"]
    assert problem["detail"]


def test_a_405_names_every_method_of_the_address(shared: Served) -> None:
    assert shared.client.put("/experiments/exp_0").headers["Allow"] == "DELETE, GET, PATCH"
    assert shared.client.put("/experiments").headers["Allow"] == "GET, POST"


def test_a_sane_request_id_is_taken_and_any_other_replaced(shared: Served) -> None:
    def echoed(given: str) -> str:
        return str(shared.client.get("/x", headers={"X-Request-ID": given}).json()["request_id"])

    assert echoed("trace-1:a_b.c") == "trace-1:a_b.c"
    for given in ("a b", "", "x" * 200, '"<script>'):
        assert echoed(given) not in {given, ""}
    assert echoed("") != echoed("")


def test_every_kind_of_problem_has_a_page_where_its_type_leads(shared: Served) -> None:
    kinds = shared.client.get("/problems").json()
    assert {kind["code"] for kind in kinds} == {*KINDS, *failures.TITLES}
    for kind in kinds:
        assert shared.client.get(kind["type"]).json() == kind
    assert shared.client.get("/problems/none").status_code == 404


def test_every_error_that_a_client_can_meet_has_a_status_of_its_own_choice() -> None:
    inside = {errors.LeaseLost}  # between workers and the store
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, EpochdError) and error not in inside:
            assert error.code in KINDS, error


class TestTheUnexpected:
    @pytest.fixture
    def broken(self, tmp_path: Path) -> Iterator[Served]:
        """A service on a database without tables."""
        database = Database(f"sqlite:///{tmp_path}/empty.sqlite3")
        with serving(database, tmp_path / "files") as served:
            yield served
        database.dispose()

    def test_it_is_a_500_without_a_word_of_what_it_was_and_the_log_has_it(
        self, broken: Served, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR, logger="api"):
            answer = broken.client.get("/experiments", headers={"X-Request-ID": "find-me"})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (500, "internal_error")
        assert problem["request_id"] == answer.headers["X-Request-ID"] == "find-me"
        for secret in ("Traceback", "sqlite", "no such table", ".py"):
            assert secret not in answer.text
        (record,) = [record for record in caplog.records if record.name.startswith("api")]
        assert "find-me" in record.getMessage()
        assert "no such table" in str(record.exc_info)

    def test_it_is_not_ready_and_says_why(self, broken: Served) -> None:
        answer = broken.client.get("/readyz")
        assert answer.status_code == 503
        checks = answer.json()["checks"]
        assert (checks["database"]["ok"], checks["migrations"]["ok"]) == (True, False)
        assert broken.client.get("/healthz").status_code == 200


def test_a_database_that_is_away_is_a_503_that_says_when_to_try_again(tmp_path: Path) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with serving(database, tmp_path) as served:
        answer = served.client.get("/experiments")
        ready = served.client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert not ready.json()["ready"]
    database.dispose()


FILE_PART = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
    b"\r\n--x--\r\n",
)


class TestBodyLimit:
    LIMIT = 10_000

    @pytest.fixture
    def small(self, database: Database, tmp_path: Path) -> Iterator[Served]:
        limits = ApiLimits(max_body_bytes=self.LIMIT, max_upload_bytes=2 * self.LIMIT)
        with serving(database, tmp_path / "files", limits=limits) as served:
            yield served

    @pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
    @pytest.mark.parametrize(
        ("path", "limit", "content_type", "around"),
        [
            ("/experiments", LIMIT, "application/json", (b'{"name": "', b'"}')),
            ("/datasets", 2 * LIMIT, "multipart/form-data; boundary=x", FILE_PART),
        ],
    )
    def test_a_body_beyond_the_limit_is_refused_and_one_at_it_is_read(
        self,
        small: Served,
        path: str,
        limit: int,
        content_type: str,
        around: tuple[bytes, bytes],
        *,
        announced: bool,
    ) -> None:
        def post(size: int) -> httpx.Response:
            start, end = around
            body = start.ljust(size - len(end), b"x") + end
            return small.client.post(
                path,
                content=body if announced else iter([body[:100], body[100:]]),
                headers={"Content-Type": content_type},
            )

        refused = post(limit + 1)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert post(limit).status_code == 422  # read, and found to be nothing
        assert small.stored_rows()["datasets"] == 0

    def test_it_is_refused_before_it_has_come(self, small: Served) -> None:
        sent = 0

        def endless() -> Iterator[bytes]:
            nonlocal sent
            while True:
                sent += 1000
                yield b"x" * 1000

        answer = small.client.post(
            "/experiments", content=endless(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413
        assert sent < 100_000_000
