"""What downloads are called: app/web/downloads.py."""

from __future__ import annotations

import pytest

from app.web.downloads import content_disposition, download_name


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("Main hall", "main-hall-2025-11-01.txt"),
        ("  B003: “Café” / día_1! ", "b003-café-día-1-2025-11-01.txt"),
        ("हिन्दी कक्ष", "हिन्दी-कक्ष-2025-11-01.txt"),
        ("../..", "room-2025-11-01.txt"),
        ("a" * 49 + " b", "a" * 49 + "-2025-11-01.txt"),
    ],
)
def test_a_file_is_called_after_its_room_and_day(room: str, name: str) -> None:
    assert download_name(room, "2025-11-01T09:30:00.000Z", "txt") == name


def test_the_header_has_the_name_for_old_and_new_clients() -> None:
    header = content_disposition('€ "a".pdf', inline=False)
    assert header == "attachment; filename=\"_ _a_.pdf\"; filename*=UTF-8''%E2%82%AC%20%22a%22.pdf"
    assert content_disposition("a.png", inline=True).startswith("inline;")
