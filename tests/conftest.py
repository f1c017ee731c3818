"""Fixtures for every test; those for services are in tests/support/fixtures.py."""

pytest_plugins = ["tests.support.fixtures", "tests.support.app_fixtures"]
