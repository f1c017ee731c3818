"""The scripts, as a stranger meets them: on a machine that lacks something, or where something is in the way."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import free_port
from tools import ports

ROOT = Path(__file__).parents[2]
PLAIN_TOOLS = ("sh", "dirname", "grep", "cmp", "cp", "awk", "env")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout with nothing but the scripts, on a machine with nothing but plain tools: `machine/bin` is its PATH."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "bin").mkdir()
    for tool in PLAIN_TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def install(machine: Path, name: str, script: str) -> None:
    program = machine / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def start(machine: Path, name: str = "run") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(machine / "bin"), "HOME": str(machine)}
    return subprocess.run(
        ["sh", str(machine / "scripts" / f"{name}.sh")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_python_it_says_which_one_is_needed(machine: Path) -> None:
    done = start(machine)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr


def test_an_old_python3_is_passed_over_for_a_newer_one(machine: Path) -> None:
    install(machine, "python3", "exit 1")
    install(
        machine,
        "python3.12",
        'case "$*" in *version_info*) exit 0;; -V) echo "Python 3.12";; *) echo made "$@"; exit 1;; esac',
    )
    assert "python3.12 cannot make environments" in start(machine).stderr


def test_without_the_venv_package_it_says_what_to_install(machine: Path) -> None:
    install(machine, "python3", 'case "$*" in *ensurepip*) exit 1;; esac')
    done = start(machine)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr


def test_the_tests_ask_for_node_where_there_is_none(machine: Path) -> None:
    (machine / "requirements-dev.txt").write_text("")
    (machine / ".venv" / "bin").mkdir(parents=True)
    (machine / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (machine / ".venv" / ".installed-requirements-dev.txt").write_text("")
    assert "needs Node.js 20 or newer" in start(machine, "test").stderr


def test_the_tests_refuse_a_node_that_is_too_old_and_say_which_it_is(machine: Path) -> None:
    (machine / "requirements-dev.txt").write_text("")
    (machine / ".venv" / "bin").mkdir(parents=True)
    (machine / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (machine / ".venv" / ".installed-requirements-dev.txt").write_text("")
    install(machine, "npm", "exit 0")
    install(machine, "node", 'case "$1" in --version) echo v18.20.4;; *) exit 1;; esac')
    done = start(machine, "test")
    assert done.returncode == 1
    assert "needs Node.js 20 or newer; this is v18.20.4" in done.stderr


def test_an_environment_in_step_with_its_lock_is_left_alone(machine: Path) -> None:
    (machine / ".venv" / "bin").mkdir(parents=True)
    (machine / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (machine / ".venv" / ".installed-requirements.txt").write_text("")
    done = start(machine)
    assert "Installing" not in done.stdout
    assert "No module named" in done.stderr  # it went straight to the program, which this checkout lacks


def test_a_taken_port_is_named_together_with_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as refusal:
            ports.refuse_taken_port("127.0.0.1", port)
    line = str(refusal.value)
    suggested = re.search(r"PORT=(\d+) make run", line)
    assert line.startswith(f"Port {port} is taken.")
    assert suggested
    assert ports.is_free("127.0.0.1", int(suggested[1]))


def test_a_free_port_is_no_reason_to_refuse() -> None:
    ports.refuse_taken_port("127.0.0.1", free_port())


def test_make_help_describes_every_script() -> None:
    described = set(re.findall(r"^([a-z]+)(?:-[a-z]+)?:.*## \S", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.sh")}
    assert described - {"help"} == scripts - {"lib"}


def test_a_package_that_cannot_be_installed_stops_the_script_and_is_tried_again(machine: Path) -> None:
    lock = machine / "requirements.txt"
    lock.write_text("flask==3.1.3 --hash=sha256:" + "0" * 64)
    (machine / ".venv" / "bin").mkdir(parents=True)
    install(
        machine, "../.venv/bin/python", 'case "$*" in *"pip install"*) echo "Collecting flask==3.1.3"; exit 1;; esac'
    )
    for _ in range(2):
        done = start(machine)
        assert done.returncode == 1
        assert "[1/1] flask==3.1.3" in done.stdout
        assert "could not be installed" in done.stderr
