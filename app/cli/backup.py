"""`flask backup` and `flask restore`: the embedded mode in one archive; `flask new-epochs` for databases restored otherwise.

The archive is a tar: `greenroom.db`, `secret`, then `files/…` as they lie in `DATA_DIR`.

1. Backing up takes the database first, by SQLite's online backup, which a running server does not notice. Files never change
   and are recorded after they are written, so those that are copied later include all that the database names.
2. Restoring looks at everything before it touches anything. The database goes back the same way, in one transaction, with
   new epochs: clients that come back with a position of the time after the backup get a full state and not a gap. It needs the
   database for itself (`app/backends/occupancy.py`): a server that runs would go on with what it remembers of the old one.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy import update

from app.backends.handles import handles
from app.backends.occupancy import OccupiedError, reserved
from app.backends.sqlite import create_private
from app.backends.transaction import database, transaction
from app.core.ids import new_token
from app.rooms.models import RoomHead

DATABASE, SECRET, FILES = "greenroom.db", "secret", "files"
PAGES_AT_ONCE = 256
_MEMBER = re.compile(rf"(?:{DATABASE}|{SECRET}|{FILES}/[0-9a-f]{{32}})\Z".replace(".", r"\."))
_PRIVATE = 0o600


@click.command("backup")
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False))
def backup(archive: Path) -> None:
    """Write database and files of the embedded mode to ARCHIVE (a .tar), while the server runs or not."""
    folder, live = _data_dir(), _database_file()
    if not live.exists():
        raise click.ClickException(f"There is no database at {live}: is DATA_DIR the server's?")
    part = archive.with_name(f"{archive.name}.part")
    with _folder_beside(archive) as scratch:
        copy = Path(scratch) / DATABASE
        with _opened(live) as source, _opened(copy) as target:
            _copy_database(source, target, "Database")
        with _created(part) as tar:
            tar.add(copy, DATABASE)
            if (folder / SECRET).exists():
                tar.add(folder / SECRET, SECRET)
            count = _add_files(tar, folder / FILES)
    part.replace(archive)
    where = " Files are in the bucket, which this does not copy." if handles.settings.s3_endpoint else ""
    click.echo(f"Wrote {archive}: {archive.stat().st_size:,} bytes, {count} files.{where}")


def _folder_beside(archive: Path) -> TemporaryDirectory[str]:
    """Where it is not possible, the error names `archive`, not a name that nobody has given."""
    try:
        return TemporaryDirectory(prefix="greenroom-", dir=archive.absolute().parent)
    except OSError as why:
        raise OSError(why.errno, why.strerror, str(archive)) from why


@click.command("restore")
@click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.confirmation_option(prompt="This replaces everything that is there now. Stop the server first. Restore?")
@with_appcontext
def restore(archive: Path) -> None:
    """Put database and files back as they were when ARCHIVE was written by `backup`; refused while a server runs."""
    folder, live = _data_dir(), _database_file()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with reserved(handles.settings):
            count = _restore(archive, folder, live)
    except OccupiedError as why:
        raise click.ClickException(str(why)) from why
    click.echo(f"Restored {count} files and the database. Start the server again; clients get a full state.")


def _restore(archive: Path, folder: Path, live: Path) -> int:
    """Replace what is there; how many files came back."""
    with TemporaryDirectory(prefix="greenroom-", dir=folder) as scratch:
        found = Path(scratch)
        _extract(archive, found)
        _require_sound(found / DATABASE)
        database.dispose()
        with _opened(found / DATABASE) as source, _opened(live) as target:
            source.execute("UPDATE room_heads SET epoch = ?", (new_token(),))
            source.commit()
            _copy_database(source, target, "Database")
        count = _put_files(found, folder)
    upgrade()
    return count


@click.command("new-epochs")
def new_epochs() -> None:
    """Begin the rooms' numbering anew: needed once after PostgreSQL was restored from a backup of its own."""
    with transaction() as work:
        done = work.session.execute(update(RoomHead).values(epoch=new_token()).returning(RoomHead.room_id))
        count = len(done.all())
    click.echo(f"{count} rooms have a new epoch; clients that come back get a full state.")


def _data_dir() -> Path:
    return Path(handles.settings.data_dir).resolve()


def _database_file() -> Path:
    if database.dialect != "sqlite":
        raise click.ClickException(
            "This is for the embedded mode. With PostgreSQL use pg_dump; see docs/operations.md."
        )
    return Path(str(database.engine.url.database))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    create_private(path)
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        yield connection


def _copy_database(source: sqlite3.Connection, target: sqlite3.Connection, label: str) -> None:
    with click.progressbar(length=1, label=label) as bar:

        def advance(_status: int, remaining: int, total: int) -> None:
            bar.length = max(1, total)
            bar.update(total - remaining - bar.pos)

        source.backup(target, pages=PAGES_AT_ONCE, progress=advance)


@contextmanager
def _created(path: Path) -> Iterator[tarfile.TarFile]:
    """A new archive that only its owner reads, brought to the disk at the end."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                yield tar
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _add_files(tar: tarfile.TarFile, folder: Path) -> int:
    names = sorted(path.name for path in folder.glob("*") if _MEMBER.match(f"{FILES}/{path.name}"))
    count = 0
    with click.progressbar(names, label="Files") as bar:
        for name in bar:
            try:
                tar.add(folder / name, f"{FILES}/{name}")
                count += 1
            except FileNotFoundError:  # its message was deleted meanwhile
                continue
    return count


def _extract(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive, "r:*") as tar:
            members = tar.getmembers()
            if DATABASE not in {member.name for member in members}:
                raise click.ClickException(f"{archive} was not written by `flask backup`.")
            for member in members:
                if not member.isfile() or not _MEMBER.match(member.name):
                    raise click.ClickException(f"{archive} has something in it that no backup has: {member.name!r}.")
            with click.progressbar(members, label="Reading") as bar:
                for member in bar:
                    _unpack(tar, member, folder / member.name)
    except (tarfile.TarError, EOFError) as why:
        raise click.ClickException(
            f"{archive} is broken, or no archive: {str(why).splitlines()[0].rstrip(chr(58))}."
        ) from why


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """The bytes alone: whose it was and what may be done with it is not the archive's to say."""
    path.parent.mkdir(exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # it is a file
    with content, path.open("wb") as file:
        shutil.copyfileobj(content, file)


def _require_sound(path: Path) -> None:
    """Refuse a broken database, and one of a newer Greenroom."""
    try:
        with _opened(path) as found:
            verdict = found.execute("PRAGMA integrity_check").fetchone()[0]
            revision = found.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except (sqlite3.DatabaseError, TypeError) as why:
        raise click.ClickException(f"The database in it is broken: {why}.") from why
    if verdict != "ok":
        raise click.ClickException(f"The database in it is broken: {verdict}.")
    script = ScriptDirectory(str(current_app.extensions["migrate"].directory))
    try:
        script.get_revision(revision)
    except CommandError as why:
        raise click.ClickException(f"It is of another version of Greenroom ({revision}).") from why


def _put_files(found: Path, folder: Path) -> int:
    """The archive's files in place of those that are there; the rest belongs to nothing any more."""
    kept, wanted = folder / FILES, found / FILES
    kept.mkdir(mode=0o700, exist_ok=True)
    names = {path.name for path in wanted.glob("*")}
    for name in names:
        (wanted / name).replace(kept / name)
    for path in kept.iterdir():
        if path.name not in names:
            path.unlink()
    if (found / SECRET).exists():
        (found / SECRET).chmod(_PRIVATE)
        (found / SECRET).replace(folder / SECRET)
    return len(names)
