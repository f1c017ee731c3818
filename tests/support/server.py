"""Greenroom itself as a real process: `gunicorn -c gunicorn.conf.py wsgi:app` on a free port.

It runs in a directory of its own with an environment of its own: no developer's `.env` nor exported setting reaches it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.support.processes import Process, ServiceError

ROOT = Path(__file__).parents[2]
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONWARNINGS", "LD_LIBRARY_PATH")
TEST_SECRET = "only-for-tests-0123456789abcdefghijklmnopqrstuvwxyz"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What a child of the tests sees: the way to programs, coverage's own variables, and these settings."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("COVERAGE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "JWT_SECRET": TEST_SECRET, **settings}


def flask(*command: str, settings: Mapping[str, str], directory: Path) -> str:
    """Run a `flask` command of the app; its output.

    Raises:
        ServiceError: it failed; with its output.
    """
    program = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), *command]
    done = subprocess.run(
        program, env=environment(settings), cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServiceError(f"flask {' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Server(Process):
    """One worker behind one port. Without settings everything is embedded, in `directory`.

    `stop` is an operator's SIGTERM (drain; 0 is success), `kill` a crash: arbiter and worker at once.
    """

    name = "greenroom"
    stop_timeout_s = 30.0

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        app: str = "wsgi:app",
        ready: str = "/healthz",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.app = app
        self.ready = ready
        self.settings: dict[str, str] = {
            "HOST": self.host.address,
            "PORT": str(self.port),
            "DATA_DIR": str(self.directory / "var"),
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host.address}:{self.port}"

    def command(self) -> list[str]:
        where = ["--chdir", str(self.directory), "--pythonpath", str(ROOT)]
        return [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), *where, self.app]

    def environment(self) -> Mapping[str, str]:
        return environment(self.settings)

    def migrate(self) -> None:
        """Bring its database to the newest schema."""
        flask("db", "upgrade", settings=self.settings, directory=self.directory)

    def is_ready(self) -> bool:
        with suppress(OSError, HTTPException), urlopen(f"{self.url}{self.ready}", timeout=2):
            return True
        return False

    def kill_worker(self) -> None:
        """SIGKILL the worker alone; its arbiter starts another on the same port."""
        for child in self.children():
            child.send_signal(signal.SIGKILL)
