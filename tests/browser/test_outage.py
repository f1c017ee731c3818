"""What a host sees while the network, the database or Redis is away: told plainly, and over by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, NewPage, open_live, sign_in
from tests.support.cluster import Cluster
from tests.support.people import PASSWORD, Person
from tests.support.proxy import Proxy
from tests.support.server import Server

RECOVERY_MS = 40_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A worker with PostgreSQL and Redis, which are taken away."""
    with Cluster(workers=1, settings={"RATE_LIMIT_MAX_REQUESTS": "0"}) as cluster:
        yield cluster


@pytest.fixture
def control(new_page: NewPage, cluster: Cluster, complaints: Complaints) -> Page:
    """The control page of a room whose first timer runs."""
    complaints.expect("503", "WebSocket")
    host = Person(cluster.url)
    room = host.post("/api/rooms", name="Main hall")
    for title in ("Opening", "Keynote"):
        host.post(f"/api/rooms/{room['id']}/timers", title=title, duration=1_500_000)
    page = new_page()
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    press(page, "start")
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "running")
    return page


def sign_in_at(page: Page, address: str, host: Person) -> None:
    """By the form, over another address than the server's own."""
    page.goto(f"{address}/login")
    page.fill("[name=username]", host.name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/rooms")


def press(page: Page, action: str) -> None:
    page.click(f"#main-acts [data-action={action}] button")


def test_a_host_is_told_that_the_database_is_away_and_goes_on_when_it_is_back(
    control: Page, cluster: Cluster, new_page: NewPage
) -> None:
    trouble, error = control.locator("#trouble"), control.locator("#action-error")
    cluster.postgres.kill()
    expect(trouble).to_contain_text("cannot reach its database")  # before anything was pressed
    running = control.locator("#digits").inner_text()
    press(control, "pause")
    expect(error).to_have_text("The database cannot be reached at the moment.")
    control.locator("#stage-form").get_by_role("button", name="Time is up").click()
    expect(control.locator("#stage-form > .field-error")).to_have_text("The database cannot be reached at the moment.")
    control.fill("#chat-text", "Is anybody there?")
    control.click("#chat-compose button.primary")
    expect(control.locator(".message.pending")).to_have_count(1)
    expect(control.locator("#digits")).not_to_have_text(running)
    other = control.context.new_page()
    other.goto(control.url)
    expect(other.get_by_role("heading")).to_have_text("The database cannot be reached at the moment.")

    cluster.postgres.start()
    expect(trouble).to_be_empty(timeout=RECOVERY_MS)
    expect(error).to_be_empty()
    expect(control.locator("#stage-form > .field-error")).to_have_count(0)
    expect(control.locator(".message", has_text="Is anybody there?")).to_have_count(1)
    expect(control.locator(".message.pending")).to_have_count(0, timeout=RECOVERY_MS)
    press(control, "pause")
    expect(control.locator("#main-acts")).to_have_attribute("data-state", "paused")
    expect(other.locator("#main-acts")).to_have_attribute("data-state", "paused", timeout=RECOVERY_MS)


def test_without_redis_a_host_runs_the_show_and_has_nothing_to_be_told(control: Page, cluster: Cluster) -> None:
    cluster.redis.kill()
    press(control, "pause")
    expect(control.locator("#main-acts")).to_have_attribute("data-state", "paused")
    control.fill("#chat-text", "All is well")
    control.click("#chat-compose button.primary")
    expect(control.locator(".message:not(.pending)", has_text="All is well")).to_have_count(1)
    press(control, "start")
    expect(control.locator("#main-acts")).to_have_attribute("data-state", "running")
    expect(control.locator("#connection")).to_have_attribute("data-state", "live")
    expect(control.locator("#trouble")).to_be_empty()
    expect(control.locator("#action-error")).to_be_empty()
    cluster.redis.start()


def test_a_host_without_a_network_is_told_so_and_loses_nothing(
    new_page: NewPage, server: Server, host: Person, room: dict[str, Any], complaints: Complaints
) -> None:
    complaints.expect("WebSocket", "net::ERR_", "Failed to load resource")
    with Proxy(server.port) as network:
        page = new_page(viewport={"width": 360, "height": 740})
        address = f"http://127.0.0.1:{network.port}"
        sign_in_at(page, address, host)
        open_live(page, f"{address}/rooms/{room['id']}")
        network.drop_silently()
        network.cut()
        expect(page.locator("#trouble")).to_contain_text("No connection.")
        expect(page.locator("#trouble")).to_be_in_viewport(ratio=1)
        press(page, "start")
        expect(page.locator("#action-error")).not_to_be_empty()
        page.fill("#chat-text", "Can you hear me?")
        page.click("#chat-compose button.primary")
        expect(page.locator(".message.pending")).to_have_count(1)
        network.restore()
        expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=RECOVERY_MS)
        expect(page.locator("#trouble")).to_be_empty()
        expect(page.locator("#action-error")).to_be_empty()
        expect(page.locator(".message:not(.pending)", has_text="Can you hear me?")).to_have_count(
            1, timeout=RECOVERY_MS
        )
        press(page, "start")
        expect(page.locator("#main-acts")).to_have_attribute("data-state", "running")


def test_a_button_on_a_dead_connection_finds_that_out_and_the_next_press_works(
    new_page: NewPage, server: Server, host: Person, room: dict[str, Any], complaints: Complaints
) -> None:
    complaints.expect("WebSocket", "net::ERR_", "Failed to load resource")
    with Proxy(server.port) as network:
        page = new_page()
        address = f"http://127.0.0.1:{network.port}"
        sign_in_at(page, address, host)
        open_live(page, f"{address}/rooms/{room['id']}")
        network.forget()  # as where a venue's router has restarted: the old connection is dead, and nobody says so
        press(page, "start")
        expect(page.locator("#action-error")).not_to_be_empty()
        expect(page.locator("#action-error")).to_be_empty()  # it has come back
        press(page, "start")
        expect(page.locator("#main-acts")).to_have_attribute("data-state", "running")
