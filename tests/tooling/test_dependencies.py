"""The lock files install the same everywhere, and every package has its reason written down."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
RUNS = ("app", "migrations", "wsgi.py", "gunicorn.conf.py")
CHECKS = ("bench", "clients/python", "examples", "tests", "tools")
OWN = {"app", "bench", "examples", "greenroom_client", "tests", "tools", "wsgi"}
#: Named, and imported by no line of ours: gunicorn needs it and does not say so.
FOR_OTHERS = {"packaging"}


def wanted(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {re.split(r"[\[=<>~!; ]", line)[0] for line in lines if line and line[0] not in "#-"}


def documented(section: str) -> set[str]:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    body = text.split(f"(`{section}`)")[1].split("\n## ")[0]
    return set(re.findall(r"^\| ([a-z0-9.-]+) \| \S", body, flags=re.MULTILINE)) - {"package"}


def imported(places: tuple[str, ...]) -> dict[str, str]:
    """The packages from outside that the code in `places` imports, and a file that does."""
    providers, found = packages_distributions(), {}
    for file in python_files(places):
        for module in modules_of(ast.parse(file.read_text())) - OWN - set(sys.stdlib_module_names):
            found[re.sub(r"[-_.]+", "-", providers[module][0]).lower()] = str(file.relative_to(ROOT))
    return found


def python_files(places: tuple[str, ...]) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        files = path.rglob("*.py") if path.is_dir() else [path]
        yield from (file for file in files if "node_modules" not in file.parts)


def modules_of(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def test_what_runs_imports_only_what_is_named() -> None:
    named = wanted("requirements.in")
    assert {package: file for package, file in imported(RUNS).items() if package not in named} == {}


def test_nothing_is_installed_on_servers_that_nothing_imports() -> None:
    assert wanted("requirements.in") - set(imported(RUNS)) == FOR_OTHERS


def test_what_tests_and_tools_import_is_named() -> None:
    named = wanted("requirements.in") | wanted("requirements-dev.in")
    assert {package: file for package, file in imported(CHECKS).items() if package not in named} == {}


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
