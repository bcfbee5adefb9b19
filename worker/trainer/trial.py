"""Trains one trial, from plan to exported network, and turns whatever goes wrong into a report."""

import errno
import logging
import traceback
from pathlib import Path

import keras
import tensorflow as tf

from health.rules import divergence
from models import failures
from models.errors import ArtifactsUnavailable, EpochdError, StorageFull
from models.lifecycle import StopReason
from models.monitor import monitored
from models.trial import TrialSpec
from store.artifacts import sha256_of
from worker.messages import Ending, Failed, Finished, NetworkFile, Started, Stopped, Train
from worker.trainer import engine, row_losses
from worker.trainer.checkpoint import Resumed, UnreadCheckpoint
from worker.trainer.checkpointing import Checkpointer, resume
from worker.trainer.data import Prepared, prepare
from worker.trainer.devices import placement
from worker.trainer.export import export
from worker.trainer.feed import resident_bytes
from worker.trainer.hooks import Hooks
from worker.trainer.loop import Loop, Schedule
from worker.trainer.measure import Measuring
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.programs import Programs, key
from worker.trainer.rows import Rows
from worker.trainer.wire import Interrupted, Wire

log = logging.getLogger(__name__)

# The first line of a Keras message says what is wrong; some go on for pages.
MAX_PROBLEM = 500


def attempt(plan: Train, wire: Wire, programs: Programs) -> Finished | Stopped | Failed:
    """Train, and say how it ended; nothing that a plan can do raises.

    Args:
        plan: what to train.
        wire: to the supervisor.
        programs: of trials before this one.
    """
    try:
        return _train(plan, wire, programs)
    except Interrupted as interrupted:
        return Stopped(reason=interrupted.reason)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        others = len(programs) > 1
        programs.clear()
        return Failed(
            stop_reason=StopReason.OUT_OF_MEMORY,
            code=StopReason.OUT_OF_MEMORY,
            problem="The network, its batches and its data need more memory than there is here. "
            "Try a smaller batch_size or a smaller network.",
            detail=traceback.format_exc(),
            passing=others,  # what earlier trials left behind is gone now
        )
    except UnreadCheckpoint as trouble:
        return Failed(
            stop_reason=StopReason.ERROR,
            code=ArtifactsUnavailable.code,
            problem=f"What it was to go on from could not be read: {trouble}.",
            detail=traceback.format_exc(),
            passing=True,
        )
    except Exception as caught:  # noqa: BLE001 - a bad plan must not end the trainer
        programs.clear()
        error = _plainly(caught)
        return Failed(
            stop_reason=StopReason.ERROR,
            code=error.code if isinstance(error, EpochdError) else failures.TRAINING_FAILED,
            problem=_first_line(error),
            detail=traceback.format_exc(),
        )


def _train(plan: Train, wire: Wire, programs: Programs) -> Finished:
    trial = plan.trial
    prepared = prepare(Path(plan.folder), plan.profile, trial)
    wire.check()
    training = prepared.training
    how = engine.choose(trial, len(training))
    programs.leave_room(plan.memory_bytes)
    program = _program(programs, trial, prepared, training, how)
    # Named by nobody: a second network is large.
    program.begin_anew(_untrained(trial, prepared), trial.compile.optimizer.constant_rate)
    chosen = callbacks(trial)
    beginning = resume(plan.checkpointing, program.network, chosen)
    checkpointer = (
        None
        if plan.checkpointing is None
        else Checkpointer(plan.checkpointing, program.network, chosen, wire.send)
    )
    hooks = Hooks(wire, checkpointer, _measuring(program, trial, prepared, beginning.resumed))
    loop = Loop(
        program,
        training=training,
        validation=prepared.validation if len(prepared.validation) else None,
        schedule=Schedule(epochs=trial.fit.epochs, seed=trial.seed, shuffle=trial.fit.shuffle),
        callbacks=chosen,
        before_epoch=hooks.before_epoch,
        between=hooks.between,
        on_epoch=hooks.on_epoch,
        enough=hooks.enough,
        after_epoch=hooks.after_epoch,
        resident_bytes=resident_bytes(plan.memory_bytes, engine.device()),
    )
    wire.send(
        Started(
            parameters=program.network.count_params(),
            engine=how.view(),
            epoch=beginning.epoch,
            unreadable=beginning.unreadable,
        )
    )
    ending = _run(loop, beginning.resumed, chosen, hooks)
    finding = divergence.judge(hooks.initial_loss, hooks.losses)
    if finding is not None:
        return Finished(stop_reason=StopReason.DIVERGED, network=None, findings=(finding,))
    # Not the program's own network: export builds on what it gets. And in float32, whatever it was
    # trained in: nobody knows the machine that will predict.
    plain = build(trial.network.layers, prepared.network_shape, trial.seed)
    plain.set_weights(program.network.get_weights())
    return Finished(
        stop_reason=ending,
        row_losses=row_losses.of_network(
            plain, trial.compile.loss, prepared.validation, hooks.between
        ),
        network=_exported(plain, prepared, plan),
    )


