"""`epochd serve`: the embedded service, in the foreground until Ctrl-C or SIGTERM."""

import signal
import sys
import threading

from epochd.embedded.listening import listen
from epochd.embedded.output import Output
from epochd.embedded.service import running
from epochd.settings import Settings


def serve(settings: Settings) -> None:
    """Run the embedded service until it is asked to end.

    Raises:
        PortTaken: the port is not free.
        FolderTaken: another service works in the data folder.
        NotReady: a part did not come up.
    """
    end_on_signals()
    output = Output(sys.stderr)
    listener = listen(settings.host, settings.port)
    try:
        with running(settings, listener=listener, output=output) as url:
            output.write("epochd", f"ready: {url} (documentation: {url}/docs)")
            output.write("epochd", f"data in {settings.data_dir.absolute()}; Ctrl-C ends it")
            wait_for_the_end()
    except KeyboardInterrupt:
        output.write("epochd", "ended")


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does, in order."""
    # SIGINT too: a shell that starts us in the background has told us to ignore it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def wait_for_the_end() -> None:
    """Wait until a signal raises KeyboardInterrupt."""
    threading.Event().wait()
