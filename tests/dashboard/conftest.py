"""A browser without JavaScript: it opens pages and submits their forms as they were rendered.

One database is enough here: what differs between the two lies below the services, and is tested there.
"""

from __future__ import annotations

import pytest
from flask import Flask

from tests.dashboard.plain_browser import PlainBrowser


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone."""
    return sqlite_url


@pytest.fixture
def browser(app: Flask) -> PlainBrowser:
    """Nobody's browser."""
    return PlainBrowser(app)


@pytest.fixture
def host(app: Flask) -> PlainBrowser:
    """The browser of somebody who has signed up."""
    return PlainBrowser(app).sign_up("Ada")
