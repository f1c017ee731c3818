"""The disk under an embedded server is full while people talk: sends are refused as temporary, until there is room again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import gevent
import pytest

from tests.faults.report import Outcome
from tests.faults.scene import SETTINGS, Scene
from tests.support.fixtures import StartServer
from tests.support.processes import ServiceError

SIZE = "size=12m"
FULL_S = 3.0


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A file system of a few megabytes at `path`.

    Raises:
        ServiceError: this machine does not let us mount one.
    """
    path.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", SIZE, "greenroom", path], capture_output=True, check=False)
    if mount.returncode:
        raise ServiceError("A disk that can be filled has to be mounted, which only root may do.")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a byte is left on it inside the block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    ballast.unlink()


@pytest.mark.long
@pytest.mark.fault("The disk under SQLite is full for 3 s")
def test_a_full_disk_loses_nothing(start_server: StartServer, tmp_path: Path, outcome: Outcome, rounds: range) -> None:
    with small_disk(tmp_path / "disk") as disk:
        server = start_server(SETTINGS, DATA_DIR=str(disk / "var"))
        with Scene([server.url], guests=6, viewers=2, outcome=outcome) as scene:
            for _ in rounds:
                with scene.busy(), full(disk):
                    gevent.sleep(FULL_S)
            assert scene.refused_sends
            scene.check()
        server.stop()
