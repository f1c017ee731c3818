"""Fixtures for every test; those for services are in tests/support/fixtures.py."""

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
