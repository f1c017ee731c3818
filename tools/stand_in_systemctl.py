#!/usr/bin/env python3
"""What of `systemctl` the commands of docs/operations.md use, for a root without systemd: see tools/operations_check.py.

It starts units by their own `ExecStart`, as their `User`, with their environment and limit of files, waits for `READY=1`
where the unit says `Type=notify`, and fails where a unit does not end with status 0 when it is told to.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/etc/systemd/system")
STATE = Path("/run/stand-in")
READY_S = 90
#: Debian's own units, by what their packages' tools do.
PACKAGED = {
    "postgresql": {"start": "pg_ctlcluster 15 main start", "stop": "pg_ctlcluster 15 main stop"},
    "redis-server": {
        "start": "runuser -u redis -- redis-server /etc/redis/redis.conf --daemonize yes",
        "stop": "redis-cli shutdown",
    },
    "nginx": {"start": "nginx", "stop": "nginx -s quit", "reload": "nginx -s reload"},
}


class Unit:
    """A unit of ours: `greenroom@1`, `greenroom-migrate`, `greenroom.target`."""

    def __init__(self, name: str) -> None:
        self.name = name.removesuffix(".service")
        stem, _, instance = self.name.partition("@")
        template = f"{stem}@" if instance else self.name
        self.file = UNITS / (template if template.endswith(".target") else f"{template}.service")
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(self.file.read_text().replace("%i", instance))
        self.options = {key: value for part in parser.sections() for key, value in parser[part].items()}
        self.pid_file = STATE / f"{self.name}.pid"

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        try:
            pid = int(self.pid_file.read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid

    def environment(self) -> dict[str, str]:
        """`Environment` and, above it, `EnvironmentFile`."""
        pairs = shlex.split(self.options.get("Environment", ""))
        if path := self.options.get("EnvironmentFile"):
            lines = Path(path).read_text().splitlines()
            pairs += [line for line in lines if line.strip() and not line.lstrip().startswith(("#", ";"))]
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **dict(pair.split("=", 1) for pair in pairs)}

    def start(self) -> None:
        """Start it; a unit that is wanted comes first."""
        for wanted in self.options.get("Wants", "").split():
            if (UNITS / re.sub(r"@\w+", "@", wanted)).exists():
                Unit(wanted).start()
        if self.file.suffix == ".target" or self.pid or self._is_done():
            return
        print(f"starting {self.name}", flush=True)
        if self.options.get("Type") == "oneshot":
            self._start_once()
        else:
            self._start_notifying()

    def stop(self) -> None:
        """SIGTERM, and status 0 in time; a target stops what is part of it."""
        if self.file.suffix == ".target":
            for pid_file in sorted(STATE.glob("greenroom@*.pid")):
                Unit(pid_file.stem).stop()
        (STATE / f"{self.name}.done").unlink(missing_ok=True)
        if (pid := self.pid) is None:
            return
        os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + int(self.options.get("TimeoutStopSec", 90))
        while self.pid:
            if time.monotonic() > ends:
                sys.exit(f"{self.name} did not stop in time")
            time.sleep(0.1)
        status = (STATE / f"{self.name}.status").read_text().strip()
        if status != "0":
            sys.exit(f"{self.name} ended with status {status}")

    def _is_done(self) -> bool:
        return (STATE / f"{self.name}.done").exists()

    def _run(self, more: dict[str, str]) -> subprocess.Popen[bytes]:
        """Its command under a shell that stays, and notes the status for `stop`."""
        if folder := self.options.get("StateDirectory"):
            path = Path("/var/lib", folder)
            path.mkdir(exist_ok=True)
            shutil.chown(path, self.options["User"], self.options["User"])
        user = f"setpriv --reuid={self.options['User']} --regid={self.options['User']} --clear-groups"
        notes = (
            f"echo $! > {self.pid_file}; wait $!; status=$?; echo $status > {STATE}/{self.name}.status; exit $status"
        )
        limit = f"ulimit -n {self.options.get('LimitNOFILE', 1024)}"
        log = (STATE / f"{self.name}.log").open("ab")
        return subprocess.Popen(
            ["sh", "-c", f"{limit}; {user} {self.options['ExecStart']} & {notes}"],
            cwd=self.options["WorkingDirectory"],
            env={**self.environment(), **more},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _start_once(self) -> None:
        if self._run({}).wait():
            sys.exit(f"{self.name} failed:\n{(STATE / f'{self.name}.log').read_text()}")
        (STATE / f"{self.name}.done").touch()

    def _start_notifying(self) -> None:
        path = str(STATE / f"{self.name}.sock")
        Path(path).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            notices.bind(path)
            Path(path).chmod(0o666)
            notices.settimeout(READY_S)
            process = self._run({"NOTIFY_SOCKET": path})
            try:
                while b"READY=1" not in notices.recv(4096):
                    pass
            except TimeoutError:
                process.kill()
                sys.exit(f"{self.name} never said READY=1:\n{(STATE / f'{self.name}.log').read_text()}")


def main(command: str, names: list[str]) -> None:
    """Do `command` to each of `names`."""
    STATE.mkdir(exist_ok=True)
    STATE.chmod(0o755)
    for name in names:
        if name in PACKAGED:
            steps = ["stop", "start"] if command == "restart" else [command]
            for step in steps:
                subprocess.run(shlex.split(PACKAGED[name][step]), check=step != "stop")  # it may not run yet
            continue
        unit = Unit(name)
        if command in ("stop", "restart"):
            unit.stop()
        if command in ("start", "restart"):
            unit.start()


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    names = [argument for argument in rest if not argument.startswith("-")]
    if verb == "daemon-reload":
        sys.exit(0)
    if verb == "enable":
        verb, names = "start", names if "--now" in rest else []
    if verb not in ("start", "stop", "restart", "reload"):
        sys.exit(f"the stand-in for systemctl cannot {verb}")
    main(verb, names)
