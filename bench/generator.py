"""The load generator of bench/load (C), compiled for the run, driven over its standard input."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

from bench.machine import LOAD_CORE, pinned

SOURCES = Path(__file__).parent / "load"
ADDRESSES = 10


@cache
def program() -> str:
    """The compiled generator's path.

    Raises:
        SystemExit: there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SystemExit("make bench needs a C compiler (cc) for its load generator: install gcc or clang.")
    path = Path(tempfile.mkdtemp(prefix="greenroom-bench-")) / "load"
    sources = [str(source) for source in sorted(SOURCES.glob("*.c"))]
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(path), *sources], check=True)
    return str(path)


class Generator:
    """Clients of one server: `people` are (token or `-`, room id); each comes from one of `ADDRESSES` loopback addresses."""

    def __init__(self, port: int, server_pid: int, people: Sequence[tuple[str, str]]) -> None:
        path = Path(program()).with_name("people")
        lines = (f"127.0.1.{1 + n % ADDRESSES} {token} {room}\n" for n, (token, room) in enumerate(people))
        path.write_text("".join(lines))
        command = pinned(LOAD_CORE, [program(), str(port), str(server_pid), str(path)])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def do(self, command: str) -> dict[str, Any]:
        """Run one command of bench/load/scenario.c; what it measured.

        Raises:
            RuntimeError: the generator ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended during {command!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer
