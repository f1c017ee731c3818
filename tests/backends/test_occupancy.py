"""Who has the embedded database: app/backends/occupancy.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.backends.occupancy import OccupiedError, occupy, reserved
from app.settings import Settings


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=str(folder))


def test_servers_share_it_and_whoever_replaces_it_is_alone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    first, second = occupy(settings), occupy(settings)
    assert first is not None
    assert second is not None
    os.close(first)
    with pytest.raises(OccupiedError, match=r"A server uses .*greenroom\.db: stop it first"), reserved(settings):
        pass
    os.close(second)
    with reserved(settings), pytest.raises(OccupiedError, match="is being restored"):
        occupy(settings)
    free = occupy(settings)
    assert free is not None
    os.close(free)


def test_a_folder_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OccupiedError, match=r"cannot be written: .*\. Set DATA_DIR to a folder that can\."):
        occupy(settings_of(tmp_path / "file"))


def test_postgresql_needs_no_lock(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql+psycopg://localhost/x", data_dir=str(tmp_path))
    assert occupy(settings) is None
    with reserved(settings):
        assert list(tmp_path.iterdir()) == []
