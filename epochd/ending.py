"""How a process of ours is asked to end, and waits until it is."""

import signal
import threading


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does: KeyboardInterrupt, all in order."""
    # SIGINT too: a shell that starts us in the background has told us to ignore it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else nohup wants us to stay
        signal.signal(signal.SIGHUP, signal.default_int_handler)


def wait_for_the_end() -> None:
    """Wait until a signal raises KeyboardInterrupt."""
    threading.Event().wait()
