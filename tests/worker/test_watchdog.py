"""A trainer that hangs, or that takes too much, ends its own trial alone, and clearly.

These trainers load no TensorFlow, so it is quick.
"""

import mmap
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from models.lifecycle import State, StopReason
from models.resolve import resolve
from models.specs.experiment import Device
from tests.store.scenes import PROFILE, spec_of
from tests.worker.inline import ODD_TRAINER, InlineWorker
from tests.worker.odd_trainer import GREED_BYTES
from tests.worker.scripted import one_database
from tests.worker.site import Site, until
from tests.worker.specs import small
from worker import memory
from worker.messages import Finished, Ready, Train
from worker.process import LINE_BYTES, TERM_SECONDS, TrainerGone, TrainerProcess, TrainerSettings
from worker.timing import Timing
from worker.watchdog import WORKING_TIMES, TrainerExhausted, TrainerHung, Watched

SOON_SECONDS = 30.0


@one_database
def test_a_trial_whose_trainer_hangs_three_times_fails_alone_and_says_so(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_ODD", "stopped")
    experiment_id = here.submit(small(here.table()))

    InlineWorker(here, ODD_TRAINER, Timing(hang=0.5)).work()

    trial = here.trial(experiment_id)
    assert (trial.state, trial.stop_reason) == (State.FAILED, StopReason.WORKER_LOST)
    assert [attempt.outcome for attempt in trial.attempts] == ["worker_lost"] * 3
    assert trial.error is not None
    assert trial.error.type == "/problems/worker_lost"
    assert "it reported nothing for" in trial.error.detail
    assert "crash 3 of 3" in trial.error.detail


@one_database
def test_a_trial_that_takes_too_much_memory_fails_at_once_with_the_figures(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_ODD", "greedy")
    limit = GREED_BYTES // 2
    experiment_id = here.submit(small(here.table()))

    InlineWorker(here, ODD_TRAINER, memory_bytes=limit).work()

    trial = here.trial(experiment_id)
    assert (trial.state, trial.stop_reason) == (State.FAILED, StopReason.OUT_OF_MEMORY)
    assert [attempt.outcome for attempt in trial.attempts] == ["out_of_memory"]
    assert trial.error is not None
    assert trial.error.type == "/problems/out_of_memory"
    assert f"may take {limit // memory.MEBIBYTE} MiB here" in trial.error.detail
    assert "batch_size" in trial.error.detail


@one_database
def test_a_worker_that_is_to_end_does_not_wait_for_a_trainer_that_hangs(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_ODD", "stopped")
    experiment_id = here.submit(small(here.table()))
    timing = Timing(drain=0.5)

    with InlineWorker(here, ODD_TRAINER, timing).working():
        until(lambda: here.epochs(experiment_id), "an epoch")
        begun = time.monotonic()
    took = time.monotonic() - begun

    trial = here.trial(experiment_id)
    assert took < timing.drain + TERM_SECONDS + 10.0
    assert trial.state is State.QUEUED
    assert [attempt.outcome for attempt in trial.attempts] == ["released"]


@contextmanager
def training(odd: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainerProcess]:
    """A trainer that has been told to train, and has begun to do what it does."""
    monkeypatch.setenv("EPOCHD_TEST_ODD", odd)
    settings = TrainerSettings(threads=1, device=Device.CPU, module=ODD_TRAINER)
    with TrainerProcess(settings) as trainer:
        while not isinstance(trainer.receive(SOON_SECONDS), Ready):
            pass
        yield trainer


def begin(trainer: TrainerProcess) -> None:
    """Give it something to train, which it does not look at."""
    target = {"y_dtype": "float32", "y_integral": False, "y_minimum": 0.0, "y_maximum": 1.0}
    profile = PROFILE.model_copy(update=target)
    trial = resolve(spec_of(), {}, profile, seed=7)
    trainer.send(Train(trial=trial, profile=profile, folder="", network=""))


def follow(watched: Watched) -> None:
    """Listen until something is raised."""
    deadline = time.monotonic() + SOON_SECONDS
    while time.monotonic() < deadline:
        watched.receive(0.1)


def test_a_trainer_that_computes_without_a_word_is_given_longer_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with training("busy", monkeypatch) as trainer:
        watched = Watched(trainer, hang=1.5)
        begin(trainer)
        begun = time.monotonic()
        with pytest.raises(TrainerHung):
            follow(watched)

        assert time.monotonic() - begun >= 1.5 * WORKING_TIMES


def test_a_pause_of_the_supervisor_is_no_silence_of_the_trainer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with training("deaf", monkeypatch) as trainer:
        watched = Watched(trainer, hang=0.5)
        begin(trainer)
        watched.receive(0.1)
        time.sleep(0.6)

        watched.receive(0.1)  # would raise

        assert trainer.alive


@pytest.mark.parametrize("counted", [True, False])
def test_a_kill_is_told_as_want_of_memory_only_when_the_kernel_counted_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, counted: bool
) -> None:
    vmstat = tmp_path / "proc" / "vmstat"
    vmstat.parent.mkdir()
    vmstat.write_text("nr_free_pages 1\noom_kill 7\n")
    with training("deaf", monkeypatch) as trainer:
        watched = Watched(trainer, hang=60.0, root=tmp_path)
        watched.receive(0.0)
        if counted:
            vmstat.write_text("nr_free_pages 1\noom_kill 8\n")
        os.kill(trainer.pid, signal.SIGKILL)

        with pytest.raises(TrainerGone) as gone:
            follow(watched)

    assert isinstance(gone.value, TrainerExhausted) is counted


def test_a_flood_of_rubbish_does_not_keep_anybody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    with training("flood", monkeypatch) as trainer:
        begin(trainer)
        begun = time.monotonic()
        for _ in range(20):
            trainer.receive(0.1)
        assert time.monotonic() - begun < SOON_SECONDS


def test_a_line_without_an_end_fills_no_memory_and_hides_nothing_after_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    us = psutil.Process()
    with training("endless line", monkeypatch) as trainer:
        begin(trainer)
        before = us.memory_info().rss
        most = before

        def finished() -> bool:
            nonlocal most
            most = max(most, us.memory_info().rss)
            return isinstance(trainer.receive(0.1), Finished)

        until(finished, "the report after the line", SOON_SECONDS)

    assert most - before < 12 * LINE_BYTES
    assert sum("no report" in record.getMessage() for record in caplog.records) == 1


def test_a_trainer_may_take_its_share_of_the_smallest_limit_around_it(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup/system.slice/epochd.service"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/system.slice/epochd.service\n")
    (group / "memory.max").write_text("max\n")
    (group.parent / "memory.max").write_text(f"{5 * memory.GIBIBYTE}\n")

    assert memory.trainer_limit(2, tmp_path) == 2 * memory.GIBIBYTE
    assert memory.trainer_limit(64, tmp_path) == memory.LEAST_BYTES


def test_the_older_control_groups_are_read_too(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup/memory/docker/1"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("12:cpu:/docker/1\n4:memory:/docker/1\n")
    (group / "memory.limit_in_bytes").write_text(f"{3 * memory.GIBIBYTE}\n")
    (group / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")

    assert memory.trainer_limit(1, tmp_path) == 2 * memory.GIBIBYTE
    assert memory.oom_kills(tmp_path) == 2


def test_where_the_kernel_says_nothing_a_trainer_may_take_its_share_of_the_machine(
    tmp_path: Path,
) -> None:
    there = psutil.virtual_memory().total
    reserved = max(int(memory.RESERVED_SHARE * there), memory.RESERVED_BYTES)

    assert memory.oom_kills(tmp_path) is None
    assert memory.trainer_limit(1, tmp_path) == max(memory.LEAST_BYTES, there - reserved)


def test_mapped_files_are_not_a_process_own_memory(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(b"1" * (64 * memory.MEBIBYTE))
    before = memory.usage(os.getpid())
    with file.open("rb") as rows, mmap.mmap(rows.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        touched = sum(mapped[::4096])
        after = memory.usage(os.getpid())

    assert touched
    assert before is not None
    assert after is not None
    assert after.memory - before.memory < 32 * memory.MEBIBYTE
