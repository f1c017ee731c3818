"""schemathesis against the whole API as two people, with all its checks: every finding is a fault of product or document.

`make test` tries what the document allows and forbids, one by one; `make fuzz` adds steps and chance, on each database.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.fuzz.scene import METRICS_TOKEN, Scene
from tests.support.fixtures import StartServer
from tests.support.server import ROOT, Server

UNLIMITED = {"RATE_LIMIT_MAX_REQUESTS": "0", "WIDE_RATE_LIMIT_MAX_REQUESTS": "0", "METRICS_TOKEN": METRICS_TOKEN}
SHORT = ("--seed", "1", "--generation-deterministic")
LONG = ("--phases", "coverage,stateful,fuzzing", "--max-examples", "60")
#: Nothing that schemathesis makes up is the file of a ticket, or a vote that was given before.
NOT_REACHED = {"PUT /api/uploads/{token}", "DELETE /api/messages/{message_id}/vote"}


def fuzz(server: Server, directory: Path, *options: str) -> dict[str, set[int]]:
    """Let schemathesis loose; the statuses of each operation's answers.

    Raises:
        AssertionError: it found something; with its report.
    """
    scene = Scene(server.url)
    config, log = scene.write(directory), directory / "answers.tsv"
    run = ("run", f"{server.url}/api/openapi.json", "--checks", "all", "--continue-on-failure", "--no-color", *options)
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), *run],
        env={**os.environ, **scene.environment(log), "PYTHONPATH": str(ROOT)},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    statuses: dict[str, set[int]] = {}
    for line in log.read_text().splitlines():
        label, _, status = line.partition("\t")
        statuses.setdefault(label, set()).add(int(status))
    return statuses


def test_schemathesis_finds_nothing_in_any_operation(start_server: StartServer, tmp_path: Path) -> None:
    statuses = fuzz(start_server(UNLIMITED), tmp_path, *SHORT, "--phases", "coverage")
    unreached = {label for label, seen in statuses.items() if not any(status < 400 for status in seen)}
    assert unreached <= NOT_REACHED, "an operation that never succeeds is not tested"


@pytest.mark.long
def test_schemathesis_finds_nothing_step_by_step_on_postgresql(
    start_server: StartServer, clean_postgres_url: str, tmp_path: Path
) -> None:
    server = start_server(UNLIMITED, DATABASE_URL=clean_postgres_url)
    fuzz(server, tmp_path, *SHORT, "--phases", "stateful,fuzzing", "--max-examples", "3")


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_schemathesis_finds_nothing_for_long(
    start_server: StartServer, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = {"DATABASE_URL": request.getfixturevalue("clean_postgres_url")} if kind == "postgres" else {}
    fuzz(start_server({**UNLIMITED, **database}), tmp_path, *LONG)