def _run(
    loop: Loop, resumed: Resumed | None, chosen: list[keras.callbacks.Callback], hooks: Hooks
) -> Ending:
    if resumed is None:
        hooks.begin(loop.initial_loss())
        return loop.run()
    hooks.go_on(resumed.progress)
    return loop.run(resumed.progress.position, restore=lambda: resumed.restore(chosen))


def _measuring(
    program: Program, trial: TrialSpec, prepared: Prepared, resumed: Resumed | None
) -> Measuring | None:
    """None where nothing is to be measured, or cannot be: that must not cost the training."""
    if not trial.health.measure:
        return None
    try:
        return Measuring(
            program,
            trial=trial,
            training=prepared.training,
            validation=prepared.validation,
            measured=None if resumed is None else resumed.progress.measured,
            epoch=0 if resumed is None else resumed.progress.position.epoch,
        )
    except Exception:  # for want of memory, above all
        log.exception("nothing is measured of this training")
        return None


def _untrained(trial: TrialSpec, prepared: Prepared) -> keras.Model:
    return build(trial.network.layers, prepared.network_shape, trial.seed, trial.compile.precision)


def _program(
    programs: Programs,
    trial: TrialSpec,
    prepared: Prepared,
    training: Rows,
    how: engine.Engine,
) -> Program:
    """A program for the trial: that of an earlier one where there is one."""
    example = training.take(slice(0, 1))

    def made() -> Program:
        where = placement(how.devices)
        with where.scope():
            network = _untrained(trial, prepared)
            compile_network(network, trial.compile)
        return Program(
            network,
            batch_size=trial.fit.batch_size,
            example=example,
            xla=how.xla,
            placement=where,
        )

    return programs.lend(key(trial, example, xla=how.xla, devices=how.devices), made)


def callbacks(trial: TrialSpec) -> list[keras.callbacks.Callback]:
    """Keras's own, in the order in which a script would list them."""
    fit = trial.fit
    chosen: list[keras.callbacks.Callback] = [keras.callbacks.TerminateOnNaN()]
    if fit.reduce_lr_on_plateau is not None:
        chosen.append(keras.callbacks.ReduceLROnPlateau(**fit.reduce_lr_on_plateau.model_dump()))
    if fit.early_stopping is not None:
        # Keras guesses "auto" from the metric's object; the ranking goes by ours, so both must.
        stopping = fit.early_stopping.model_dump() | {"mode": monitored(trial.compile, fit).mode}
        chosen.append(keras.callbacks.EarlyStopping(**stopping))
    return chosen


def _exported(network: keras.Model, prepared: Prepared, plan: Train) -> NetworkFile:
    path = Path(plan.network)
    export(network, prepared, plan.trial.compile.loss, Path(plan.folder), path)
    return NetworkFile(path=str(path), sha256=sha256_of(path), bytes=path.stat().st_size)


def _plainly(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return StorageFull("There is no room left where the trainer writes its network.")
    return error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:MAX_PROBLEM]
