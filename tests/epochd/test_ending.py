"""A process of ours ends in order on every signal that asks for it, and only on those."""

import signal
import subprocess
import sys

import pytest

SCRIPT = """
import signal, sys
if "--hang-up" in sys.argv:  # whatever started these tests may have told them to ignore it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
from epochd.ending import end_on_signals, wait_for_the_end
end_on_signals()
try:
    print("waiting", flush=True)  # inside: the signal may come as soon as this is read
    wait_for_the_end()
except KeyboardInterrupt:
    print("in order", flush=True)
"""


def waiting(*launcher: str) -> subprocess.Popen[str]:
    own = [] if launcher else ["--hang-up"]
    process = subprocess.Popen(
        [*launcher, sys.executable, "-c", SCRIPT, *own],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with waiting() as process:
        process.send_signal(number)
        assert process.communicate(timeout=10)[0] == "in order\n"
        assert process.returncode == 0


def test_nohup_keeps_it_when_the_terminal_goes() -> None:
    with waiting("nohup") as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()
        assert process.communicate(timeout=10)[0] == "in order\n"
