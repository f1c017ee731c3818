"""What presence, limits and windows reach Redis by: its URLs, and how long it may be silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from redis.exceptions import RedisError

from app.backends.redis_client import RedisClient
from tests.support.proxy import CERTIFICATE, Proxy
from tests.support.services import Redis

PING = [("PING",)]


@pytest.fixture
def server() -> Iterator[Redis]:
    with Redis(password="a pass-word") as running:
        yield running


def url(port: int, scheme: str = "redis", password: str = "a%20pass-word", query: str = "") -> str:
    return f"{scheme}://:{password}@127.0.0.1:{port}/0{query}"


def test_a_password_is_used(server: Redis) -> None:
    with closing(RedisClient(url(server.port))) as client:
        assert client.run(PING)
    with closing(RedisClient(url(server.port, password="guess"))) as stranger, pytest.raises(RedisError):
        stranger.run(PING)


def test_a_rediss_url_means_tls(server: Redis) -> None:
    with Proxy(server.port, tls=True) as proxy:
        with closing(RedisClient(url(proxy.port, "rediss", query=f"?ssl_ca_certs={CERTIFICATE}"))) as secure:
            assert secure.run(PING)
        with closing(RedisClient(url(proxy.port, "rediss"))) as doubtful, pytest.raises(RedisError):
            doubtful.run(PING)


def test_a_silent_server_is_an_error_in_time_and_used_again_once_it_speaks(server: Redis) -> None:
    with closing(RedisClient(url(server.port), timeout_s=0.2)) as client:
        client.run(PING)
        with server.paused():
            began_s = time.monotonic()
            with pytest.raises(RedisError):
                client.run(PING)
            assert time.monotonic() - began_s < 2
        assert client.run(PING)
