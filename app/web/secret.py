"""The signing secret: given by the operator, or made once and kept beside the embedded database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from app.settings import Settings

SECRET_BYTES = 48


def load_secret(settings: Settings) -> str:
    """`JWT_SECRET`, else the one kept in `DATA_DIR/secret` (made at the first start, readable by its owner only)."""
    if settings.jwt_secret:
        return settings.jwt_secret
    path = Path(settings.data_dir) / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(SECRET_BYTES))
    return path.read_text(encoding="utf-8").strip()
