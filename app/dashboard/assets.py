"""Scripts, styles and icons: addressed by their content, so that browsers may keep them for a year.

The whole tree has one tag: modules import each other by relative paths, and a page must never mix two versions of them.
"""

from __future__ import annotations

import hashlib
import mimetypes
import posixpath
import re
from functools import cache
from pathlib import Path

from flask import Flask, Response, abort, send_from_directory, url_for

STATIC = Path(__file__).parent / "static"
CLIENT = Path(__file__).parents[2] / "clients" / "js" / "src"
YEAR_S = 365 * 86_400
REDUNDANT = ("Accept-Ranges", "Expires", "Last-Modified")  # max-age and the ETag say it; thirty times on a first visit
IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*["'](\.[^"']+)["'];""", re.MULTILINE)


def init_app(app: Flask) -> None:
    """Serve the assets, and give templates `asset('css/base.css')` and `imports('js/viewer.js')`."""
    mimetypes.add_type("application/manifest+json", ".webmanifest")
    tag = tree_tag()

    def asset(path: str) -> str:
        return url_for("asset", asked=tag, path=path)

    def serve(asked: str, path: str) -> Response:
        folder, inside = (CLIENT, path.removeprefix("client/")) if path.startswith("client/") else (STATIC, path)
        if not Path(inside).suffix:
            abort(404)
        if asked != tag:  # another release's, as during a rolling restart: kept for a year it would mix two versions
            return send_from_directory(folder, inside)
        response = send_from_directory(folder, inside, max_age=YEAR_S)
        response.cache_control.immutable = True
        for header in REDUNDANT:
            response.headers.pop(header, None)
        return response

    @cache
    def imports(script: str) -> list[str]:
        return [asset(path) for path in imported_by(script)]

    app.add_url_rule("/static/<asked>/<path:path>", "asset", serve)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True  # pages that know secrets leave uncompressed
    app.jinja_env.globals |= {"asset": asset, "imports": imports}


def imported_by(script: str) -> list[str]:
    """Every module that a script needs, directly or not: asked for at once, none waits until another has told of it."""
    found: list[str] = []
    waiting = [script]
    while waiting:
        here = waiting.pop(0)
        for path in IMPORT.findall(_file_of(here).read_text()):
            module = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
            if module not in found:
                found.append(module)
                waiting.append(module)
    return found


def _file_of(path: str) -> Path:
    return CLIENT / path.removeprefix("client/") if path.startswith("client/") else STATIC / path


def tree_tag() -> str:
    """Ten characters that change whenever any asset does."""
    digest = hashlib.sha256()
    for folder in (STATIC, CLIENT):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(file.relative_to(folder).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:10]
