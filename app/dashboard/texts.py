"""What the pages call things: the choices of their forms and the keys of the control page."""

from __future__ import annotations

from typing import Final

Choices = tuple[tuple[str, str], ...]

CANNED_TEXTS: Final = ("Five minutes left", "Please wrap up", "Time is up", "Speak up, please", "Questions now")
ENDINGS: Final[Choices] = (("stop", "Stop"), ("overtime", "Count the overtime"), ("next", "Start the next"))
CHAT_MODES: Final[Choices] = (
    ("open", "Everybody, guests too"),
    ("members", "Members and hosts"),
    ("hosts", "Hosts"),
    ("closed", "Nobody"),
)
HISTORY_MODES: Final[Choices] = (
    ("all", "Everything"),
    ("sinceJoin", "What came after they joined"),
    ("none", "Nothing"),
)
ROOM_FLAGS: Final[Choices] = (
    ("guests", "Guests may write with a nickname"),
    ("receipts", "Read receipts"),
    ("uploads", "Files"),
    ("systemMessages", "Lines for joins and timers"),
    ("oneTimerAtATime", "One timer at a time"),
    ("embeddable", "May be embedded in other pages"),
)
MAIN_ACTIONS: Final = (
    ("start", "Start", "primary only-idle only-paused"),
    ("pause", "Pause", "primary only-running"),
    ("minus", "\N{MINUS SIGN}1 min", ""),
    ("plus", "+1 min", ""),
    ("next", "Next", ""),
    ("reset", "Reset", ""),
    ("undo", "Undo", "undo"),
)
KEYS: Final[Choices] = (
    ("Space", "Start or pause"),
    ("N", "Next timer"),
    ("R", "Reset"),
    ("\N{LEFTWARDS ARROW} \N{RIGHTWARDS ARROW}", "A minute less, a minute more"),
    ("Z", "Undo the last action"),
    ("B", "Blackout"),
    ("F", "Flash"),
    ("?", "This help"),
)
