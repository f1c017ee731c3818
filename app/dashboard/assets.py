"""Scripts, styles and icons: addressed by their content, so that browsers may keep them for a year.

The whole tree has one tag: modules import each other by relative paths, and a page must never mix two versions of them. A page
asks for one style sheet and one script, which are joined here (`css/tokens+base.css`, `bundle/viewer.js`); the files that they
are made of are served as well. What can be compressed is compressed as far as it goes, once.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

import brotli
from flask import Flask, Response, abort, request, url_for

from app.backends.offload import offload
from app.dashboard.bundles import join_modules, join_styles

STATIC = Path(__file__).parent / "static"
CLIENT = Path(__file__).parents[2] / "clients" / "js" / "src"
YEAR_S = 365 * 86_400
LEAST_BYTES = 500
BROTLI_QUALITY = 10  # 6 % less than 9 for half as much time again; 11 takes as long as both for 2 % more
KEPT = 256  # far more than there are; people may ask for any order of style sheets
TEXTS = frozenset({".js", ".css", ".svg", ".webmanifest"})
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY),
    "gzip": lambda body: gzip.compress(body, mtime=0),
}


def init_app(app: Flask) -> None:
    """Serve the assets; give templates `asset('icons/x.svg')`, `styles('tokens', 'base')` and `bundle('viewer')`."""
    mimetypes.add_type("application/manifest+json", ".webmanifest")
    mimetypes.add_type("text/javascript", ".js")
    tag = tree_tag()

    def asset(path: str) -> str:
        return url_for("asset", asked=tag, path=path)

    def serve(asked: str, path: str) -> Response:
        body = _body(path)
        if body is None:
            abort(404)
        response = Response(mimetype=mimetypes.guess_type(path)[0])
        if asked == tag:
            response.cache_control.public = response.cache_control.immutable = True
            response.cache_control.max_age = YEAR_S
        else:  # another release's, as during a rolling restart: kept for a year it would mix two versions
            response.cache_control.no_cache = True
            response.set_etag(hashlib.sha256(body).hexdigest()[:20])
        if len(body) >= LEAST_BYTES and Path(path).suffix in TEXTS:
            response.vary.add("Accept-Encoding")
            encoding = request.accept_encodings.best_match(list(ENCODERS))
            if encoding:
                response.content_encoding = encoding
                body = offload(_compressed, path, encoding)
        response.set_data(body)
        response.make_conditional(request)
        return response

    app.add_url_rule("/static/<asked>/<path:path>", "asset", serve)
    app.jinja_env.globals |= {
        "asset": asset,
        "styles": lambda *names: asset(f"css/{'+'.join(names)}.css"),
        "bundle": lambda name: asset(f"bundle/{name}.js"),
    }


def bundle(name: str) -> str:
    """The script of a page and all that it imports, as one module; `viewer+chat` what that page imports later.

    Raises:
        KeyError: there is no such file.
        ValueError: as `join_modules`.
    """
    page, plus, later = name.partition("+")
    if plus:
        return join_modules(f"js/{later}.js", _text, page=f"js/{page}.js")
    return join_modules(f"js/{page}.js", _text)


@lru_cache(KEPT)
def _body(path: str) -> bytes | None:
    """What lies at `path`, joined if it is made of several files."""
    folder, _, name = path.partition("/")
    try:
        if folder == "bundle":
            return bundle(name.removesuffix(".js")).encode()
        if folder == "css" and "+" in name:
            names = name.removesuffix(".css").split("+")
            return join_styles([_text(f"css/{each}.css") for each in names]).encode()
        return _files()[path].read_bytes()
    except KeyError:
        return None


@lru_cache(KEPT)
def _compressed(path: str, encoding: str) -> bytes:
    return ENCODERS[encoding](_body(path) or b"")


def _text(path: str) -> str:
    return _files()[path].read_text()


@cache
def _files() -> dict[str, Path]:
    """All there is to serve, by its path: nothing else can be asked for."""
    return {
        prefix + file.relative_to(folder).as_posix(): file
        for prefix, folder in (("", STATIC), ("client/", CLIENT))
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def tree_tag() -> str:
    """Ten characters that change whenever any asset does."""
    digest = hashlib.sha256()
    for path, file in _files().items():
        digest.update(path.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:10]
