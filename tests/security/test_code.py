"""What the code never does, so that no input can make it: fetch an address, unpickle, run a program, build SQL from text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
FILES = sorted(APP.rglob("*.py"))
CLIENTS = {"requests", "httpx", "aiohttp", "urllib3", "http", "urllib.request", "ftplib", "smtplib"}
DANGEROUS = {"pickle", "marshal", "shelve", "subprocess", "yaml", "xml", "ctypes"}
CALLS = {"eval", "exec", "compile", "__import__", "system", "popen"}
#: HTML that is put into a page as it is: rendered by our own templates, which escape, or drawn by segno.
RAW_HTML = {
    "dashboard/static/js/parts.js": 1,
    "dashboard/static/js/run.js": 1,
    "dashboard/templates/_share.html": 2,
}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.AST]:
    return {file: ast.parse(file.read_text("utf-8")) for file in FILES}


def test_nothing_fetches_an_address(trees: dict[Path, ast.AST]) -> None:
    """No request forgery by the server: only a bucket, Redis and the database are spoken to, all named by settings."""
    found = {(file.name, name) for file, tree in trees.items() for name in imported(tree) if name in CLIENTS}
    assert {(file, name) for file, name in found if name != "http"} == set()  # `http` has the names of statuses


def test_nothing_unpickles_runs_programs_or_evaluates(trees: dict[Path, ast.AST]) -> None:
    for file, tree in trees.items():
        assert {name for name in imported(tree) if name.partition(".")[0] in DANGEROUS} == set(), file
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                is_regex = isinstance(node.func, ast.Attribute) and called == "compile"
                assert called not in CALLS or is_regex, (file, node.lineno, called)


def test_no_statement_is_put_together_from_text(trees: dict[Path, ast.AST]) -> None:
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text" and node.args:
                assert not isinstance(node.args[0], (ast.JoinedStr, ast.BinOp)), (file, node.lineno)


def test_raw_html_is_only_where_it_was_looked_at() -> None:
    raw = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\|\s*safe\b|autoescape false")
    places = [file for kind in ("*.js", "*.html") for file in APP.rglob(kind) if "vendor" not in file.parts]
    counts = {str(file.relative_to(APP)): len(raw.findall(file.read_text("utf-8"))) for file in places}
    assert {name: count for name, count in counts.items() if count} == RAW_HTML
