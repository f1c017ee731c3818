"""Whether a port is free, and which one is instead. Imports nothing of the app: for programs that gevent patches and others."""

import socket
import sys

NEXT_PORTS = 50


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
