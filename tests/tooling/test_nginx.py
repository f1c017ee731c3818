"""Real nginx before two real servers: who is sent where, and what happens when one is gone."""

import json
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest
import requests
import websocket

from app.core.errors import CATALOGUE
from tests.support.fixtures import StartServer
from tests.support.processes import free_port, together
from tests.support.proxy import CERTIFICATE, KEY
from tests.support.server import Server
from tests.support.services import Nginx
from tests.support.waiting import eventually
from tools import nginx_conf

POLLING = "/socket.io/?EIO=4&transport=polling"
VERSIONS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


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


def sockets_of(server: Server) -> int:
    """How many WebSockets it has."""
    stats = requests.get(f"{server.url}/stats", timeout=5).json()
    return int(stats["connections"] - stats["polling"])


def test_a_polling_client_stays_on_its_worker(nginx: Nginx) -> None:
    sids = [open_session(nginx.url) for _ in range(10)]
    for sid in sids:
        mine = f"{nginx.url}{POLLING}&sid={sid}"
        assert requests.post(mine, data="40", timeout=5).text.lower() == "ok"
        assert requests.get(mine, timeout=5).text.startswith("40")


def test_new_clients_are_spread_over_the_workers(nginx: Nginx) -> None:
    assert {open_session(nginx.url).split(".")[0] for _ in range(6)} == {"w1", "w2"}


def test_new_clients_go_where_the_fewest_are(nginx: Nginx, workers: dict[str, Server]) -> None:
    with ExitStack() as connected:

        def come(clients: int) -> dict[str, list[ExitStack]]:
            """Connections that stay, by the worker that has them."""
            by_worker: dict[str, list[ExitStack]] = {"w1": [], "w2": []}
            for _ in range(clients):
                address = f"{nginx.url}/socket.io/?EIO=4&transport=websocket".replace("http", "ws", 1)
                one = connected.enter_context(ExitStack())
                socket = one.enter_context(closing(websocket.create_connection(address, timeout=5)))
                by_worker[json.loads(socket.recv()[1:])["sid"].split(".")[0]].append(one)
                socket.send("40")  # who joins no namespace is let go
            return by_worker

        first = come(8)
        assert {worker: len(there) for worker, there in first.items()} == {"w1": 4, "w2": 4}
        for one in first["w2"]:
            one.close()
        eventually(lambda: sockets_of(workers["w2"]) == 0)
        assert {worker: len(there) for worker, there in come(4).items()} == {"w1": 0, "w2": 4}


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


def test_tls_ends_here_and_the_worker_is_told(start_server: StartServer) -> None:
    server, unstarted, plain = start_server(TRUSTED_HOPS="1"), Nginx(), free_port()
    text = nginx_conf.render(
        {"w0": f"127.0.0.1:{server.port}"},
        listen=f"127.0.0.1:{unstarted.port} ssl",
        tls=(str(CERTIFICATE), str(KEY)),
        directory=unstarted.directory,
    )
    with unstarted.configure(text.replace("listen 80;", f"listen 127.0.0.1:{plain};")):
        url = f"https://127.0.0.1:{unstarted.port}"
        assert requests.get(f"{url}{POLLING}", verify=str(CERTIFICATE), timeout=5).text.startswith("0{")
        told = requests.get(f"{url}/healthz", verify=str(CERTIFICATE), timeout=5)
        assert told.headers["Strict-Transport-Security"], "the worker does not know that it is asked by TLS"
        sent = requests.get(f"http://127.0.0.1:{plain}/rooms?q=x", allow_redirects=False, timeout=5)
        assert (sent.status_code, sent.headers["Location"]) == (308, "https://127.0.0.1/rooms?q=x")
        forged = requests.get(f"{server.url}/healthz", timeout=5)
        assert "Strict-Transport-Security" not in forged.headers
        assert {version for version in VERSIONS if speaks(unstarted.port, version)} == {
            ssl.TLSVersion.TLSv1_2,
            ssl.TLSVersion.TLSv1_3,
        }


