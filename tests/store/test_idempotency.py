"""The same POST twice makes one experiment, also when both come at once."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import JsonValue
from sqlalchemy import func, select, update

from models.errors import KeyReused
from models.tables.experiments import ExperimentRow, IdempotencyRow
from store import experiments, idempotency
from store.clock import now
from tests.store.scenes import OWNER, Scene, planned, spec_of

BODY = "b" * 64
OTHER_BODY = "c" * 64


def _replay(
    scene: Scene, key: str = "key", body: str = BODY, owner: str = OWNER
) -> Mapping[str, JsonValue] | None:
    with scene.database.snapshot() as tx:
        return idempotency.replay(tx, owner=owner, key=key, request_sha256=body)


def _post(scene: Scene, key: str = "key") -> Mapping[str, JsonValue]:
    """What the API does with a POST that has a key."""
    try:
        with scene.database.transaction() as tx:
            answer = idempotency.replay(tx, owner=OWNER, key=key, request_sha256=BODY)
            if answer is not None:
                return answer
            view = experiments.submit(
                tx, owner=OWNER, spec=spec_of(), dataset_id=scene.dataset_id, trials=planned()
            )
            answer = {"id": view.id}
            idempotency.remember(
                tx,
                owner=OWNER,
                key=key,
                request_sha256=BODY,
                experiment_id=view.id,
                answer=answer,
            )
            return answer
    except idempotency.KeyTaken:
        found = _replay(scene, key)
        assert found is not None
        return found


def _experiments(scene: Scene) -> int:
    with scene.database.snapshot() as tx:
        return tx.scalars(select(func.count()).select_from(ExperimentRow)).one()


def test_the_second_post_is_answered_like_the_first(scene: Scene) -> None:
    assert _replay(scene) is None
    assert _post(scene) == _post(scene)
    assert _experiments(scene) == 1


def test_posts_at_once_make_one_experiment(scene: Scene) -> None:
    start = threading.Barrier(4)

    def post(number: int) -> JsonValue:
        start.wait(10)
        return _post(scene, f"key-{number // 4}")["id"]

    with ThreadPoolExecutor(4) as clients:
        ids = list(clients.map(post, range(20)))
    assert len(set(ids)) == 5
    assert _experiments(scene) == 5


def test_a_key_with_another_body_is_refused(scene: Scene) -> None:
    _post(scene)
    with pytest.raises(KeyReused):
        _replay(scene, body=OTHER_BODY)


def test_a_key_is_its_owners_alone(scene: Scene) -> None:
    _post(scene)
    assert _replay(scene, owner="other", body=OTHER_BODY) is None


def test_an_answer_is_forgotten_after_a_day(scene: Scene) -> None:
    _post(scene)
    with scene.database.transaction() as tx:
        assert idempotency.forget_older(tx) == 0
        tx.execute(
            update(IdempotencyRow).values(
                created_at=now(-timedelta(hours=24, minutes=1).total_seconds())
            )
        )
        assert idempotency.forget_older(tx) == 1
    assert _replay(scene) is None
