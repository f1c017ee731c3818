"""Fixtures for every test; those for services are in tests/support/fixtures.py."""

import sqlite3
from datetime import datetime

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.support.fixtures",
    "tests.support.app_fixtures",
    "tests.support.shards",
    "tests.faults.report",
]

# How long an example takes says something about the machine, not about the property.
settings.register_profile("greenroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("greenroom")


def _refuse(value: datetime) -> None:
    raise TypeError(f"SQLite was given {value!r}, which it would keep as text; an instant is a number there (Instant)")


sqlite3.register_adapter(datetime, _refuse)
