"""Whether the storage is there: app/backends/pulse.py."""

from __future__ import annotations

from pathlib import Path

from app.backends.pulse import ASK_EVERY_MS, Pulse
from app.backends.storage_local import LocalStorage
from app.core.clock import FakeClock


def test_the_storage_is_asked_now_and_then(tmp_path: Path, clock: FakeClock) -> None:
    folder = tmp_path / "files"
    pulse = Pulse(LocalStorage(folder, secret="s", clock=clock), clock)
    assert pulse.beats()
    folder.rmdir()
    folder.touch()  # nothing can be kept in it any more
    assert pulse.beats()
    clock.advance(ASK_EVERY_MS)
    assert not pulse.beats()
    folder.unlink()
    clock.advance(ASK_EVERY_MS)
    assert pulse.beats()
