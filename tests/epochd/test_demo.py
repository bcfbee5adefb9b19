"""`epochd demo --once` answers its question on real data, with the port of its choice taken."""

import re
import subprocess
import sys

from epochd.embedded.listening import listen


def test_the_demo_finds_the_learning_rate_and_says_how_to_go_on() -> None:
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-m", "epochd", "demo", "--once", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"Port {port} is taken, so this takes " in ran.stdout
    assert re.search(r"learning_rate 0\.01 +.* winner", ran.stdout)
    # One line a trial and epoch where there is no terminal; all three are followed to their end.
    for rate in ("1e-07", r"0\.01", "1"):
        followed = rf"learning_rate {rate} +epoch +\d+ loss +\S+ +val_loss +\S+ +(completed|early)"
        assert re.search(followed, ran.stdout), ran.stdout
    assert "/docs" in ran.stdout
    assert re.search(r"curl http://127\.0\.0\.1:\d+/experiments/exp_\w+/comparison", ran.stdout)
