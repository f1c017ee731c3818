from gevent import monkey

monkey.patch_all()  # first: psycopg and boto3 look at import

import gc
import os
import resource

bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT') or 3000}"  # noqa: S104
worker_class = "app.realtime.worker.GreenroomWorker"
workers = 1  # a second worker behind one listener breaks polling; scale by processes, a port each
worker_connections = int(os.environ.get("HTTP_MAX_CONNECTIONS") or 4096)
backlog = 4096
keepalive = 10  # seconds: idle connections, and how long a request's head may take to arrive
timeout = 30
graceful_timeout = 30
control_socket_disable = True
forwarded_allow_ips = ""  # proxies are trusted by ProxyFix alone, in one place
accesslog = None

#: Files that are neither sockets nor HTTP connections: database, logs, libraries.
SPARE_FILES = 256


def on_starting(server):
    """Refuse what would break silently: TLS here, too few files for the sockets allowed."""
    if server.cfg.is_ssl:
        raise SystemExit("certfile and keyfile are not supported: end TLS in the proxy in front.")
    _raise_file_limit(server)


def post_worker_init(worker):
    """Begin the loops beside the requests, and keep the collector off what lives as long as the process."""
    from app.web.background import background

    background.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 1_000)


def _raise_file_limit(server):
    wanted = int(os.environ.get("SOCKET_MAX_CONNECTIONS") or 15_000) + worker_connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    if reachable < wanted:
        server.log.warning(
            "Only %s open files are allowed, %s are wanted: raise LimitNOFILE or lower SOCKET_MAX_CONNECTIONS.",
            reachable,
            wanted,
        )
