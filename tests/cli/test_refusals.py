"""What an operator is told who gives a command something wrong: one line, and nothing has happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.auth import service as auth
from app.backends.transaction import reading
from tests.cli.conftest import Run
from tests.support.processes import ServiceError
from tests.support.server import ROOT, TEST_SECRET, environment, flask

WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "a name with a space": (("create-user", "a b", "--generate"), "username: Letters, digits"),
    "no address": (("create-user", "bob", "--email", "nope", "--generate"), "email: Not a valid email address."),
    "a name of two lines": (("create-user", "bob", "--name", "a\nb", "--generate"), "name: "),
    "taken": (("create-user", "ada", "--generate"), "That name is taken. username: Somebody else has this name."),
    "nobody to promote": (("promote", "nobody"), "There is no account nobody."),
    "nobody to export": (("export-person", "nobody"), "There is no account nobody."),
    "a file in no folder": (("export-person", "ada", "--output", "/nonexistent/x"), "No such file or directory"),
    "nobody to delete": (("delete-person", "nobody", "--yes"), "There is no account nobody."),
    "no heir": (("delete-person", "ada", "--rooms-to", "nobody", "--yes"), "There is no account nobody."),
    "oneself as heir": (("delete-person", "ada", "--rooms-to", "ada", "--yes"), "somebody else"),
    "a short password": (("seed", "--password", "short"), "at least 10 characters"),
    "a backup in no folder": (("backup", "/nonexistent/x.tar"), "No such file or directory: /nonexistent/x.tar\n"),
    "no backup": (("restore", "/nonexistent.tar", "--yes"), "does not exist"),
    "no archive": (("restore", __file__, "--yes"), "is broken, or no archive"),
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_line_and_changes_nothing(run: Run, what: str) -> None:
    run("create-user", "ada", "--generate")
    command, why = WRONG[what]
    output = run(*command, code=2 if what == "no backup" else 1).output
    assert why in output
    assert len([line for line in output.splitlines() if line.startswith("Error: ")]) == 1
    assert "Traceback" not in output
    with reading() as session:
        assert auth.find_user(session, username="ada")
        assert not auth.find_user(session, username="bob")


@pytest.mark.parametrize(
    "command", [("check",), ("prune",), ("seed",), ("create-user", "ada", "--generate"), ("backup", "x.tar")]
)
def test_a_database_that_is_not_there_yet_is_told_with_what_to_do(tmp_path: Path, command: tuple[str, ...]) -> None:
    with pytest.raises(ServiceError) as failure:
        flask(*command, settings={"DATA_DIR": str(tmp_path / "var"), "JWT_SECRET": TEST_SECRET}, directory=tmp_path)
    said = str(failure.value)
    assert "Traceback" not in said
    assert (
        "There is no database at" in said
        if command[0] == "backup"
        else "flask --app wsgi db upgrade" in said or "Not everything" in said
    )


def test_an_export_whose_reader_has_enough_ends_as_unix_programs_do(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path / "var"), "JWT_SECRET": TEST_SECRET}
    flask("db", "upgrade", settings=settings, directory=tmp_path)
    flask("create-user", "ada", "--generate", settings=settings, directory=tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), "export-person", "ada"],
        env=environment(settings),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as export:
        assert export.stdout
        assert export.stderr
        export.stdout.close()
        assert export.stderr.read() == b""
        assert export.wait() == -signal.SIGPIPE
