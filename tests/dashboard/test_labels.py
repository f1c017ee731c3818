"""What a form calls a field, its refusal calls it too."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask

from app.dashboard.language import field_label
from tests.dashboard.plain_browser import PlainBrowser

FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
LABEL = re.compile(r"<label\b[^>]*>(.*?)</label>", re.DOTALL)
CONTROL = re.compile(r"<(?:input|select|textarea)\b([^>]*)>")
ZONE = re.compile(r'<span class="zone">.*?</span>')


def fields(html: str) -> list[tuple[str, str, str]]:
    """Where each labelled field of a posted form goes, its name and its label; of what is typed or chosen, not ticked."""
    found = []
    for form, inside in FORM.findall(html):
        for label in LABEL.findall(ZONE.sub("", inside)):
            control = CONTROL.search(label)
            if control is None or 'method="post"' not in form or 'type="checkbox"' in control[1]:
                continue
            text = re.sub(r"<[^>]*>", "", label[: control.start()]).strip()
            found.append((_attribute(form, "action"), _attribute(control[1], "name"), text))
    return found


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf'\b{name}="([^"]*)"', tag)
    return match[1] if match else ""


def test_a_field_has_one_name_in_its_form_and_in_its_refusal(
    app: Flask, host: PlainBrowser, browser: PlainBrowser
) -> None:
    room_id = host.make_room()
    host.add_timer("Opening")
    PlainBrowser(app).sign_up("Bob")
    page = host.submit("/members", username="bob")
    ban = next(link for link in page.links if "/bans/new" in link)
    pages = [(host, ban), (host, f"/rooms/{room_id}"), (host, "/rooms"), (browser, "/login"), (browser, "/register")]
    odd, seen = [], set()
    for reader, path in pages:
        for action, name, label in fields(reader.open(path).response.text):
            seen.add(name)
            with app.test_request_context(urlsplit(action or path).path, method="POST"):
                if field_label(name) != label:
                    odd.append((action, name, label, field_label(name)))
    assert odd == []
    assert seen >= {
        "duration",
        "warnMs",
        "onFinish",
        "maxUses",
        "slowMode",
        "content",
        "username",
        "email",
        "file",
        "reason",
    }
