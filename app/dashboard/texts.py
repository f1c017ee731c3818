"""The choices that the pages offer, by the values of the API; what they are called is in `catalogue/`."""

from __future__ import annotations

from typing import Final

CANNED_TEXTS: Final = ("five", "wrap", "over", "louder", "questions")
CHAT_MODES: Final = ("open", "members", "hosts", "closed")
HISTORY_MODES: Final = ("all", "sinceJoin", "none")
ENDINGS: Final = ("stop", "overtime", "next")
ROOM_FLAGS: Final = ("guests", "receipts", "uploads", "systemMessages", "oneTimerAtATime", "embeddable")
MAIN_ACTIONS: Final = {
    "start": "only-idle only-paused",
    "pause": "only-running only-finished",
    "minus": "",
    "plus": "",
    "next": "",
    "reset": "",
    "undo": "undo",
}
KEYS: Final = (
    ("Space", "start"),
    ("N", "next"),
    ("R", "reset"),
    ("\N{LEFTWARDS ARROW} \N{RIGHTWARDS ARROW}", "adjust"),
    ("Z", "undo"),
    ("B", "blackout"),
    ("F", "flash"),
    ("?", "help"),
)
