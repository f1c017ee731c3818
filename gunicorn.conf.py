from gevent import monkey

monkey.patch_all()  # first: psycopg and boto3 look at import

import gc
import resource
import sys

from app.backends.occupancy import OccupiedError, occupy
from app.realtime.settings import EngineSettings, WorkerSettings
from app.settings import SettingError, Settings
from app.web import logs
from app.web.background import background

try:
    settings, engine, http = Settings.from_env(), EngineSettings.from_env(), WorkerSettings.from_env()
except (SettingError, ValueError) as why:
    print(f"greenroom: {why}", file=sys.stderr)  # noqa: T201
    sys.exit(3)

bind = f"{settings.host}:{settings.port}"
worker_class = "app.realtime.worker.GreenroomWorker"
workers = 1  # a second worker behind one listener breaks polling; scale by processes, a port each
worker_connections = http.max_connections
backlog = 4096
keepalive = max(1, http.idle_timeout_ms // 1000)
timeout = 30
graceful_timeout = http.graceful_timeout_ms // 1000
control_socket_disable = True
forwarded_allow_ips = ""  # proxies are trusted by ProxyFix alone, in one place
header_map = "refuse"  # `X_Forwarded_For` and `Transfer_Encoding` read like what they are not
accesslog = None
logger_class = logs.gunicorn_logger(settings)


def on_starting(server):
    """Refuse what would break silently: TLS here, a database that is being replaced, too few files for the sockets allowed."""
    if server.cfg.is_ssl:
        print("greenroom: certfile and keyfile are not supported; end TLS in the proxy in front.", file=sys.stderr)  # noqa: T201
        sys.exit(3)
    try:
        occupy(settings)  # for the workers as well, which inherit it
    except OccupiedError as why:
        print(f"greenroom: {why}", file=sys.stderr)  # noqa: T201
        sys.exit(3)
    _raise_file_limit(server)


def post_fork(server, worker):
    """A signal that comes before the worker has handlers of its own lands here, where nobody looks any more."""
    worker.early_signals = server.SIG_QUEUE


def post_worker_init(worker):
    """Begin the loops beside the requests, and keep the collector off what lives as long as the process."""
    logs.take_what_is_printed()
    background.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 1_000)


def _raise_file_limit(server):
    wanted = engine.max_connections + http.max_connections + http.spare_files
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
