"""One version for the server, its package and the clients that come with it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from app.core.version import VERSION

ROOT = Path(__file__).parents[2]


def test_the_server_and_its_clients_have_one_version() -> None:
    for project in (ROOT, ROOT / "clients" / "python"):
        assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"] == VERSION
    assert json.loads((ROOT / "clients" / "js" / "package.json").read_text())["version"] == VERSION
