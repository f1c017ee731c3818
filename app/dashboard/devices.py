"""What a device is called: by its User-Agent, which browsers write so that nobody can read it."""

from __future__ import annotations

from typing import Final

# The first that is found counts: all others say that they are one of those behind them.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Final = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device_name(user_agent: str) -> str:
    """`Firefox, Windows`; of what is no browser what it says itself, which may be nothing."""
    found = [_first(user_agent, names) for names in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found)) or user_agent


def _first(user_agent: str, names: dict[str, str]) -> str | None:
    return next((name for mark, name in names.items() if mark in user_agent), None)
