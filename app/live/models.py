"""What the live core itself keeps."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from app.backends.columns import BigInt, PrimaryId, When
from app.extensions import Base


class Canary(Base):
    """How far a worker's canary has come. One row for each run of a worker, written anew each time."""

    __tablename__ = "canaries"

    id: Mapped[PrimaryId]
    seq: Mapped[BigInt]
    sung_at: Mapped[When]
