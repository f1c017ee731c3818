"""One file where a page needs many: on a phone each request beyond the first few waits for its turn and for the way there.

Scripts are modules in files of their own, and browsers take them as they are; a page gets all that its script imports as one
module, made when the first page asks. Each module becomes a function that runs once, after those it imports, and gives what it
exports: scopes stay apart. What this takes are the forms that this project writes, one `import` or `export` at the beginning of
a line; anything else is refused, and a test bundles every page.

What a page can do without at first it imports at run time: in `viewer.js` `import("./chat.js")` becomes
`import("./viewer+chat.js")`, one module of all that `chat.js` imports and the page has not. The rest it takes from the page,
which exports what it is made of, so that nothing comes or runs twice. Libraries, `import("../vendor/…")`, stay what they are.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import PurePosixPath

IMPORT = re.compile(r'^import (?:\{([^}]+)\} from )?"(\.[^"]+)";\n', re.MULTILINE)
PASSED_ON = re.compile(r'^export \{([^}]+)\} from "(\.[^"]+)";\n', re.MULTILINE)
LISTED = re.compile(r"^export \{([^}]+)\};\n", re.MULTILINE)
DECLARED = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
LATER = re.compile(r'\bimport\("\./(\w+)\.js"\)')
LEFT_OVER = re.compile(r"^(?:import|export)\b(?!\().*$", re.MULTILINE)
SCRIPT_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
STYLE_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)

Read = Callable[[str], str]


def join_modules(entry: str, read: Read, page: str | None = None) -> str:
    """The module at path `entry` and all that it imports, as one that exports the same.

    With `page`, the path of what imports `entry` at run time, without all that is in that page's own.

    Raises:
        ValueError: a module imports or exports in a form that is not known here, modules import each other in a circle, or
            what is imported later imports even later.
    """
    if page is None:
        return _Page(entry, read).code()
    return _Later(entry, read, _Page(page, read)).code()


def join_styles(sheets: list[str]) -> str:
    """Style sheets one after the other, without what is only for their readers."""
    return "".join(STYLE_COMMENT.sub("", sheet) for sheet in sheets)


class _Joined:
    """A module and all that it imports, in the order in which they run."""

    def __init__(self, entry: str, read: Read) -> None:
        self.entry = entry
        self.parts: dict[str, str] = {}
        self._read = read
        self._exports = self._add(entry, ())

    def code(self) -> str:
        """All of it as one module."""
        given = ", ".join(self._exports)
        return "".join(self.parts.values()) + (f"export const {{ {given} }} = {_name(self.entry)};\n" if given else "")

    def _bring(self, path: str, asking: tuple[str, ...]) -> None:
        """See to it that `path` has run."""
        if path not in self.parts:
            self._add(path, asking)

    def _add(self, path: str, asking: tuple[str, ...]) -> list[str]:
        """Put what `path` imports and then itself into `parts`; the names that it exports."""
        if path in asking:
            raise ValueError(f"{path} imports itself: {' -> '.join(asking)}")
        code = SCRIPT_COMMENT.sub("", self._read(path))
        exports: list[str] = []

        def import_(names: str | None, source: str) -> str:
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), source))
            self._bring(wanted, (*asking, path))
            return f"const {{{_pairs(names)}}} = {_name(wanted)};\n" if names else ""

        def pass_on(names: str, source: str) -> str:
            exports.extend(_pairs(names).split(", "))
            return import_(names, source)

        def list_(names: str) -> str:
            exports.extend(_pairs(names, outwards=True).split(", "))
            return ""

        def declare(kind: str, name: str) -> str:
            exports.append(name)
            return f"{kind} {name}"

        for pattern, replace in ((IMPORT, import_), (PASSED_ON, pass_on), (LISTED, list_), (DECLARED, declare)):
            code = pattern.sub(lambda match, replace=replace: replace(*match.groups()), code)  # type: ignore[misc]
        if odd := LEFT_OVER.search(code):
            raise ValueError(f"{path}: {odd[0]}")
        self.parts[path] = f"const {_name(path)} = (() => {{\n{code}return {{ {', '.join(exports)} }};\n}})();\n"
        return [pair.split(":")[0] for pair in exports]


class _Page(_Joined):
    """What a page begins with; where more follows, that finds here what is there already."""

    def code(self) -> str:
        stem = PurePosixPath(self.entry).stem
        code, laters = LATER.subn(rf'import("./{stem}+\1.js")', super().code())
        return code + (f"export {{ {', '.join(map(_name, self.parts))} }};\n" if laters else "")


class _Later(_Joined):
    """What a page imports when it is there."""

    def __init__(self, entry: str, read: Read, page: _Page) -> None:
        self._page = page
        self._taken: list[str] = []
        super().__init__(entry, read)

    def code(self) -> str:
        code = super().code()
        if further := LATER.search(code):
            raise ValueError(f"{self.entry}: {further[0]} in what is imported later itself")
        taken = ", ".join(map(_name, self._taken))
        return (f'import {{ {taken} }} from "./{posixpath.basename(self._page.entry)}";\n' if taken else "") + code

    def _bring(self, path: str, asking: tuple[str, ...]) -> None:
        if path not in self._page.parts:
            super()._bring(path, asking)
        elif path not in self._taken:
            self._taken.append(path)


def _pairs(names: str, *, outwards: bool = False) -> str:
    """`a, b as c` as an object's pattern says it, `a, b: c`; the other way round for what goes out."""
    pairs = [name.split(" as ") for name in (part.strip() for part in names.split(",")) if name]
    return ", ".join(": ".join(reversed(pair) if outwards else pair) for pair in pairs)


def _name(path: str) -> str:
    return re.sub(r"\W", "_", path.removesuffix(".js"))
