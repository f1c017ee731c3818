"""What the columns of a CSV are called: in our own exports, in programmes that are exported, and by people."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: By what it holds: the names that a column may have, the best first; case, spaces and signs do not matter.
NAMES = {
    "title": ("title", "session", "item", "name", "talk", "titre", "séance", "nom"),
    "duration": (
        *("plannedduration", "duration", "durationmin", "durationmins", "durationminutes"),
        *("length", "lengthmin", "lengthmins", "lengthminutes", "minutes", "mins", "min"),
        *("durée", "duréemin", "duréeminutes"),
    ),
    "plannedstart": ("plannedstart",),
    "startsat": ("startsat",),
    "start": ("start", "starts", "starttime", "begin", "begins", "time", "début", "heure"),
    "end": ("end", "ends", "endtime", "fin"),
    "description": ("description",),
    "speaker": (
        *("speaker", "speakers", "speakername", "speakernames", "presenter", "presenters"),
        *("intervenant", "intervenants", "intervenante", "intervenantes"),
    ),
    "type": ("type",),
    "language": ("language",),
    "room": ("room", "salle"),
    "position": ("position",),
    "warnms": ("warnms",),
    "dangerms": ("dangerms",),
    "onfinish": ("onfinish",),
}
MAX_COLUMNS = 200
_MAX_NAME = 40
_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """The header of a file.

    places:  where each known column is, by what it holds
    called:  what the file calls it, for people
    ignored: the names of the others, in their order
    width:   how many there are
    """

    places: dict[str, int]
    called: dict[str, str]
    ignored: list[str]
    width: int


def read_columns(header: list[str]) -> Columns:
    """What the cells of a row hold, by the header, of which there are at most `MAX_COLUMNS`."""
    names = [_SIGNS.sub("", name).casefold() for name in header]
    places = {holds: place for holds, known in NAMES.items() if (place := _first(known, names)) is not None}
    shown = [" ".join(name.split())[:_MAX_NAME] for name in header]
    used = set(places.values())
    ignored = [name for place, name in enumerate(shown) if name and place not in used]
    return Columns(places, {holds: shown[place] for holds, place in places.items()}, ignored, len(header))


def _first(known: tuple[str, ...], names: list[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)
