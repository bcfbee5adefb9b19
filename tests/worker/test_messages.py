"""Messages carry no truth: made-up or repeated ones are said once at most, and change nothing."""

from pathlib import Path
from typing import Any

import redis

from models.lifecycle import State
from models.specs.experiment import Device
from store import broker
from store.doorbell import Task
from tests.worker.site import Site, until
from tests.worker.specs import small

DUPLICATES = 1000


def logs(found: Site) -> dict[Path, int]:
    """The workers' logs, and how much of each is there by now."""
    return {worker.log: worker.log.stat().st_size for worker in found.running}


def said(since: dict[Path, int]) -> str:
    """What all workers have logged since."""
    return "".join(log.read_bytes()[begin:].decode() for log, begin in since.items())


def queued(found: Site) -> int:
    with redis.Redis.from_url(found.broker_url) as client:
        names = (broker.CONTROL_QUEUE, *broker.TRAIN_QUEUES.values())
        return sum(int(client.llen(name)) for name in names)


def wait_until_heard(found: Site) -> None:
    until(lambda: queued(found) == 0, "an empty queue")


def send(found: Site, task: str, arguments: tuple[Any, ...], **options: Any) -> None:
    with broker.celery_app(found.broker_url) as app:
        app.send_task(task, arguments, queue=broker.CONTROL_QUEUE, **options)


def test_messages_with_made_up_ids_are_logged_once_and_harmless(sqlite_site: Site) -> None:
    found = sqlite_site
    before = logs(found)

    found.doorbell.ring_control(Task.INGEST, "ds_made_up")
    found.doorbell.ring_control(Task.ADVANCE, "exp_made_up")
    send(found, "epochd.made_up_task", ())
    send(found, broker.INGEST, ("ds_made_up_too", "and more"))
    send(found, broker.ADVANCE, ({"made": "up"},))
    wait_until_heard(found)
    experiment_id = found.submit(small(found.table()))

    assert found.wait_until_over(experiment_id).state is State.SUCCEEDED
    words = said(before)
    assert words.count("there is no dataset ds_made_up to be read") == 1
    assert words.count("there is no experiment exp_made_up to be advanced") == 1
    assert words.count("unregistered task of type 'epochd.made_up_task'") == 1
    assert words.count(f"a message for {broker.INGEST} is none of ours: ('ds_made_up_too', ") == 1
    assert words.count(f"a message for {broker.ADVANCE} is none of ours: ({{'made': 'up'}},)") == 1
    assert words.count("Traceback") == 1  # Celery's own, of the task that nobody registered


def test_a_thousand_duplicates_start_a_trial_once(sqlite_site: Site) -> None:
    found = sqlite_site
    experiment_id = found.submit(small(found.table()), ring=False)
    before = logs(found)

    found.doorbell.ring_train(Device.ANY, DUPLICATES)

    assert found.wait_until_over(experiment_id).state is State.SUCCEEDED
    wait_until_heard(found)
    assert [attempt.number for attempt in found.trial(experiment_id).attempts] == [1]
    assert said(before).count("\n") < 10
