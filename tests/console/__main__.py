"""The browser tests, as a user begins: `up` on an empty data folder, its key and its address.

    python -m tests.console [arguments of vitest...]

Needs the release build, the built console, the models and Debian's Chromium. Ends with the line
`console: N passed, N failed`; what goes wrong around the tests counts as a failure.
"""

from __future__ import annotations

import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time

from tests.pipeline.program import Narralytica

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_S = 60
STOP_S = 60
TESTS_S = 900
KEY = re.compile(r"^ +(nrl_\S+)$", re.MULTILINE)
ADDRESS = re.compile(r"narralytica serves (http://\S+);")
OURS = ("NARRALYTICA_KEY", "NARRALYTICA_URL", "NARRALYTICA_SCREENSHOTS")
# Every page asks for much at once; what the limits do is tested in tests/contract.
LIMITS = ("read", "write", "expensive", "sign_in", "address", "tenant")
SETTINGS = ["serve.port=0", "serve.metrics_port=0"] + [
    f"limits.{name}_per_minute=1000000" for name in LIMITS
]


class Up:
    """`up` on that data folder; what it says is kept."""

    def __init__(self, folder: pathlib.Path) -> None:
        settings = [f"--set={setting}" for setting in SETTINGS]
        # To the program, NARRALYTICA_… are settings.
        own = {name: value for name, value in os.environ.items() if name not in OURS}
        self.process = subprocess.Popen(
            Narralytica(folder).command("up", *settings),
            stderr=subprocess.PIPE,
            text=True,
            env=own,
        )
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.said = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.put(line)
        self.lines.put("")

    def wait_for(self, pattern: re.Pattern[str]) -> str:
        """The pattern's group in what it says, within START_S."""
        deadline = time.monotonic() + START_S
        while not (found := pattern.search(self.said)):
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = ""
            if not line:
                raise RuntimeError(f"up did not say {pattern.pattern}:\n{self.said}")
            self.said += line
        return found.group(1)

    def stop(self) -> int:
        """Asks it to end, as Ctrl-C does, and returns its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_S)


def main() -> int:
    """Starts the program, runs the tests, stops the program."""
    with tempfile.TemporaryDirectory(prefix="narralytica-") as folder:
        up = Up(pathlib.Path(folder) / "data")
        try:
            environment = os.environ | {
                "NARRALYTICA_KEY": up.wait_for(KEY),
                "NARRALYTICA_URL": up.wait_for(ADDRESS),
            }
            command = ["npm", "--prefix", "console", "run", "--silent", "test:browser", "--"]
            code = subprocess.run(
                [*command, *sys.argv[1:]], cwd=ROOT, env=environment, timeout=TESTS_S, check=False
            ).returncode
        finally:
            stopped = up.stop()
        if stopped != 0:
            print(f"tests.console: up ended with code {stopped}")
        return code or stopped


if __name__ == "__main__":
    sys.exit(main())
