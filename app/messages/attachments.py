"""What messages ask of uploads: a small port, filled by `attachments.bind` when files can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy.orm import Session


class Source(Protocol):
    """Whoever keeps the files."""

    def describe(self, session: Session, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The wire forms of the completed attachments among `ids`, by id, in one query; each names `roomId`, `userId`."""
        ...


class NoFiles:
    """Keeps nothing: every attachment is unknown."""

    def describe(self, session: Session, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {}


class Attachments:
    """The handle; one per process."""

    def __init__(self) -> None:
        self._source: Source = NoFiles()

    def bind(self, source: Source) -> None:
        """Ask `source` from now on."""
        self._source = source

    def describe(self, session: Session, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return self._source.describe(session, ids)


attachments = Attachments()
