"""Scripts and styles: one of each for a page, compressed once, kept for a year."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.dashboard.assets import STATIC, bundle, tree_tag

PAGES = ["control", "viewer", "stage", "crowd", "rooms", "home", "apidocs", "site"]
MODULE = re.compile(r"^const (\w+) = \(\(\) => \{$", re.MULTILINE)
DECODERS: dict[str, Callable[[bytes], bytes]] = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_gets_all_that_it_imports_as_one_module(page: str) -> None:
    joined = bundle(page)
    assert not re.search(r"^\s*import\b(?!\()", joined, re.MULTILINE)
    assert "/**" not in joined
    for direct in re.findall(r'from "\./(\w+)\.js"', (STATIC / "js" / f"{page}.js").read_text()):
        assert joined.count(f"const js_{direct} = (() => {{") == 1


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_imports_later_is_served_and_comes_once(client: FlaskClient, page: str) -> None:
    joined = bundle(page)
    found = set(re.findall(r'import\("\./(.+?)"\)', joined))
    assert bool(found) == (page in ("control", "viewer"))
    laters = [client.get(f"/static/{tree_tag()}/bundle/{path}") for path in found]
    assert all(later.status_code == 200 for later in laters)
    parts = MODULE.findall("".join([joined, *(later.text for later in laters)]))
    assert len(set(parts)) == len(parts)


def test_the_library_of_sockets_comes_after_the_page() -> None:
    assert 'import("../vendor/socket.io.esm.min.js")' in bundle("viewer")
    assert "engine.io" not in bundle("viewer").lower()


@pytest.mark.parametrize("encoding", sorted(DECODERS))
def test_scripts_and_styles_are_compressed_for_every_browser(client: FlaskClient, encoding: str) -> None:
    client.set_cookie("sid", "anything")
    for path in ("bundle/viewer.js", "css/tokens+base.css"):
        plain = client.get(f"/static/{tree_tag()}/{path}")
        small = client.get(f"/static/{tree_tag()}/{path}", headers={"Accept-Encoding": f"{encoding}, *;q=0"})
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == encoding
        assert "Accept-Encoding" in small.vary
        assert DECODERS[encoding](small.data) == plain.data
        assert len(small.data) < len(plain.data) / 2


def test_an_asset_may_be_kept_for_a_year_and_says_no_more_than_that_takes(client: FlaskClient) -> None:
    headers = client.get(f"/static/{tree_tag()}/bundle/site.js").headers
    assert headers["Cache-Control"] == "public, immutable, max-age=31536000"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not {"Permissions-Policy", "Last-Modified", "Expires", "ETag"} & set(headers.keys())


def test_another_releases_asset_is_asked_for_again(client: FlaskClient) -> None:
    first = client.get("/static/0000000000/bundle/site.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get("/static/0000000000/bundle/site.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["bundle/nothing.js", "css/tokens+nothing.css", "css/..+tokens.css", "js", "../assets.py", "bundle/../js/site.js"],
)
def test_nothing_else_is_served(app: Flask, client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{tree_tag()}/{path}").status_code == 404
