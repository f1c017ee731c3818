"""Runs gunicorn.conf.py with the conformance app as a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
START_S = 90  # on a machine where everybody runs tests


def free_port() -> int:
    """A TCP port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Gunicorn:
    """A running server; `url` is where, `kill` ends it."""

    def __init__(self, profile: str, settings: dict[str, object], app: str = "tests.conformance.app:app") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]
        command += ["-b", f"127.0.0.1:{self.port}", "--log-level", "warning", app]
        environment = {
            **os.environ,
            "CONFORMANCE_PROFILE": profile,
            "CONFORMANCE_SETTINGS": json.dumps({"drain_notice_ms": 20, **settings}),
        }
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"gunicorn ended with {self.process.returncode}")
            try:
                with urlopen(f"{self.url}/readyz", timeout=2):
                    return
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f"gunicorn did not start within {START_S} s")

    def stats(self) -> dict[str, Any]:
        """The engine's counters, read over HTTP."""
        with urlopen(f"{self.url}/stats", timeout=5) as answer:
            counters: dict[str, Any] = json.load(answer)
        return counters

    def kill(self) -> None:
        """End it as an operator would; nothing happens when it has ended."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def run_briefly(*options: str) -> tuple[int, str]:
    """Start gunicorn with options that it should refuse; its exit status and what it said."""
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(
        [*command, *options, "tests.conformance.app:app"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
