"""`epochd serve`: the embedded service, in the foreground until Ctrl-C or SIGTERM."""

import sys

from epochd.embedded.listening import listen
from epochd.embedded.output import Output
from epochd.embedded.service import running
from epochd.ending import end_on_signals, wait_for_the_end
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
