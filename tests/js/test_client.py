"""The JavaScript client's own tests, under Node's test runner."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.binaries import node

CLIENT = Path(__file__).parents[2] / "clients" / "js"


def test_the_javascript_client_passes_its_tests() -> None:
    files = [str(file) for file in sorted((CLIENT / "test").glob("*.test.js"))]
    done = subprocess.run([str(node()), "--test", *files], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
