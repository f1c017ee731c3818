"""docs/operations.md: what `make operations` executes is there, and in the order in which it works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.settings import Settings
from tools import operations_check

PAGE = operations_check.PAGE.read_text()
STEPS = operations_check.steps(PAGE)
CODE = "\n".join(code for _, code in STEPS)


def test_the_page_has_every_step_from_packages_to_restoring() -> None:
    places = [
        CODE.index(command)
        for command in (
            "apt-get install",
            "useradd",
            "git clone",
            "pip install --require-hashes",
            "createdb",
            "/etc/greenroom/env",
            "systemctl enable --now greenroom.target",
            "nginx -t",
            "create-user",
            "pg_dump",
            "pg_restore",
            "new-epochs",
            "rolling-restart.sh",
        )
    ]
    assert places == sorted(places)


def test_every_step_is_sound_shell() -> None:
    for title, code in STEPS:
        done = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{title}: {done.stderr}"


def test_what_it_copies_and_calls_is_in_the_repository() -> None:
    for name in ("env.example", "requirements.txt", "deploy/systemd", "deploy/flask.sh", "deploy/rolling-restart.sh"):
        assert name in CODE
        assert (operations_check.ROOT / name).exists()


def test_its_settings_start_a_worker_in_production() -> None:
    written = CODE.split("<<END\n")[1].split("\nEND")[0].replace("$(openssl rand -hex 32)", "0123456789abcdef" * 4)
    env = dict(line.split("=", 1) for line in written.splitlines())
    settings = Settings.from_env({**env, "APP_ENV": "production"}, dotenv=None)
    assert settings.sqlalchemy_url == "postgresql+psycopg://greenroom@/greenroom?host=%2Fvar%2Frun%2Fpostgresql"


def test_what_stands_in_for_systemctl_needs_nothing_but_python() -> None:
    command = [sys.executable, "-I", Path(operations_check.ROOT, "tools", "stand_in_systemctl.py"), "daemon-reload"]
    assert subprocess.run(command, check=False).returncode == 0
