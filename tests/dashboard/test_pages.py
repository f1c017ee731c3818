from __future__ import annotations

import pytest

from tests.dashboard.plain_browser import PlainBrowser


def pages(host: PlainBrowser) -> list[str]:
    room_id = host.make_room()
    host.add_timer("One")
    share = host.share_path()
    return ["/", "/login", "/register", "/rooms", f"/rooms/{room_id}", share, f"{share}/stage", "/nowhere"]


def test_no_page_has_inline_script_style_or_handler(host: PlainBrowser) -> None:
    for path in pages(host):
        page = host.open(path)
        policy = page.response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag, attrs in page.elements:
            assert "style" not in attrs, (path, tag)
            assert not [name for name in attrs if name.startswith("on")], (path, tag)
            assert tag != "style", path
            assert tag != "script" or "src" in attrs or attrs.get("type") == "application/json", path


def test_every_page_has_a_title_a_language_one_main_and_one_heading(host: PlainBrowser) -> None:
    for path in pages(host):
        tags = [tag for tag, _ in host.open(path).elements]
        assert tags.count("title") >= 1, path
        assert (tags.count("main"), tags.count("h1")) == (1, 1), path


def test_every_field_of_every_form_has_a_name_for_screen_readers(host: PlainBrowser) -> None:
    for path in pages(host):
        page = host.open(path)
        labelled = {attrs["for"] for tag, attrs in page.elements if tag == "label" and "for" in attrs}
        depth = 0
        html = page.response.text
        assert html.count("<label") == html.count("</label>"), path
        for tag, attrs in page.elements:
            depth += tag == "label"
            if tag in ("input", "select", "textarea") and attrs.get("type") != "hidden":
                assert depth or attrs.get("id") in labelled or "aria-label" in attrs, (path, attrs)


def test_what_is_not_there_is_a_page_for_people_and_json_for_programs(host: PlainBrowser) -> None:
    assert "<h1>" in host.open("/nowhere").response.text
    assert host.client.get("/api/nowhere").json["error"]["code"] == "not_found"


def test_pages_are_private_and_assets_are_kept_for_a_year(host: PlainBrowser) -> None:
    page = host.open("/rooms")
    assert "private" in page.response.headers["Cache-Control"]
    style = next(attrs["href"] for tag, attrs in page.elements if attrs.get("rel") == "stylesheet")
    with host.client.get(style) as answer:
        headers = answer.headers
    assert "immutable" in headers["Cache-Control"]
    assert "max-age=31536000" in headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "../pages/rooms.py",
        "client/../package.json",
        "%2e%2e/pages/rooms.py",
        "..%2fforms.py",
        "js",
        "js/",
        "js/nothing.js",
        ".git/HEAD",
    ],
)
def test_only_assets_are_served_as_assets(host: PlainBrowser, path: str) -> None:
    assert host.client.get(f"/static/x/{path}").status_code == 404
    assert host.client.get(f"/{path.removeprefix('../')}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/.git/HEAD", "/.env", "/var/greenroom.db", "/app/settings.py", "/static/", "/rooms/.DS_Store"]
)
def test_nothing_of_the_tree_is_served(host: PlainBrowser, path: str) -> None:
    assert host.client.get(path).status_code == 404


def test_a_share_link_never_travels_to_other_sites(host: PlainBrowser) -> None:
    host.make_room()
    share = host.share_path()
    for path in (share, f"{share}/stage", f"{share}/crowd"):
        assert host.open(path).response.headers["Referrer-Policy"] == "no-referrer", path
    for path in ("/join/some-invitation", "/rooms"):
        assert host.open(path).response.headers["Referrer-Policy"] in ("no-referrer", "same-origin"), path


def test_only_a_room_that_allows_it_may_be_embedded(host: PlainBrowser) -> None:
    room_id = host.make_room()
    share = host.share_path()
    headers = host.open(share).response.headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    host.open(f"/rooms/{room_id}")
    host.submit("/settings", embeddable="on")
    headers = host.open(f"{share}/stage").response.headers
    assert "X-Frame-Options" not in headers
    assert "frame-ancestors *" in headers["Content-Security-Policy"]
