"""One catalogue, two languages, and nothing said outside of it."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from app.core.errors import CATALOGUE as ERROR_CODES
from app.dashboard.language import CATALOGUE, DETAILS, ERRORS
from tests.dashboard.plain_browser import PlainBrowser

DASHBOARD = Path(__file__).parents[2] / "app" / "dashboard"
TEMPLATES = sorted((DASHBOARD / "templates").glob("*.html"))
SCRIPTS = sorted((DASHBOARD / "static" / "js").glob("*.js"))
# Names, and what is no language: a product, units, examples of keys.
NAMES = {"Greenroom", "OpenAPI", "AsyncAPI", "kbd", "min", "ms", "ts"}
ATTRIBUTES_OF_FIELDS = r"\{% call .*?endcall %\}"
CLASSES = r"\{% block (?:body|page)_class %\}.*?\{% endblock %\}"
SAID_ATTRIBUTES = re.compile(r"\b(?:aria-label|placeholder|title|alt|content)=\"([^\"{]*)\"")
USED_IN_TEMPLATES = re.compile(r"""\bt\(\s*["']([a-z_.A-Z]+)["']\s*[,)]""")
USED_IN_SCRIPTS = re.compile(r"""\bt\(\s*["']([a-z_.A-Z]+)["']""")


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    english, french = CATALOGUE["en"], CATALOGUE["fr"]
    assert list(english) == list(french)
    assert [key for key in english if not (english[key].strip() and french[key].strip())] == []
    assert [key for key in english if places(english[key]) != places(french[key])] == []


def test_every_refusal_has_a_french_name() -> None:
    assert set(ERRORS["fr"]) == set(ERROR_CODES)


def test_every_text_that_is_asked_for_is_there() -> None:
    for template in TEMPLATES:
        unknown = set(USED_IN_TEMPLATES.findall(template.read_text())) - set(CATALOGUE["en"])
        assert not unknown, (template.name, unknown)
    for script in SCRIPTS:
        used = {f"js.{key}" for key in USED_IN_SCRIPTS.findall(script.read_text())}
        assert not used - set(CATALOGUE["en"]), script.name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_by_itself(template: Path) -> None:
    source = template.read_text()
    for code in (ATTRIBUTES_OF_FIELDS, CLASSES, r"\{#.*?#\}", r"\{%.*?%\}", r"\{\{.*?\}\}"):
        source = re.sub(code, " ", source, flags=re.DOTALL)
    attributes = " ".join(SAID_ATTRIBUTES.findall(re.sub(r"<meta[^>]*>|<link[^>]*>", " ", source)))
    text = re.sub(r"<[^>]*>|&\w+;", " ", source)
    said = set(re.findall(r"[^\W\d_]{2,}", f"{text} {attributes}")) - NAMES
    assert not said, said


def test_the_browser_asks_the_cookie_chooses_and_the_address_decides(host: PlainBrowser) -> None:
    french = {"headers": {"Accept": "text/html", "Accept-Language": "fr-CA,fr;q=0.9"}}
    assert '<html lang="fr">' in host.client.get("/login", **french).text
    assert "Se connecter" in host.client.get("/login", **french).text
    host.open("/rooms")
    page = host.submit("/language", lang="fr")
    assert (page.path, "Nouvelle salle" in page.text) == ("/rooms", True)
    assert '<html lang="en">' in host.client.get("/rooms?lang=en").text


def test_a_refusal_is_told_in_the_language_of_the_page(browser: PlainBrowser) -> None:
    browser.open("/login?lang=fr")
    headers = {"Accept": "text/html", "Accept-Language": "fr", "Sec-Fetch-Site": "same-origin"}
    answer = browser.client.post("/login", data={"username": "nobody", "password": "x" * 12}, headers=headers)
    assert "Aucun compte avec ce nom et ce mot de passe." in answer.text


def test_what_is_wrong_with_a_field_is_told_as_the_page_speaks_and_by_its_label(host: PlainBrowser) -> None:
    host.make_room()
    host.submit("/language", lang="fr")
    slow = host.submit("/settings", slowMode="soon").text
    assert "Mode lent : secondes entre deux messages\N{NO-BREAK SPACE}: Écrivez un nombre." in slow
    assert "Durée\N{NO-BREAK SPACE}: Écrivez des minutes" in host.add_timer("Lunch", "an hour").text
    assert "Nom\N{NO-BREAK SPACE}: Entre 1 et 120 caractères." in host.submit("/settings", name="x" * 121).text


def test_a_length_that_no_timer_has_is_told_in_words(host: PlainBrowser) -> None:
    host.make_room()
    assert "Length: From one second to seven days." in host.add_timer("Lunch", "0").text
    host.open("/rooms")
    host.submit("/language", lang="fr")
    host.make_room("Annexe")
    assert "Durée\N{NO-BREAK SPACE}: D’une seconde à sept jours." in host.add_timer("Lunch", "0").text


def test_every_french_reason_has_as_many_places_as_the_english_one() -> None:
    assert [why for why, french in DETAILS["fr"].items() if why.count("{}") != french.count("{}")] == []


def test_a_choice_of_language_never_leads_to_another_site(host: PlainBrowser) -> None:
    host.open("/rooms")
    assert host.submit("/language", lang="fr", next="//elsewhere.example").path == "/rooms"
