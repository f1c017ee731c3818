"""Real nginx before two real servers: who is sent where, and what happens when one is gone."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
import websocket

from app.core.errors import CATALOGUE
from tests.support.processes import free_port, together
from tests.support.proxy import CERTIFICATE, KEY
from tests.support.server import Server
from tests.support.services import Nginx
from tools import nginx_conf

POLLING = "/socket.io/?EIO=4&transport=polling"


def engine_server(worker_id: str) -> Server:
    settings = {"CONFORMANCE_SETTINGS": json.dumps({"worker_id": worker_id})}
    return Server(settings, app="tests.conformance.app:app", ready="/readyz")


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, Server]]:
    servers = {worker: engine_server(worker) for worker in ("w1", "w2")}
    with together(*servers.values()):
        yield servers


@pytest.fixture(scope="module")
def nginx(workers: dict[str, Server]) -> Iterator[Nginx]:
    with proxy({worker: server.port for worker, server in workers.items()}) as running:
        yield running


def proxy(ports: dict[str, int]) -> Nginx:
    unstarted = Nginx()
    addresses = {worker: f"127.0.0.1:{port}" for worker, port in ports.items()}
    listen = f"127.0.0.1:{unstarted.port}"
    return unstarted.configure(
        nginx_conf.render(addresses, listen=listen, directory=unstarted.directory, connections=512)
    )


def open_session(url: str) -> str:
    """The sid of a new polling session."""
    answer = requests.get(f"{url}{POLLING}", timeout=5)
    sid: str = json.loads(answer.text[1:])["sid"]
    return sid


def test_a_polling_client_stays_on_its_worker(nginx: Nginx) -> None:
    sids = [open_session(nginx.url) for _ in range(10)]
    for sid in sids:
        mine = f"{nginx.url}{POLLING}&sid={sid}"
        assert requests.post(mine, data="40", timeout=5).text.lower() == "ok"
        assert requests.get(mine, timeout=5).text.startswith("40")


def test_new_clients_are_spread_over_the_workers(nginx: Nginx) -> None:
    assert {open_session(nginx.url).split(".")[0] for _ in range(6)} == {"w1", "w2"}


def test_an_upgrade_reaches_the_worker_that_has_the_session(nginx: Nginx) -> None:
    for sid in [open_session(nginx.url) for _ in range(6)]:
        address = f"{nginx.url}/socket.io/?EIO=4&transport=websocket&sid={sid}".replace("http", "ws", 1)
        with closing(websocket.create_connection(address, timeout=5)) as upgrade:
            upgrade.send("2probe")
            assert upgrade.recv() == "3probe"
            upgrade.shutdown()


def test_a_body_over_the_limit_is_refused_in_the_apps_own_shape(nginx: Nginx) -> None:
    answer = requests.post(f"{nginx.url}/api/rooms", data=b"x" * 1_100_000, timeout=5)
    assert answer.status_code == 413
    assert answer.json()["error"] == envelope("body_too_large")


def test_a_file_may_be_longer_than_any_other_body_and_a_refusal_arrives(server: Server) -> None:
    with proxy({"w1": server.port}) as nginx:
        for megabytes, status in ((3, 404), (24, 404), (28, 413)):
            content = bytes(megabytes * 1_000_000)
            assert requests.put(f"{nginx.url}/api/uploads/token", data=content, timeout=20).status_code == status


def test_tls_ends_here_and_the_worker_is_told(workers: dict[str, Server]) -> None:
    unstarted = Nginx()
    addresses = {worker: f"127.0.0.1:{server.port}" for worker, server in workers.items()}
    text = nginx_conf.render(
        addresses,
        listen=f"127.0.0.1:{unstarted.port} ssl",
        tls=(str(CERTIFICATE), str(KEY)),
        directory=unstarted.directory,
    )
    assert "return 308 https://" in text
    with unstarted.configure(text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")):
        url = f"https://127.0.0.1:{unstarted.port}"
        assert requests.get(f"{url}{POLLING}", verify=str(CERTIFICATE), timeout=5).text.startswith("0{")


def test_a_dead_workers_clients_are_sent_to_another_and_start_anew(nginx: Nginx, workers: dict[str, Server]) -> None:
    orphan = next(sid for sid in (open_session(nginx.url) for _ in range(6)) if sid.startswith("w1."))
    workers["w1"].kill()
    try:
        assert requests.get(f"{nginx.url}{POLLING}&sid={orphan}", timeout=5).status_code == 400
        assert {open_session(nginx.url).split(".")[0] for _ in range(4)} == {"w2"}
    finally:
        workers["w1"].start()


def test_without_any_worker_clients_are_told_to_come_back() -> None:
    with proxy({"w1": free_port(), "w2": free_port()}) as lonely:
        answer = requests.get(f"{lonely.url}/api/rooms", timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"] == envelope("draining")


def envelope(code: str) -> dict[str, object]:
    row = CATALOGUE[code]
    return {"code": code, "message": row.message, "details": {}, "retryable": row.retryable}


@pytest.mark.parametrize("path", nginx_conf.deployed(), ids=lambda path: path.name)
def test_the_files_in_deploy_are_what_the_template_renders(path: nginx_conf.Path) -> None:
    assert path.read_text() == nginx_conf.deployed()[path]
