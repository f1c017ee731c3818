"""Hosts of their own on one machine: network namespaces joined by switches, whose cables can be pulled.

    with Network("front", "back") as network:
        stores = network.host("stores", "back")
        worker = network.host("worker", "front", "back")
        network.unplug(worker, "back")      # packets vanish, and nobody is told

Linux, root and iproute2 are needed (`is_possible`). A namespace belongs to a thread (setns(2)): `Host.inside` moves the calling
one, and what it starts or opens meanwhile belongs to that host. Nothing touches the machine's own network.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

NAMESPACES = Path("/run/netns")
OWN_NAMESPACE = Path("/proc/thread-self/ns/net")
CLONE_NEWNET = 0x40000000
#: RFC 2544 keeps these for tests of networks.
PREFIXES = ("198.18.0", "198.19.0")
_serial = itertools.count()


@dataclass(frozen=True)
class Host:
    """Where a process runs: its first address, and its namespace, if it has one of its own."""

    address: str = "127.0.0.1"
    namespace: str = ""
    addresses: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_local(self) -> bool:
        """Whether it is this machine itself."""
        return not self.namespace

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What the calling thread starts and connects in the block belongs to this host."""
        if self.is_local:
            yield
            return
        with OWN_NAMESPACE.open() as before:
            with (NAMESPACES / self.namespace).open() as own:
                _enter(own.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())


LOCAL = Host()


class Network:
    """Switches by name; hosts are plugged into one or more of them."""

    def __init__(self, *switches: str) -> None:
        self._prefix = f"greenroom-{os.getpid()}-{next(_serial)}"
        self._switches = dict(zip(switches, PREFIXES, strict=True))
        self._hosts: list[Host] = []

    @property
    def _room(self) -> str:
        """The namespace of the switches."""
        return f"{self._prefix}-switches"

    def host(self, name: str, *switches: str) -> Host:
        """A new host with a cable to each of these; its address is the one at the first."""
        number = len(self._hosts) + 1
        addresses = {switch: f"{self._switches[switch]}.{number}" for switch in switches}
        host = Host(addresses[switches[0]], f"{self._prefix}-{name}", addresses)
        ip("netns", "add", host.namespace)
        self._hosts.append(host)
        ip("link", "set", "lo", "up", inside=host.namespace)
        for switch, address in addresses.items():
            cable = self._cable(host, switch)
            ip("link", "add", cable, "type", "veth", "peer", "name", switch, "netns", host.namespace, inside=self._room)
            ip("address", "add", f"{address}/24", "dev", switch, inside=host.namespace)
            ip("link", "set", switch, "up", inside=host.namespace)
            ip("link", "set", cable, "master", switch, "up", inside=self._room)
        return host

    def unplug(self, host: Host, switch: str) -> None:
        """From now on its packets on that switch go nowhere; its interface stays up, so it is not told."""
        ip("link", "set", self._cable(host, switch), "nomaster", inside=self._room)

    def plug(self, host: Host, switch: str) -> None:
        """Undo `unplug`; TCP sends again what was lost, when its own time comes."""
        ip("link", "set", self._cable(host, switch), "master", switch, inside=self._room)

    def _cable(self, host: Host, switch: str) -> str:
        return f"{switch}{self._hosts.index(host)}"

    def __enter__(self) -> Self:
        atexit.register(self._delete)
        ip("netns", "add", self._room)
        for switch in self._switches:
            ip("link", "add", switch, "type", "bridge", inside=self._room)
            ip("link", "set", switch, "up", inside=self._room)
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self._delete)
        self._delete()

    def _delete(self) -> None:
        for namespace in [*(host.namespace for host in self._hosts), self._room]:
            ip("netns", "delete", namespace)


def is_possible() -> bool:
    """Whether this machine lets us make hosts."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    try:
        with Network("front", "back") as network, network.host("probe", "front", "back").inside():
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def ip(*words: str, inside: str = "") -> None:
    """One command of iproute2, in a namespace or in ours.

    Raises:
        subprocess.CalledProcessError: it was refused.
    """
    where = ["-n", inside] if inside else []
    subprocess.run(["ip", *where, *words], check=True, capture_output=True)


def _enter(file: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(file, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
