"""The JavaScript client: its own tests under Node's runner, its types under the compiler, and against a real server."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.binaries import node
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import environment
from tests.support.waiting import eventually

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLIENT = ROOT / "clients" / "js"
SNIPPET = re.compile(r"^```js\n(.*?)^```", re.DOTALL | re.MULTILINE)
HELLO = "Hello from my own app"
SERVER = "http://localhost:3000"
TOKEN = re.compile(r'"(?:McTHb4NJDJ21mqkzISMJvw|<share token>)"')
COMPILER = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--types", ""]


def run(*command: str, **variables: str) -> None:
    """With this folder's packages; its output when it fails."""
    done = subprocess.run(
        [str(node()), *command], capture_output=True, text=True, timeout=300, check=False, cwd=HERE,
        env=environment(variables),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_javascript_client_passes_its_tests() -> None:
    run("--test", *(str(file) for file in sorted((CLIENT / "test").glob("*.test.js"))))


def test_the_javascript_client_works_with_a_real_server(start_server: StartServer) -> None:
    server = start_server(ACCESS_TOKEN_MS="3000", RATE_LIMIT_MAX_REQUESTS="0")
    run("--test", "--test-timeout=180000", str(HERE / "live.test.mjs"), GREENROOM_URL=server.url)


def test_what_the_pages_print_runs_as_it_is_printed(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    host = Person(server.url)
    room = host.post("/api/rooms", name="Main hall")
    host.post(f"/api/rooms/{room['id']}/timers", title="Opening", duration=600_000)
    folder = tmp_path / "node_modules"
    folder.mkdir()
    (folder / "greenroom-client").symlink_to(CLIENT)
    (folder / "socket.io-client").symlink_to(HERE / "node_modules" / "socket.io-client")
    program = tmp_path / "app.mjs"
    pages = {CLIENT / "README.md": HELLO, ROOT / "README.md": "Opening 10:00.0", ROOT / "docs/clients.md": HELLO}
    for page, shown in pages.items():
        snippet = SNIPPET.findall(page.read_text())[0]
        assert (SERVER in snippet, len(TOKEN.findall(snippet))) == (True, 1)
        program.write_text(TOKEN.sub(json.dumps(room["shareToken"]), snippet.replace(SERVER, server.url)))
        with running(program) as output:
            assert any(shown in line for line in output)
            eventually(lambda: HELLO in said(host, room))


@contextmanager
def running(program: Path) -> Iterator[Iterator[str]]:
    """The lines that a program prints, which does not end by itself; it is ended after a while in any case."""
    with subprocess.Popen(
        [str(node()), str(program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        ending = threading.Timer(60, process.kill)
        ending.start()
        try:
            assert process.stdout
            yield iter(process.stdout)
        finally:
            ending.cancel()
            process.kill()


def said(host: Person, room: dict[str, Any]) -> list[str]:
    return [message["content"] for message in host.get(f"/api/rooms/{room['id']}/messages")["items"]]


def test_its_types_allow_what_apps_write_and_refuse_what_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    for part in ("src", "test"):
        (tmp_path / part).mkdir()
    (tmp_path / "src" / "index.d.ts").write_bytes((CLIENT / "src" / "index.d.ts").read_bytes())
    usage = tmp_path / "test" / "usage.ts"
    usage.write_bytes((CLIENT / "test" / "usage.ts").read_bytes())
    run(str(HERE / "node_modules" / "typescript" / "bin" / "tsc"), *COMPILER, str(usage))


def test_each_export_is_declared_and_each_declared_value_exported() -> None:
    exported = re.findall(r"export \{ (.+) \} from", (CLIENT / "src" / "index.js").read_text())
    names = {name for line in exported for name in line.split(", ")}
    declared = re.findall(
        r"^export (?:class|function) (\w+)", (CLIENT / "src" / "index.d.ts").read_text(), re.MULTILINE
    )
    assert names == set(declared)
