"""What a browser does with a page when scripts are off: follow links, fill in the forms that are there, submit them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
VOID = {"input", "br", "meta", "link", "img", "hr"}


@dataclass
class Form:
    """One form: where it goes, and what it would send if nothing were typed."""

    action: str
    method: str
    multipart: bool
    fields: dict[str, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Page(HTMLParser):
    """The forms, links, text and elements of an answer."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.response = response
        self.status = response.status_code
        self.path = response.request.path
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._form: Form | None = None
        self._select = self._textarea = ""
        self._hidden = 0
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        self._hidden += tag in ("script", "style")
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "form":
            multipart = "multipart" in values.get("enctype", "")
            self._form = Form(values.get("action") or self.path, values.get("method", "get"), multipart)
            self.forms.append(self._form)
        elif self._form is not None:
            self._take_control(tag, values, self._form)

    def _take_control(self, tag: str, values: dict[str, str], form: Form) -> None:
        name = values.get("name", "")
        if name:
            form.names.add(name)
        if tag == "button":  # sends its value only when it is the one that was pressed
            return
        if tag == "input" and name and values.get("type") not in ("checkbox", "radio", "file"):
            form.fields[name] = values.get("value", "")
        elif tag == "input" and name and "checked" in values:
            form.fields[name] = values.get("value", "on")
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea = name
            form.fields[name] = ""
        elif tag == "option" and self._select and ("selected" in values or self._select not in form.fields):
            form.fields[self._select] = values.get("value", "")
            self._needs_text = "value" not in values

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            if self._form is not None:  # as browsers do: a line break at its beginning is the markup's
                self._form.fields[self._textarea] = self._form.fields[self._textarea].removeprefix("\n")
            self._textarea = ""

    _needs_text = False

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._textarea:
            self._form.fields[self._textarea] += data
        if self._form is not None and self._select and self._needs_text and data.strip():
            self._form.fields[self._select] = data.strip()
            self._needs_text = False
        if not self._hidden:
            self.text += data

    def form(self, ending: str) -> Form:
        """The first form that is posted to an address that ends so.

        Raises:
            AssertionError: there is none.
        """
        found = [form for form in self.forms if form.method == "post" and form.action.endswith(ending)]
        assert found, f"no form to …{ending} among {[form.action for form in self.forms]}"
        return found[0]


class PlainBrowser:
    """Cookies, and the page that it shows."""

    page: Page

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def open(self, path: str, **kwargs: Any) -> Page:
        """Go to `path`, following redirects."""
        headers = {"Accept": "text/html"}
        self.page = Page(self.client.get(path, headers=headers, follow_redirects=True, **kwargs))
        return self.page

    def submit(self, ending: str, **values: Any) -> Page:
        """Fill in and send the form whose address ends so; None unticks a box. Fields that it lacks are a mistake."""
        form = self.page.form(ending)
        unknown = set(values) - form.names
        assert not unknown, f"the form to {form.action} has no {unknown}"
        data = {name: value for name, value in {**form.fields, **values}.items() if value is not None}
        kind = "multipart/form-data" if form.multipart else None
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        answer = self.client.post(form.action, data=data, content_type=kind, headers=headers, follow_redirects=True)
        self.page = Page(answer)
        return self.page

    def sign_up(self, name: str) -> Self:
        """Make an account by the form."""
        self.open("/register")
        page = self.submit("/register", name=name, email=f"{name.lower()}@example.org", password=PASSWORD)
        assert page.path == "/rooms", page.text
        return self

    def make_room(self, name: str = "Main hall", **values: Any) -> str:
        """Make a room by the form; its id. The browser shows its control page."""
        self.open("/rooms")
        page = self.submit("/rooms", name=name, **values)
        assert page.status == 200, page.text
        return page.path.removeprefix("/rooms/")

    def add_timer(self, title: str, duration: str = "25", **values: Any) -> Page:
        """Add a timer by the form of the control page."""
        return self.submit("/timers", title=title, duration=duration, **values)

    def state(self, ref: str) -> Any:
        """The room as the API shows it to this browser."""
        return self.client.get(f"/api/rooms/{ref}").json

    def share_path(self) -> str:
        """The path of the share link on the control page."""
        return next(urlsplit(link).path for link in self.page.links if "/r/" in link)
