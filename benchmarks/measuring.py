"""What it costs to measure a network as it trains: with and without, turn by turn in one process.

A process of its own (`python -m benchmarks.measuring`), as benchmarks.speed is.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks import data
from benchmarks.figures import Figure
from benchmarks.speed import (
    CONVOLUTION_ROWS,
    CONVOLUTIONS,
    DENSE,
    EPOCHS,
    MNIST_ROWS,
    NORMALIZED,
    Case,
    case,
    lent,
)
from worker.trainer import engine
from worker.trainer.loop import Loop, Position, Schedule
from worker.trainer.measure import Measuring
from worker.trainer.programs import Programs

# Of images, where one takes about as long as the whole training of a small table.
IMAGE_EPOCHS = 6
AIM = 0.10
FIRST_TRIAL_SECONDS = 1.1


def trained(case: Case, programs: Programs, epochs: int, *, measured: bool) -> float:
    """Seconds of a whole training; what is measured is sent to nobody."""
    program, training, validation = lent(case, programs), case.training, case.validation
    begun = time.perf_counter()
    measuring = (
        Measuring(program, trial=case.trial, training=training, validation=validation)
        if measured
        else None
    )

    def between() -> None:
        """Nobody asks to stop."""

    def before_epoch() -> None:
        if measuring is not None:
            measuring.epoch_begins()

    def after_epoch(position: Position) -> None:
        if measuring is not None:
            last = position.ending is not None
            measuring.epoch_ended(position.epoch, last=last, between=between)

    if measuring is not None:
        measuring.begin(between)
    Loop(
        program,
        training=training,
        validation=validation,
        schedule=Schedule(epochs=epochs, seed=case.trial.seed),
        callbacks=[],
        before_epoch=before_epoch,
        after_epoch=after_epoch,
    ).run()
    return time.perf_counter() - begun


def share_figure(what: str, case: Case, rounds: int, epochs: int) -> Figure:
    """What measuring adds to a training, all compiling done before."""
    programs = Programs()
    for measured in (False, True):
        trained(case, programs, epochs, measured=measured)
    pairs = []
    for number in range(rounds):
        order = (False, True) if number % 2 else (True, False)
        took = {each: trained(case, programs, epochs, measured=each) for each in order}
        pairs.append((took[True], took[False]))
    engine.forget()
    shares = [measured / without - 1 for measured, without in pairs]
    middle = statistics.median(shares)
    seconds = statistics.median(without for _, without in pairs)
    return Figure(
        f"measuring, share of a training: {what}, {epochs} epochs",
        f"{middle:.1%} ({min(shares):.1%} to {max(shares):.1%}) of {seconds:.3f} s",
        f"{AIM:.0%}",
        middle <= AIM,
    )


def first_figure(what: str, case: Case, rounds: int) -> Figure:
    """The first training of its shape, which compiles, with and without."""
    pairs = []
    for _ in range(rounds):
        took = [trained(case, Programs(), EPOCHS, measured=each) for each in (False, True)]
        pairs.append(took)
        engine.forget()
    without, measured = (statistics.median(each) for each in zip(*pairs, strict=True))
    return Figure(
        f"first training of its shape, measured: {what}, {EPOCHS} epochs",
        f"{measured:.3f} s, {without:.3f} s without",
        f"{FIRST_TRIAL_SECONDS:g} s",
        measured <= FIRST_TRIAL_SECONDS,
    )


def measure(rounds: int) -> list[Figure]:
    """The figures of the networks that benchmarks.speed trains."""
    with tempfile.TemporaryDirectory() as folder:
        table = data.titanic(Path(folder))
        images = data.mnist(Path(folder), MNIST_ROWS)
    flat = images.x.reshape(len(images.x), -1)
    some = images.x[:CONVOLUTION_ROWS, ..., np.newaxis]
    engine.warm_up()
    small = case(table.x, table.y, DENSE, validation_split=0.3)
    dense = case(flat, images.y, DENSE, validation_split=0)
    normalized = case(flat, images.y, NORMALIZED, validation_split=0)
    convolutions = case(some, images.y[:CONVOLUTION_ROWS], CONVOLUTIONS, validation_split=0)
    named = f"Adam, {images.name}"
    what = f"10-100-100-2 Adam, {table.name}, {len(small.training)} rows"
    return [
        share_figure(what, small, rounds, EPOCHS),
        first_figure(what, small, rounds),
        share_figure(f"784-100-100-10 {named}", dense, rounds, IMAGE_EPOCHS),
        share_figure(f"BatchNorm + Dropout dense {named}", normalized, rounds, IMAGE_EPOCHS),
        share_figure(
            f"Conv 16-32-64 Adam, {CONVOLUTION_ROWS:,} of these", convolutions, rounds, IMAGE_EPOCHS
        ),
    ]


def main() -> None:
    """Print the figures as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    print(json.dumps([asdict(figure) for figure in measure(parser.parse_args().rounds)]))


if __name__ == "__main__":
    main()
