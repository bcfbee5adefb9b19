"""Every network of the tests' menagerie: its training by ours and by Keras's fit, in turn.

Both train on with a program that has been compiled before, in one process: a first training of each
is not counted. Neither uses XLA, which would take minutes to compile all of it. Nobody stops early,
so both do the same work. A process of its own (`python -m benchmarks.zoo`), as is speed.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

import keras

from benchmarks.figures import Figure
from tests.trainer.menagerie.members import MEMBERS, Member
from worker.trainer.loop import Loop, Schedule
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program

ROWS = 2000
EPOCHS = 2
Train = Callable[[], object]


def measure(turns: int, every: int) -> list[Figure]:
    """How many times as fast as fit ours is, at the least and in the middle.

    Args:
        turns: of each network; the median of their ratios counts.
        every: so many-th member is measured.
    """
    ratios = {}
    members = [each for each in MEMBERS if not each.diverges][::every]
    for number, member in enumerate(members, start=1):
        ratio = ratios[member.name] = _ratio(_ours(member), _fit(member), turns)
        # Tens of minutes for all: the figures come last, on the other stream.
        print(f"{number}/{len(members)} {member.name}: {ratio:.2f}x", file=sys.stderr)
        keras.backend.clear_session()
    slowest = min(ratios, key=lambda name: ratios[name])
    median = statistics.median(ratios.values())
    below = sum(ratio < 1 for ratio in ratios.values())
    return [
        Figure(
            f"{len(ratios)} networks of the zoo, the least against fit ({slowest})",
            f"{ratios[slowest]:.2f}x, {below} below 1",
            "1.0x",
            ratios[slowest] >= 1,
        ),
        Figure("the same, the median", f"{median:.2f}x", "1.0x", median >= 1),
    ]


def _ratio(ours: Train, fit: Train, turns: int) -> float:
    ours()
    fit()
    return statistics.median([_seconds(fit) / _seconds(ours) for _ in range(turns)])


def _seconds(train: Train) -> float:
    started = time.perf_counter()
    train()
    return time.perf_counter() - started


def _network(member: Member, *, plain: bool = False) -> keras.Model:
    network = build(member.spec.network.layers, member.shape, member.spec.seed)
    compile_network(network, member.spec.compile, plain=plain)
    return network


def _ours(member: Member) -> Train:
    data, spec = member.data(ROWS), member.spec
    example = data.training.take(slice(0, 1))
    return Loop(
        Program(_network(member), batch_size=spec.fit.batch_size, example=example),
        training=data.training,
        validation=data.validation,
        schedule=Schedule(epochs=EPOCHS, seed=spec.seed, shuffle=False),
        callbacks=[keras.callbacks.TerminateOnNaN()],
    ).run


def _fit(member: Member) -> Train:
    data, network = member.data(ROWS), _network(member, plain=True)
    training, validation = data.training, data.validation
    return lambda: network.fit(
        training.x,
        training.y,
        batch_size=member.spec.fit.batch_size,
        epochs=EPOCHS,
        shuffle=False,
        sample_weight=training.weights,
        validation_data=None if validation is None else (validation.x, validation.y),
        callbacks=[keras.callbacks.TerminateOnNaN()],
        verbose=0,
    )


def main() -> None:
    """Print the figures as JSON, in the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--every", type=int, default=1, help="measure so many-th members only")
    asked = parser.parse_args()
    print(json.dumps([asdict(each) for each in measure(asked.turns, asked.every)]))


if __name__ == "__main__":
    main()
