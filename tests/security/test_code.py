"""What the code never does, so that no input can make it: fetch an address, unpickle, run a program, build SQL from text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
FILES = sorted(APP.rglob("*.py"))
CLIENTS = {"requests", "httpx", "aiohttp", "urllib3", "pycurl", "http.client", "urllib.request", "ftplib", "smtplib"}
DANGEROUS = {"pickle", "marshal", "shelve", "dill", "subprocess", "pty", "yaml", "xml", "lxml", "ctypes"}
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "import_module",
    "system",
    "popen",
    "posix_spawn",
    "execv",
    "execve",
    "execvp",
}
#: The one place that starts a program: the decoder of pictures, which is our own, by a fixed command.
STARTS = {"pictures.py"}
#: What makes a template of a text.
CALLS |= {"render_template_string", "from_string", "Template"}
#: What takes a statement as text; `text` of a constant is how SQLAlchemy is given one.
STATEMENTS = {"text", "exec_driver_sql", "literal_column", "DDL"}
#: Made of names in the code and of how many words somebody looks for, never of the words.
LOOKED_AT = {
    ("models.py", "' AND '.join((f'{column} IS NOT NULL' for column in columns[-2:] if column != 'room_id'))"),
    ("search.py", "_SQLITE.format(times=' + '.join((_TIMES.format(n=n) for n in range(len(words)))))"),
    ("sqlite.py", "f'PRAGMA {pragma}'"),
    ("upkeep.py", "query"),
}
SECRET_BYTES = 15
#: What keeps names apart.
NO_SECRETS = {("people.py", 8), ("storage_local.py", 4)}
#: HTML that is put into a page as it is: rendered by our own templates, which escape, or drawn by segno.
RAW_HTML = {
    "apidocs/routes.py": 1,
    "dashboard/forms.py": 1,
    "dashboard/static/js/live_forms.js": 1,
    "dashboard/static/js/rooms.js": 1,
    "dashboard/static/js/parts.js": 1,
    "dashboard/static/js/run.js": 1,
    "dashboard/static/js/run_forms.js": 1,
    "dashboard/templates/_share.html": 2,
}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.AST]:
    return {file: ast.parse(file.read_text("utf-8")) for file in FILES}


def test_nothing_fetches_an_address(trees: dict[Path, ast.AST]) -> None:
    """No request forgery by the server: only a bucket, Redis and the database are spoken to, all named by settings."""
    asks = re.compile(rf"({'|'.join(map(re.escape, CLIENTS))})(\.|$)")
    assert {(file.name, name) for file, tree in trees.items() for name in imported(tree) if asks.match(name)} == set()


def test_nothing_unpickles_runs_programs_or_evaluates(trees: dict[Path, ast.AST]) -> None:
    for file, tree in trees.items():
        assert {
            name for name in imported(tree) if DANGEROUS & set(name.removeprefix("gevent.").split(".")[:1])
        } == set(), file
        for node in ast.walk(tree):
            assert getattr(node, "attr", "") != "posix_spawn" or file.name in STARTS, (file, ast.unparse(node))
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                is_regex = isinstance(node.func, ast.Attribute) and called == "compile"
                assert called not in CALLS or is_regex, (file, node.lineno, called)


def test_chance_and_hashes_are_those_of_the_libraries_for_secrets(trees: dict[Path, ast.AST]) -> None:
    by_chance = {file.name for file, tree in trees.items() if "random" in imported(tree)}
    assert by_chance == {"drain.py", "engine.py", "transaction.py", "upkeep.py"}, "it may spread load and nothing else"
    for file, tree in trees.items():
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.Attribute) and node.attr in ("md5", "sha1", "uuid1", "uuid3")), file
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "").startswith("token_") and node.args:
                size = node.args[0]
                assert (
                    not isinstance(size, ast.Constant)
                    or size.value >= SECRET_BYTES
                    or (file.name, size.value) in NO_SECRETS
                ), file


def test_texts_are_normalised_in_one_place_that_bounds_them(trees: dict[Path, ast.AST]) -> None:
    for file, tree in trees.items():
        calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert file.name == "spelling.py" or "normalize" not in calls, file


def test_no_statement_is_put_together_from_text(trees: dict[Path, ast.AST]) -> None:
    made_up = set()
    for file, tree in trees.items():
        takes = STATEMENTS - (set() if "sqlalchemy.text" in imported(tree) else {"text"})
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                is_text = called in takes and not is_constant(node.args[0])
                if is_text or (called in {"execute", "executemany"} and is_put_together(node.args[0])):
                    made_up.add((file.name, ast.unparse(node.args[0])))
    assert made_up == LOOKED_AT


def is_constant(node: ast.AST) -> bool:
    """A text, or the name of one."""
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def is_put_together(node: ast.AST) -> bool:
    by_method = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("format", "join")
    return by_method or isinstance(node, (ast.JoinedStr, ast.BinOp))


def test_raw_html_is_only_where_it_was_looked_at() -> None:
    sinks = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "setHTMLUnsafe",
        "createContextualFragment",
        "DOMParser",
        "srcdoc",
    ]
    others = (r"document\.write", "new Function", r"\beval\(", r"\|\s*safe\b", "autoescape false", r"\bMarkup\(")
    raw = re.compile("|".join([*sinks, *others]))
    places = [file for kind in ("*.js", "*.html", "*.py") for file in APP.rglob(kind) if "vendor" not in file.parts]
    counts = {str(file.relative_to(APP)): len(raw.findall(file.read_text("utf-8"))) for file in places}
    assert {name: count for name, count in counts.items() if count} == RAW_HTML
