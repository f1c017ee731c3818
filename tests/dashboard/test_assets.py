"""Scripts and styles: what a page asks for at once, and what comes along with each."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.dashboard.assets import STATIC, imported_by, tree_tag

PAGES = ["control", "viewer", "stage", "crowd"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_for_every_module_at_once(page: str) -> None:
    script = (STATIC / "js" / f"{page}.js").read_text()
    direct = {f"js/{name}" for name in re.findall(r'from "\./([^"]+)"', script)}
    modules = imported_by(f"js/{page}.js")
    assert direct <= set(modules)
    assert len(modules) == len(set(modules))
    template = (STATIC.parent / "templates" / f"{page}.html").read_text()
    assert f"imports('js/{page}.js')" in template


def test_what_a_module_imports_is_found_in_every_form() -> None:
    assert "client/countdown.js" in imported_by("client/index.js")
    assert "vendor/socket.io.esm.min.js" in imported_by("js/viewer.js")


def test_an_asset_may_be_kept_for_a_year_and_says_no_more_than_that_takes(client: FlaskClient) -> None:
    with client.get(f"/static/{tree_tag()}/js/site.js") as response:
        headers = response.headers
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not {"Permissions-Policy", "Last-Modified", "Expires"} & set(headers.keys())
