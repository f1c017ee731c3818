"""`make run`, once the environment is there: tools/run.py as a real process."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest
import requests

from app.settings import Settings
from app.web.lan import lan_url, network_address
from tests.support.server import Server


class Demo(Server):
    """What somebody has who types `make run`, on a free port and with data of its own."""

    name = "demo"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tools.run"]

    def said(self, pattern: str) -> str:
        """What it printed there, at its last start."""
        return str(re.findall(pattern, self.log)[-1])


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo({"LOG_LEVEL": "warning", "HOST": "0.0.0.0"}) as running:
        yield running


def test_it_prints_where_to_go_and_that_is_there_at_every_start(demo: Demo) -> None:
    viewers = demo.said(r"viewers +http://localhost:\d+(\S+)")
    page = requests.get(f"{demo.url}{viewers}", timeout=10)
    assert (page.status_code, "B003 · PyConFR 2025, day 1" in page.text) == (200, True)
    phones = re.findall(r"phones +(http://\S+)", demo.log)
    assert phones == ([f"{lan_url(Settings(port=demo.port))}{viewers}"] if network_address() else [])
    name, password = re.findall(r'as "(.+)" with the password "(.+)"', demo.log)[-1]
    session = requests.post(f"{demo.url}/api/auth/login", json={"username": name, "password": password}, timeout=10)
    assert session.status_code == 200
    assert len(demo.log.splitlines()) < 13
    assert demo.stop() == 0
    demo.start()
    assert demo.said(r"viewers +http://localhost:\d+(\S+)") == viewers


def test_it_says_in_one_line_what_is_wrong(demo: Demo) -> None:
    second = Demo(port=demo.port)
    second.launch()
    assert second.wait() == 1
    (line,) = second.log.splitlines()
    assert line.startswith(f"Port {demo.port} is taken.")
