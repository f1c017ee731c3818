"""A real gunicorn with the conformance app, on a free port, for every module that asks."""

from collections.abc import Callable, Iterator

import pytest

from tests.realtime.launcher import Gunicorn

Launch = Callable[..., Gunicorn]


@pytest.fixture(scope="module")
def launch() -> Iterator[Launch]:
    """Start servers with `launch(profile=…, setting=value…)`; they end with the module."""
    running: list[Gunicorn] = []

    def start(profile: str = "own", **settings: object) -> Gunicorn:
        running.append(Gunicorn(profile, settings))
        return running[-1]

    yield start
    for server in running:
        server.kill()


@pytest.fixture(scope="session")
def server() -> Iterator[Gunicorn]:
    """One server with the default settings, for all modules: starting one takes seconds."""
    running = Gunicorn("own", {})
    yield running
    running.kill()
