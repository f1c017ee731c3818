"""Start Greenroom for one person at one machine: check the port, migrate, seed the demo, say where to go, serve.

`scripts/run.sh` calls it inside the environment it made. Settings come from the environment and `.env`.
"""

import os
import socket
import subprocess
import sys

from app.settings import SettingError, Settings

NEXT_PORTS = 50


def main() -> None:
    """Replace this process with gunicorn, or exit with one line that says what is in the way."""
    try:
        settings = Settings.from_env()
    except SettingError as why:
        sys.exit(str(why))
    refuse_taken_port(settings.host, settings.port)
    print("Preparing the database", flush=True)
    flask("db", "upgrade")
    if not settings.database_url:  # a database that somebody named gets no demo accounts
        flask("seed")
    print(f"\nGreenroom is at {' and '.join(urls(settings.host, settings.port))} (Ctrl-C ends it)\n", flush=True)
    os.environ |= {"HOST": settings.host, "PORT": str(settings.port)}  # gunicorn.conf.py reads no .env
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    os.execv(command[0], command)  # noqa: S606 - our own interpreter


def refuse_taken_port(host: str, port: int, command: str = "PORT={port} make run") -> None:
    """Exit with a line that names a free port when something listens on this one."""
    if is_free(host, port):
        return
    free = next((p for p in range(port + 1, port + NEXT_PORTS) if is_free(host, p)), 0)
    sys.exit(f"Port {port} is taken. Stop what uses it, or choose another: {command.format(port=free)}")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there; a connection that is still closing does not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def flask(*command: str) -> None:
    """Run a `flask` command of this app; its failure is ours."""
    done = subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", *command], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def urls(host: str, port: int) -> list[str]:
    """The addresses people can open: this machine's and, if we listen to it, the local network's."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return [f"http://{host}:{port}"]
    network = network_address()
    return [f"http://localhost:{port}"] + ([f"http://{network}:{port}"] if network else [])


def network_address() -> str:
    """Our address on the local network, or "". Connecting a datagram socket sends nothing; it picks a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
    return "" if address.startswith("127.") else address


if __name__ == "__main__":
    main()
