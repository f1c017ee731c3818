from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from app.settings import Settings
from app.web.lan import is_loopback, lan_url, network_address

DESK = Settings(port=3000)


def test_a_machine_at_a_desk_knows_where_the_network_finds_it() -> None:
    address = network_address()
    assert lan_url(DESK) == (f"http://{address}:3000" if address else "")
    assert not address or not ip_address(address).is_loopback


@pytest.mark.parametrize(
    "change",
    [
        {"app_env": "production"},
        {"public_url": "https://rooms.example.org"},
        {"database_url": "postgresql+psycopg://db/greenroom"},
        {"host": "127.0.0.1"},
    ],
)
def test_no_other_tells_its_address(change: dict[str, str]) -> None:
    assert lan_url(replace(DESK, **change)) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost:3000", True), ("127.0.0.1", True), ("[::1]:3000", True), ("192.168.1.5:3000", False), ("a.org", False)],
)  # fmt: skip
def test_which_address_is_good_on_this_machine_only(host: str, here: bool) -> None:
    assert is_loopback(host) is here
