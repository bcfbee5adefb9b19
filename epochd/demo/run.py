"""`epochd demo`: which learning rate? Asked over HTTP as any client would, and answered live."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console

from epochd.demo.client import Client, DemoFailed, Experiment
from epochd.demo.show import TrialLines, table
from epochd.embedded.listening import listen_from
from epochd.embedded.output import Output
from epochd.embedded.service import running
from epochd.ending import end_on_signals, wait_for_the_end
from epochd.errors import NotReady
from epochd.settings import Settings

# Enough of a log to see why a part does not start.
LOG_LINES = 30

RATES = (1e-7, 0.01, 1)

EXPERIMENT: dict[str, JsonValue] = {
    "name": "digits: which learning rate?",
    "data": {"dataset": "builtin:digits"},
    "network": {
        "layers": [
            {"layer": "Dense", "units": 100, "activation": "relu"},
            {"layer": "Dense", "units": 100, "activation": "relu"},
        ]
    },
    "compile": {"optimizer": {"optimizer": "SGD"}, "metrics": ["accuracy"]},
    "fit": {
        "epochs": 20,
        "validation_split": 0.3,
        "early_stopping": {"monitor": "val_loss", "patience": 2},
    },
    "search": {"strategy": "learning_rates", "values": list(RATES)},
}


def demo(settings: Settings, *, once: bool, keep: Path | None) -> None:
    """Start a service, compare three learning rates on it, go on serving until Ctrl-C.

    Args:
        settings: of the service.
        once: end after the table.
        keep: the folder to keep data in; a temporary one, removed at the end, when None.

    Raises:
        PortTaken: neither the port nor one of the next is free.
        NotReady: the service did not come up.
        DemoFailed: the service came up but did not do what was asked.
    """
    end_on_signals()
    console = Console()
    try:
        with _folder(keep) as folder:
            _demonstrate(settings.in_folder(folder), console, once=once)
    except KeyboardInterrupt:
        console.print("Ended.")


def _demonstrate(settings: Settings, console: Console, *, once: bool) -> None:
    listener = listen_from(settings.host, settings.port)
    port = listener.getsockname()[1]
    if settings.port not in {0, port}:
        console.print(f"Port {settings.port} is taken, so this takes {port}.")
    log = settings.data_dir / "demo.log"
    console.print(f"Starting API, broker and workers; their log is {log} …", soft_wrap=True)
    with (
        _shown_on_failure(log, console),
        log.open("w") as stream,
        running(settings, listener=listener, output=Output(stream)) as url,
    ):
        console.print(f"It is ready at {url}\n")
        with Client(url) as client:
            experiment = _compare(client, console)
        _tell_more(console, url, experiment)
        if not once:
            console.print("\nStill serving. Ctrl-C ends it.")
            wait_for_the_end()


def _compare(client: Client, console: Console) -> Experiment:
    experiment = client.post(EXPERIMENT)
    console.print(
        "1,797 handwritten digits, two hidden layers of 100 nodes,"
        f" SGD at {', '.join(f'{rate:g}' for rate in RATES)}.\n"
        f"POST /experiments: {experiment.id} is {experiment.state}. Trainers need a few seconds to"
        " load TensorFlow.\n",
        highlight=False,
        soft_wrap=True,
    )
    with TrialLines(console) as lines:
        for trials in client.follow(experiment.id):
            lines.update(trials)
    experiment = client.experiment(experiment.id)
    console.print()
    console.print(table(client.comparison(experiment.id)))
    if experiment.conclusion is None:
        raise DemoFailed(f"the experiment ended as {experiment.state}, without a conclusion")
    for sentence in experiment.conclusion.summary:
        console.print(sentence, highlight=False)
    return experiment


def _tell_more(console: Console, url: str, experiment: Experiment) -> None:
    here = f"{url}/experiments/{experiment.id}"
    console.print(
        f"\nThe API is at {url}, its documentation at {url}/docs. Try next:\n"
        f"  curl {here}/comparison\n"
        f"  curl -OJ {here}/network",
        highlight=False,
        soft_wrap=True,
    )


@contextmanager
def _shown_on_failure(log: Path, console: Console) -> Iterator[None]:
    """Show the end of the log when the service did not come up; its folder is about to go."""
    try:
        yield
    except NotReady:
        end = log.read_text().splitlines()[-LOG_LINES:]
        console.print("\n".join(end), highlight=False, markup=False, soft_wrap=True)
        raise


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="epochd-demo-") as temporary:
        yield Path(temporary)
