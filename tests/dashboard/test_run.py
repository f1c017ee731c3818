from __future__ import annotations

import io
import re

import pytest

from app.core.clock import FakeClock
from app.timers import service
from tests.dashboard.plain_browser import Page, PlainBrowser


@pytest.fixture
def room_id(host: PlainBrowser) -> str:
    """A room whose control page the host has open."""
    return host.make_room()


def timers(host: PlainBrowser, room_id: str) -> list[tuple[str, str]]:
    return [(timer["title"], timer["state"]) for timer in host.state(room_id)["timers"]]


def test_a_timer_is_added_with_its_start_and_ending(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("Opening", "1:05:00", startsAt="2999-01-01T09:30", onFinish="overtime")
    (timer,) = host.state(room_id)["timers"]
    assert (timer["duration"], timer["onFinish"]) == (3_900_000, "overtime")
    assert timer["startsAt"] == "2999-01-01T09:30:00.000Z"


@pytest.mark.parametrize("length", ["", "soon", "-5", "99999999"])
def test_a_length_that_is_none_adds_nothing_and_is_told(host: PlainBrowser, room_id: str, length: str) -> None:
    page = host.add_timer("Opening", length)
    assert page.status == 422
    assert timers(host, room_id) == []


def test_a_refused_timer_comes_back_as_it_was_typed(host: PlainBrowser, room_id: str) -> None:
    typed = {"startsAt": "2999-01-01T09:30", "onFinish": "overtime"}
    page = host.add_timer("Opening", "0", **typed)
    (form,) = (form for form in page.forms if "duration" in form.names)
    assert form.fields == form.fields | {"title": "Opening", "duration": "0", **typed}
    host.open(f"/rooms/{room_id}")
    assert host.add_timer("Opening").form("/timers").fields["title"] == ""


def test_a_page_as_it_was_sent_shows_what_is_left(host: PlainBrowser, room_id: str, clock: FakeClock) -> None:
    host.add_timer("Opening")
    host.submit("/start")
    clock.advance(60_500)
    share = host.share_path()
    for path in (f"/rooms/{room_id}", share, f"{share}/stage", f"{share}/crowd"):
        assert "24:00" in host.open(path).text, path


def test_every_button_of_a_timer_works_by_form(host: PlainBrowser, room_id: str, clock: FakeClock) -> None:
    host.add_timer("One")
    host.add_timer("Two")
    steps = [
        ("start", [("One", "running"), ("Two", "idle")]),
        ("plus", [("One", "running"), ("Two", "idle")]),
        ("minus", [("One", "running"), ("Two", "idle")]),
        ("pause", [("One", "paused"), ("Two", "idle")]),
        ("undo", [("One", "running"), ("Two", "idle")]),
        ("next", [("One", "finished"), ("Two", "running")]),
        ("reset", [("One", "finished"), ("Two", "idle")]),
    ]
    for action, expected in steps:
        clock.advance(1_000)
        page = host.submit(f"/{action}")
        assert page.status == 200, (action, page.text)
        assert timers(host, room_id) == expected, action


def test_an_action_that_may_not_be_is_told_and_changes_nothing(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("One")
    page = host.submit("/pause")
    assert page.status == 409
    assert timers(host, room_id) == [("One", "idle")]


def test_a_timer_is_changed_moved_and_deleted_by_forms(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("One")
    host.add_timer("Two")
    first = host.state(room_id)["timers"][0]["id"]
    host.submit(f"/timers/{first}", title="Renamed", duration="30", onFinish="next")
    host.submit(f"/timers/{first}/move", direction="down")
    assert [title for title, _ in timers(host, room_id)] == ["Two", "Renamed"]
    host.submit(f"/timers/{first}/move", direction="up")
    assert [title for title, _ in timers(host, room_id)] == ["Renamed", "Two"]
    host.submit(f"/timers/{first}/delete")
    assert [title for title, _ in timers(host, room_id)] == ["Two"]


def test_a_start_time_may_be_cleared(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("One", startsAt="2999-01-01T09:30")
    ident = host.state(room_id)["timers"][0]["id"]
    host.submit(f"/timers/{ident}", startsAt="")
    assert host.state(room_id)["timers"][0]["startsAt"] is None


def test_a_planned_start_is_moved_by_form_and_what_follows_it_is_not_pinned(host: PlainBrowser, room_id: str) -> None:
    host.submit("/import", csv="title,duration,start\nOne,10,2030-05-04T09:00:30Z\nTwo,10,\n")
    host.submit("/import", mode="append")
    first, second = host.state(room_id)["timers"]
    shown = next(form for form in host.page.forms if form.action.endswith(f"/timers/{second['id']}"))
    assert shown.fields["plannedAt"] == "2030-05-04T09:10"

    def planned_after(timer: dict[str, str], **values: str) -> list[str | None]:
        host.submit(f"/timers/{timer['id']}", **values)
        return [timer["plannedAt"] for timer in host.state(room_id)["timers"]]

    assert planned_after(first, title="Renamed") == ["2030-05-04T09:00:30.000Z", None]
    assert planned_after(second, title="Renamed") == ["2030-05-04T09:00:30.000Z", None]
    assert planned_after(first, plannedAt="2030-05-04T09:15") == ["2030-05-04T09:15:00.000Z", None]
    assert planned_after(second, plannedAt="2030-05-04T09:40") == [
        "2030-05-04T09:15:00.000Z",
        "2030-05-04T09:40:00.000Z",
    ]
    assert planned_after(second, plannedAt="") == ["2030-05-04T09:15:00.000Z", None]


def test_a_programme_is_imported_from_a_file(host: PlainBrowser, room_id: str) -> None:
    content = b"title,duration\nOpening,10\nKeynote,45\n"
    page = host.submit("/import", file=(io.BytesIO(content), "run.csv"))
    assert all(words in page.text for words in ("Opening", "45:00", "Timers to add: 2"))
    assert timers(host, room_id) == []
    assert host.submit("/import", mode="append").path == f"/rooms/{room_id}"
    assert [title for title, _ in timers(host, room_id)] == ["Opening", "Keynote"]


def test_a_programme_is_pasted_and_its_times_have_a_day_and_a_zone(host: PlainBrowser, room_id: str) -> None:
    rows = "Session,Start,Length (min),Track\nOpening,09:00,10,Ada\n"
    page = host.submit("/import", csv=rows)
    assert "in UTC." in page.text
    assert "nothing is taken: Track." in page.text
    again = next(form for form in page.forms if "mode" not in form.names and form.action.endswith("/import"))
    page.forms = [again]
    page = host.submit("/import", day="2999-01-02", timeZone="Asia/Tokyo")
    assert "2999-01-02 00:00 UTC" in page.text
    host.submit("/import", mode="append")
    assert [title for title, _ in timers(host, room_id)] == ["Opening"]


def test_the_template_is_imported_as_it_is(host: PlainBrowser, room_id: str) -> None:
    text = host.client.get(f"/rooms/{room_id}/template.csv").text
    page = host.submit("/import", csv=text)
    assert (page.status, "Timers to add: 2" in page.text) == (200, True)


def test_an_import_asks_what_becomes_of_the_run_that_is_there(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("Old")
    for mode, expected in (("append", ["Old", "New"]), ("replace", ["New"])):
        host.open(f"/rooms/{room_id}")
        page = host.submit("/import", file=(io.BytesIO(b"title,duration\nNew,10\n"), "run.csv"))
        assert "can be undone for ten seconds" in page.text
        host.submit("/import", mode=mode)
        assert [title for title, _ in timers(host, room_id)] == expected
    assert host.submit("/undo").path == f"/rooms/{room_id}"
    assert [title for title, _ in timers(host, room_id)] == ["Old", "New"]


def test_a_run_that_changed_since_it_was_shown_is_shown_again_and_not_replaced(
    host: PlainBrowser, room_id: str
) -> None:
    host.add_timer("Old")
    shown = host.submit("/import", file=(io.BytesIO(b"title,duration\nNew,10\n"), "run.csv"))
    host.open(f"/rooms/{room_id}")
    host.add_timer("Added meanwhile")
    host.page = shown
    page = host.submit("/import", mode="replace")
    assert (page.status, "changed in the meantime" in page.text, "timers already: 2" in page.text) == (409, True, True)
    assert [title for title, _ in timers(host, room_id)] == ["Old", "Added meanwhile"]
    host.page = page
    host.submit("/import", mode="replace")
    assert [title for title, _ in timers(host, room_id)] == ["New"]


def test_a_run_that_is_on_is_not_replaced(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("Old")
    host.submit("/start")
    page = host.submit("/import", file=(io.BytesIO(b"title,duration\nNew,10\n"), "run.csv"))
    assert "A timer runs or is paused" in page.text
    assert "Replace all" not in page.text
    page = host.submit("/import", mode="replace")
    assert (page.status, "A timer runs or is paused" in page.text) == (409, True)
    assert timers(host, room_id) == [("Old", "running")]


def test_an_imported_text_comes_back_with_the_answer_as_it_was(host: PlainBrowser, room_id: str) -> None:
    rows = '\n title , duration,description\n"A ""b""",10,"<two>\n\nlines & more"\n'
    host.submit("/import", file=(io.BytesIO(rows.strip("\n").encode()), "run.csv"))
    host.submit("/import", mode="append")
    (timer,) = host.state(room_id)["timers"]
    assert (timer["title"], timer["description"].splitlines()) == ('A "b"', ["<two>", "", "lines & more"])


def test_bad_rows_import_nothing_and_are_named(host: PlainBrowser, room_id: str) -> None:
    page = host.submit("/import", file=(io.BytesIO(b"title,duration\nOpening,10\nKeynote,soon\n"), "run.csv"))
    assert (page.status, "Row 3" in page.text, "10:00" in page.text) == (422, True, True)
    assert not [form for form in page.forms if "mode" in form.names]
    page = host.submit("/import", csv="title,duration\nOpening,10\nKeynote,45\n")
    assert (page.status, "Timers to add: 2" in page.text) == (200, True)
    assert timers(host, room_id) == []


def test_the_stage_is_written_shown_and_blacked_out_by_form(host: PlainBrowser, room_id: str) -> None:
    host.submit("/stage", text="Five minutes", visible="on", blackout="on")
    stage = host.state(room_id)["stage"]
    assert (stage["text"], stage["visible"], stage["blackout"]) == ("Five minutes", True, True)
    host.submit("/stage", visible=None, blackout=None)
    stage = host.state(room_id)["stage"]
    assert (stage["text"], stage["visible"], stage["blackout"]) == ("Five minutes", False, False)
    assert host.submit("/stage/flash").status == 200


def test_the_stages_message_is_taken_off_by_form_and_stays_written(host: PlainBrowser, room_id: str) -> None:
    host.submit("/stage", text="Five minutes", visible="on", blackout="on")
    assert host.submit("/stage/clear").status == 200
    stage = host.state(room_id)["stage"]
    assert (stage["text"], stage["visible"], stage["blackout"]) == ("Five minutes", False, True)


def test_the_run_alone_is_only_for_who_may_see_the_room(
    host: PlainBrowser, browser: PlainBrowser, room_id: str
) -> None:
    host.add_timer("One")
    assert "One" in host.open(f"/rooms/{room_id}/run").text
    assert browser.open(f"/rooms/{room_id}/run").path == "/login"


def printed(host: PlainBrowser, room_id: str) -> list[str]:
    """What the printed run says, word by word."""
    return host.open(f"/rooms/{room_id}/print").text.partition("Back to the room")[2].split()


def test_a_run_without_times_is_printed_without_columns_for_them(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("Opening")
    assert printed(host, room_id)[:6] == ["Length", "What", "Began", "Ended", "25:00", "Opening"]


def test_paper_has_the_plan_alone_under_planned_and_the_true_end_of_overtime(
    host: PlainBrowser, room_id: str, clock: FakeClock
) -> None:
    host.add_timer("Opening", "1", onFinish="overtime")
    host.add_timer("Keynote")
    host.submit("/start")
    began = f"{clock.now():%H:%M}"
    clock.advance(60_000)
    service.fire_timers([host.state(room_id)["timers"][0]["id"]])
    clock.advance(5 * 60_000)
    host.open(f"/rooms/{room_id}")
    host.submit(f"/timers/{host.state(room_id)['timers'][1]['id']}/start")
    words = printed(host, room_id)
    now = f"{clock.now():%H:%M}"
    assert words[:5] == ["Length", "What", "Began", "Ended", "1:00"]
    assert words[5:12] == ["Opening", began, "UTC", now, "UTC", "+5:00", "over"]


def test_titles_are_shown_as_text(host: PlainBrowser, room_id: str) -> None:
    page = host.add_timer("<img src=x onerror=alert(1)>")
    assert "<img src=x onerror=alert(1)>" in page.text
    assert not [attrs for tag, attrs in page.elements if tag == "img" and "src" in attrs]


def test_what_is_wrong_with_a_row_is_said_in_the_readers_language(host: PlainBrowser, room_id: str) -> None:
    rows = b"title,Length (min),Starts at\nOpening,soon,\nKeynote,10,tomorrow\nEnd,5,,,more\n"
    host.submit("/language", lang="fr")
    host.open(f"/rooms/{room_id}")
    page = host.submit("/import", file=(io.BytesIO(rows), "run.csv"))
    notice = page.text
    assert (
        "Ligne 2\N{NO-BREAK SPACE}: Length (min)\N{NO-BREAK SPACE}: Écrivez des minutes, mm:ss ou hh:mm:ss." in notice
    )
    assert "Starts at\N{NO-BREAK SPACE}: Écrivez une heure, comme 09:30, ou un jour et une heure" in notice
    assert "row\N{NO-BREAK SPACE}: Elle a plus de cellules que l’en-tête." in notice


def test_warnings_are_set_by_form_and_may_change_while_it_runs(host: PlainBrowser, room_id: str) -> None:
    page = host.add_timer("Opening", "2", warnMs="0:45", dangerMs="0:05")
    (timer,) = host.state(room_id)["timers"]
    assert (timer["warnMs"], timer["dangerMs"]) == (45_000, 5_000)
    form = page.form(f"/timers/{timer['id']}")
    assert (form.fields["warnMs"], form.fields["dangerMs"]) == ("0:45", "0:05")
    host.submit("/start")
    host.submit(f"/timers/{timer['id']}", warnMs="1", dangerMs="0")
    (timer,) = host.state(room_id)["timers"]
    assert (timer["warnMs"], timer["dangerMs"], timer["state"]) == (60_000, 0, "running")


def test_warnings_that_are_left_out_are_the_usual_ones(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("Opening", "1")
    (timer,) = host.state(room_id)["timers"]
    assert (timer["warnMs"], timer["dangerMs"]) == (60_000, 15_000)


@pytest.mark.parametrize(("field", "label"), [("warnMs", "Amber at"), ("dangerMs", "Red at")])
def test_a_warning_that_is_no_time_is_refused_by_its_name(
    host: PlainBrowser, room_id: str, field: str, label: str
) -> None:
    page = host.add_timer("Opening", "25", **{field: "soon"})
    assert (page.status, f"{label}: Write minutes" in page.text) == (422, True)
    assert timers(host, room_id) == []
    host.open(f"/rooms/{room_id}")
    page = host.add_timer("Opening", "25", **{field: "20000"})
    assert f"{label}: At most seven days." in page.text


def test_lengths_are_the_planned_ones_everywhere_with_what_was_given_beside_them(
    host: PlainBrowser, room_id: str
) -> None:
    host.add_timer("Opening", "25")
    host.submit("/start")
    host.submit("/plus")
    share = host.share_path()
    for path in (f"/rooms/{room_id}", f"/rooms/{room_id}/print", share, f"{share}/crowd"):
        assert "25:00 +1:00" in host.open(path).text, path
    host.open(f"/rooms/{room_id}")
    for _ in range(2):
        host.submit("/minus")
    assert "25:00 \N{MINUS SIGN}1:00" in host.open(f"/rooms/{room_id}/print").text


def test_the_stages_form_says_that_the_conversation_keeps_what_is_shown(host: PlainBrowser, room_id: str) -> None:
    (field,) = (values for tag, values in host.page.elements if values.get("id") == "stage-text")
    assert field["aria-describedby"] in [values.get("id") for _, values in host.page.elements]
    assert "kept in the conversation" in host.page.text


def test_a_page_as_it_was_sent_keeps_what_was_run_over(host: PlainBrowser, room_id: str, clock: FakeClock) -> None:
    host.add_timer("Opening", "1", onFinish="overtime")
    host.add_timer("Keynote")
    host.submit("/start")
    clock.advance(60_000)
    service.fire_timers([host.state(room_id)["timers"][0]["id"]])
    clock.advance(130_000)
    share = host.share_path()
    for path in (share, f"{share}/stage", f"/rooms/{room_id}", "/rooms"):
        assert "+2:10" in host.open(path).text, path
    host.open(f"/rooms/{room_id}")
    host.submit("/next")
    clock.advance(600_000)
    for path in (share, f"/rooms/{room_id}"):
        page = host.open(path)
        assert "+2:10 over" in page.text, path


def test_an_undo_that_comes_too_late_says_so(host: PlainBrowser, room_id: str, clock: FakeClock) -> None:
    host.add_timer("Opening")
    host.submit("/start")
    clock.advance(10_001)
    page = host.submit("/undo")
    assert (page.status, "too late" in page.text) == (409, True)
    assert timers(host, room_id) == [("Opening", "running")]


def test_what_runs_beside_a_timer_is_paused_by_one_form(host: PlainBrowser, room_id: str, clock: FakeClock) -> None:
    for title in ("One", "Two", "Three"):
        host.add_timer(title)
    for timer in host.state(room_id)["timers"][:2]:
        clock.advance(1_000)
        host.submit(f"/timers/{timer['id']}/start")
    assert "2 timers run at once" in host.open(f"/rooms/{room_id}").text
    host.submit("/alone")
    assert timers(host, room_id) == [("One", "paused"), ("Two", "running"), ("Three", "idle")]


def is_told_dark(page: Page) -> bool:
    (body,) = (values for tag, values in page.elements if tag == "body")
    return body["class"] == "dark-stage"


def test_a_blackout_is_told_and_ended_by_form_and_the_message_stays(host: PlainBrowser, room_id: str) -> None:
    host.submit("/stage", text="Five minutes", visible="on", blackout="on")
    assert is_told_dark(host.open(f"/rooms/{room_id}"))
    assert not is_told_dark(host.submit("/stage/light"))
    stage = host.state(room_id)["stage"]
    assert (stage["text"], stage["visible"], stage["blackout"]) == ("Five minutes", True, False)


@pytest.mark.parametrize(
    ("ending", "titles", "acting"),
    [
        ("stop", ["One", "Two"], ["next", "reset", "undo"]),
        ("stop", ["One"], ["reset", "undo"]),
        ("overtime", ["One"], ["reset", "undo"]),
    ],
)
def test_of_a_timer_that_is_over_the_page_offers_what_acts(
    host: PlainBrowser, clock: FakeClock, ending: str, titles: list[str], acting: list[str]
) -> None:
    room_id = host.make_room()
    for title in titles:
        host.add_timer(title, "1", onFinish=ending)
    host.submit("/start")
    clock.advance(90_000)
    service.fire_timers([timer["id"] for timer in host.state(room_id)["timers"]], waits=True)
    page = host.open(f"/rooms/{room_id}")
    buttons = [
        values for tag, values in page.elements if tag == "button" and values.get("class", "").startswith("sign ")
    ]
    of_clock = {values["class"].split()[1].removeprefix("sign-"): values for values in buttons if "title" not in values}
    assert [action for action, values in of_clock.items() if "disabled" not in values] == acting
    assert [action for action, values in of_clock.items() if "primary" in values["class"]] == acting[:1]
    word = "Stop" if ending == "overtime" else "Reset"
    assert re.search(rf"Next\s+{word}\s+Undo", page.text)
