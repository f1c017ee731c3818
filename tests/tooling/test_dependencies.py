"""The lock files install the same everywhere, and every package has its reason written down."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")


def wanted(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {re.split(r"[\[=<>~!; ]", line)[0] for line in lines if line and line[0] not in "#-"}


def documented(section: str) -> set[str]:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    body = text.split(f"(`{section}`)")[1].split("\n## ")[0]
    return set(re.findall(r"^\| ([a-z0-9.-]+) \| \S", body, flags=re.MULTILINE)) - {"package"}


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_every_package_has_a_reason_and_every_reason_a_package(name: str) -> None:
    assert documented(name) == wanted(name)


def test_every_node_package_has_a_reason() -> None:
    manifest = json.loads((ROOT / "tests" / "js" / "package.json").read_text())
    assert documented("tests/js/package.json") == set(manifest["dependencies"])


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_exact_and_hashed(name: str) -> None:
    entries = re.findall(r"^([a-z].*?)(?=^[a-z]|\Z)", (ROOT / name).read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(entries) > 30
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", entry)
        assert "--hash=sha256:" in entry


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_an_index(name: str) -> None:
    assert not re.search(r"https?://|file:|index-url|find-links", (ROOT / name).read_text())


def test_the_node_lock_names_no_registry() -> None:
    packages = json.loads((ROOT / "tests" / "js" / "package-lock.json").read_text())["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry]


def test_what_runs_is_pinned_alike_in_both_locks() -> None:
    runtime, development = (
        dict(re.findall(r"^([a-z0-9._-]+)\S*?==(\S+)", (ROOT / n).read_text(), re.MULTILINE)) for n in LOCKS
    )
    assert runtime.items() <= development.items()