def speaks(port: int, version: ssl.TLSVersion) -> bool:
    """Whether a handshake of this version alone succeeds."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock, suppress(ssl.SSLError, OSError):
        context.wrap_socket(sock, server_hostname="127.0.0.1").close()
        return True
    return False


def test_a_dead_workers_clients_are_sent_to_another_and_start_anew(nginx: Nginx, workers: dict[str, Server]) -> None:
    orphan = next(sid for sid in (open_session(nginx.url) for _ in range(6)) if sid.startswith("w1."))
    workers["w1"].kill()
    try:
        assert requests.get(f"{nginx.url}{POLLING}&sid={orphan}", timeout=5).status_code == 400
        assert {open_session(nginx.url).split(".")[0] for _ in range(4)} == {"w2"}
    finally:
        workers["w1"].start()


def test_when_all_workers_were_gone_everybody_gets_in_again_at_once(workers: dict[str, Server], nginx: Nginx) -> None:
    address = f"{nginx.url}/socket.io/?EIO=4&transport=websocket".replace("http", "ws", 1)
    for server in workers.values():
        server.kill()
    for _ in range(4):
        with pytest.raises(websocket.WebSocketBadStatusException, match="503"):
            websocket.create_connection(address, timeout=5)
    for server in workers.values():
        server.launch()
    for server in workers.values():
        server.wait_until_ready()
    with ExitStack() as connected:
        for _ in range(10):  # all of them stay, so that no request ends well
            connected.enter_context(closing(websocket.create_connection(address, timeout=5)))


def test_without_any_worker_clients_are_told_to_come_back() -> None:
    with proxy({"w1": free_port(), "w2": free_port()}) as lonely:
        answer = requests.get(f"{lonely.url}/api/rooms", timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"] == envelope("draining")


HOST = b"Host: greenroom\r\n"
SMUGGLED = b"GET /readyz HTTP/1.1\r\n" + HOST + b"\r\n"


def said_to(nginx: Nginx, data: bytes) -> bytes:
    """Everything that nginx says to `data` before it closes."""
    said = b""
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=5) as sock, suppress(ConnectionResetError):
        sock.sendall(data)
        while piece := sock.recv(65_536):
            said += piece
    return said


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n" + SMUGGLED,
            400,
            "malformed",
        ),
        (
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
            400,
            "malformed",
        ),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: x\r\n\r\n" + SMUGGLED, 501, "malformed"),
        (b"GET / HTTP/1.1\r\n\r\n" + SMUGGLED, 400, "malformed"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + SMUGGLED, 400, "malformed"),
        (b"GET /../secret HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed"),
        (b"no request\r\n\r\n", 400, "malformed"),
        (b"GET /refused/method HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 404, "not_found"),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405, "method_not_allowed"),
        (b"GET /?" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"a" * 9_000 + b"\r\n\r\n", 431, "headers_too_large"),
    ],
)
def test_what_nginx_refuses_by_itself_has_the_apps_shape_and_ends_the_connection(
    nginx: Nginx, data: bytes, status: int, code: str
) -> None:
    head, _, body = said_to(nginx, data).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}".encode())
    assert b"\r\nX-Request-ID: " in head
    assert json.loads(body)["error"] == envelope(code)


@pytest.mark.parametrize(
    ("path", "protocol"),
    [("/", "websocket"), ("/socket.io/x?EIO=4&transport=websocket", "websocket"), (POLLING, "h2c"), (POLLING, "x")],
)
def test_nothing_but_the_engine_leaves_http(nginx: Nginx, path: str, protocol: str) -> None:
    asks = f"Upgrade: {protocol}\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'x' * 22}==\r\n"
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=5) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: greenroom\r\n{asks}\r\n".encode())
        answer = sock.recv(100)
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 4"))


def test_the_access_log_holds_nothing_that_lets_somebody_in(server: Server) -> None:
    unstarted = Nginx()
    kept = nginx_conf.render({"w1": f"127.0.0.1:{server.port}"}, listen=f"127.0.0.1:{unstarted.port}")
    lines = nginx_conf.render(
        {"w1": f"127.0.0.1:{server.port}"}, listen=f"127.0.0.1:{unstarted.port}", directory=unstarted.directory
    )
    assert "access_log /var/log/nginx/access.log greenroom;" in kept
    log = unstarted.directory / "access.log"
    with unstarted.configure(lines.replace("access_log off;", f"access_log {log} greenroom;", 1)) as nginx:
        secret, room = "VerySecretShareToken", "01a214a7-f8fc-72ab-b1ae-05b4f9a119a1"
        paths = [f"/{door}/{secret}" for door in ("r", "join", "api/rooms", "api/crowd", "api/links", "api/files")]
        paths += [f"/r/{secret}/stage", f"/r/{secret}/crowd", f"/api/links/{secret}/accept", f"/?shareToken={secret}"]
        for path in (*paths, f"//r/{secret}", f"/r/%56{secret[1:]}", f"/api/rooms/{room}/timers"):
            requests.get(f"{nginx.url}{path}", headers={"Referer": f"{nginx.url}/r/{secret}"}, timeout=5)
        requests.put(f"{nginx.url}/api/uploads/{secret}", timeout=5)
    said = log.read_text()
    assert secret not in said
    assert f'"GET /api/rooms/{room}/timers HTTP/1.1" 4' in said
    assert '"GET /r/*/stage HTTP/1.1"' in said


def envelope(code: str) -> dict[str, object]:
    row = CATALOGUE[code]
    return {"code": code, "message": row.message, "details": {}, "retryable": row.retryable}


@pytest.mark.parametrize("path", nginx_conf.deployed(), ids=lambda path: path.name)
def test_the_files_in_deploy_are_what_the_template_renders(path: nginx_conf.Path) -> None:
    assert path.read_text() == nginx_conf.deployed()[path]
