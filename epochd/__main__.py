"""The command `epochd`: reads options and settings, and hands over to the part that was named."""

import gc
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from epochd.errors import CannotRun
from epochd.settings import Settings
from models.errors import EpochdError

app = typer.Typer(
    help="A REST training service for Keras networks with a job queue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on, 0 for any. [default: 8000]")]
DataDir = Annotated[Path | None, typer.Option(help="Where to keep data. [default: epochd-data]")]
Slots = Annotated[int | None, typer.Option(help="Trials at the same time. [default: one a core]")]


@app.command()
def serve(
    host: Host = None, port: Port = None, data_dir: DataDir = None, slots: Slots = None
) -> None:
    """Run everything on this machine: API, broker, database and workers, in one data folder."""
    from epochd.serve import serve as run

    run(Settings.read(host=host, port=port, data_dir=data_dir, slots=slots))


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,
    port: Port = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where to keep data. [default: a temporary folder]")
    ] = None,
    slots: Slots = None,
) -> None:
    """Start a service, compare three learning rates over HTTP, show what came of it."""
    from epochd.demo.run import demo as run

    run(Settings.read(port=port, slots=slots), once=once, keep=data_dir)


@app.command()
def api(
    host: Host = None,
    port: Port = None,
    descriptor: Annotated[
        int | None, typer.Option(hidden=True, help="An inherited listening socket.")
    ] = None,
) -> None:
    """Answer HTTP requests."""
    gc.disable()  # nothing that an import makes is garbage, and looking for it costs a tenth
    from epochd.api import serve_http

    gc.enable()
    gc.freeze()
    serve_http(Settings.read(host=host, port=port), descriptor=descriptor)


@app.command()
def worker(
    kind: Annotated[
        Literal["train", "control"],
        typer.Argument(help="train: trains networks. control: reads datasets, moves searches on."),
    ],
    *,
    slots: Slots = None,
    check: Annotated[
        bool, typer.Option("--check", help="Do not work; end with 1 unless one on this host does.")
    ] = False,
) -> None:
    """Take work from the queue."""
    settings = Settings.read(slots=slots)
    if not check:
        from epochd.worker import work

        work(kind, settings)

    from epochd.check_worker import is_alive

    if not is_alive(kind, settings):
        sys.exit(f"epochd: no {kind} worker of this host has given a sign of life lately")


@app.command()
def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; end with 1 if there is work to do.")
    ] = False,
) -> None:
    """Bring the database to the schema of this version."""
    from epochd import migrate as migrations

    settings = Settings.read()
    if not check:
        migrations.migrate(settings)
    elif not migrations.is_current(settings):
        sys.exit("epochd: the database is not at the schema of this version: epochd migrate")


def main() -> None:
    """Run the command; whatever a person can mend is one line, not a traceback."""
    try:
        app()
    except CannotRun as error:
        print(f"epochd: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except EpochdError as error:
        sys.exit(f"epochd: {error}")


if __name__ == "__main__":
    main()
