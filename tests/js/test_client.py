"""The JavaScript client: its own tests under Node's runner, its types under the compiler, and against a real server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.support.binaries import node
from tests.support.fixtures import StartServer
from tests.support.server import environment

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "clients" / "js"
COMPILER = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--types", ""]


def run(*command: str, **variables: str) -> None:
    """With this folder's packages; its output when it fails."""
    done = subprocess.run(
        [str(node()), *command], capture_output=True, text=True, timeout=90, check=False, cwd=HERE,
        env=environment(variables),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_javascript_client_passes_its_tests() -> None:
    run("--test", *(str(file) for file in sorted((CLIENT / "test").glob("*.test.js"))))


def test_the_javascript_client_works_with_a_real_server(start_server: StartServer) -> None:
    server = start_server(ACCESS_TOKEN_MS="3000", RATE_LIMIT_MAX_REQUESTS="0")
    run("--test", "--test-timeout=60000", str(HERE / "live.test.mjs"), GREENROOM_URL=server.url)


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
