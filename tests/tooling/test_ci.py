"""`.ci/run` on a machine where apt-get and make are ours: what it installs, and what it calls in the end."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN_TOOLS = ("bash", "sh", "dirname", "env")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout that only has the CI script, and a PATH of plain tools where `apt-get` reports what it is asked for."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "test.sh").write_text('echo "plain script, CI=$CI"')
    (tmp_path / "bin").mkdir()
    for tool in PLAIN_TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    install(tmp_path, "apt-get", 'echo "apt-get $@" >&2')
    install(tmp_path, "id", "echo 0")
    return tmp_path


def install(machine: Path, name: str, script: str) -> None:
    program = machine / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def start(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / ".ci" / "run"],
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_installs_what_is_missing_as_root(machine: Path) -> None:
    done = start(machine)
    assert done.returncode == 0
    assert "apt-get update" in done.stderr
    for package in ("nodejs", "npm", "chromium", "python3-venv"):
        assert package in done.stderr.split("apt-get install")[1]


def test_somebody_else_asks_for_roots_rights(machine: Path) -> None:
    install(machine, "id", "echo 1000")
    install(machine, "sudo", 'echo "sudo $@" >&2')
    assert "sudo apt-get install" in start(machine).stderr


def test_it_installs_nothing_where_all_is_there(machine: Path) -> None:
    for program in ("node", "npm", "chromium", "python3"):
        install(machine, program, "exit 0")
    assert "apt-get" not in start(machine).stderr


def test_it_ends_in_the_command_of_the_readme(machine: Path) -> None:
    install(machine, "make", 'echo "make $@, CI=$CI"')
    assert start(machine).stdout.splitlines()[-1] == "make test, CI=true"


def test_without_make_it_calls_the_script_that_make_names(machine: Path) -> None:
    assert start(machine).stdout.splitlines()[-1] == "plain script, CI=true"


def test_a_failing_test_run_fails_it(machine: Path) -> None:
    install(machine, "make", "exit 2")
    assert start(machine).returncode == 2
