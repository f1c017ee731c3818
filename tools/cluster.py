"""`make cluster`: the production shape on this machine, without Docker or root. Ctrl-C ends everything it started.

    make cluster ARGS="--workers 3 --port 8080"

Its data lives in temporary directories and goes with it. The parts are those of the tests: tests/support/cluster.py.
"""

import argparse
import signal
import sys
import time
from collections.abc import Mapping
from types import FrameType

from tests.support.cluster import Cluster
from tests.support.processes import Process, ServiceError
from tools.ports import refuse_taken_port

CHECK_S = 0.5


def main() -> None:
    """Run until interrupted; report any part that dies or comes back meanwhile."""
    options = arguments()
    refuse_taken_port("127.0.0.1", options.port, command="make cluster ARGS='--port {port}'")
    signal.signal(signal.SIGTERM, interrupt)
    settings = {"PUBLIC_URL": f"http://127.0.0.1:{options.port}", "S3_UPLOAD_METHOD": options.upload_method}
    cluster = Cluster(workers=options.workers, port=options.port, with_s3=True, durable=True, settings=settings)
    print(f"Starting PostgreSQL, Redis, S3, {options.workers} workers and nginx (about ten seconds)", flush=True)
    try:
        with cluster:
            print(cluster.flask("seed"), flush=True)
            parts = describe(cluster)
            print(f"\nGreenroom is at {cluster.url} (Ctrl-C ends everything)\n", flush=True)
            watch(parts)
    except KeyboardInterrupt:
        print("\nEverything has ended.")
    except ServiceError as why:
        sys.exit(str(why))


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="make cluster", description="The production shape on this machine.")
    parser.add_argument("--workers", type=int, default=2, help="servers behind nginx (default: 2)")
    parser.add_argument("--port", type=int, default=8080, help="nginx's port (default: 8080)")
    parser.add_argument("--upload-method", choices=("post", "put"), default="post", help="S3_UPLOAD_METHOD")
    return parser.parse_args()


def interrupt(_signum: int, _frame: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does."""
    raise KeyboardInterrupt


def describe(cluster: Cluster) -> dict[str, Process]:
    """Print where each part listens and its pid, so that somebody can try and kill one; the parts by name."""
    parts: dict[str, Process] = {process.name: process for process in (*cluster.stores, cluster.nginx)}
    parts |= {f"worker {worker}": server for worker, server in cluster.servers.items()}
    for name, process in parts.items():
        print(f"  {name:<10} 127.0.0.1:{process.port:<6} pid {process.pid:<8} log {process.directory}/log")
    return parts


def watch(parts: Mapping[str, Process]) -> None:
    """Start again what dies, as a service manager would, and say so."""
    while True:
        time.sleep(CHECK_S)
        for name, process in parts.items():
            if not process.is_running:
                print(f"{name} died; starting it again", flush=True)
                process.launch()  # not waiting until it is ready: it may need another part that has died as well


if __name__ == "__main__":
    main()
