"""What is measured: Greenroom as shipped, the Node peer, and the Node peer with Greenroom's gathering of frames."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.machine import SERVER_CORE, pinned
from tests.support.processes import Process
from tests.support.server import ROOT, TEST_SECRET, Server, environment

PEER = ROOT / "bench" / "peer"
#: Everything that differs from the defaults, and why; printed with the results.
LIFTED = {
    "MESSAGE_RATE": ("1000000,1000000", "a sender of the run sends more than a person may"),
    "WIDE_RATE_LIMIT_MAX_REQUESTS": ("1000000", "the run joins again and again from ten addresses"),
    "SOCKET_PACKETS_PER_S": ("0", "a sender of the run sends more than a socket may"),
    "SOCKET_PACKETS_PER_S_PER_IP": ("0", "all senders come from ten addresses"),
    "LOG_LEVEL": ("warning", "the peer writes no log either"),
}


class Greenroom(Server):
    """One worker process on its core."""

    label = "Greenroom"

    def __init__(self, database_url: str, redis_url: str) -> None:
        lifted = {name: value for name, (value, _) in LIFTED.items()}
        super().__init__({"DATABASE_URL": database_url, "REDIS_URL": redis_url, **lifted})

    def command(self) -> list[str]:
        return pinned(SERVER_CORE, super().command())

    @property
    def measured_pid(self) -> int:
        """The worker; the arbiter above it does nothing."""
        return int(self.children()[-1].pid)

    def add_people(self, people: int, rooms: int) -> list[tuple[str, str]]:
        """Accounts in rooms: (token, room id) each."""
        command = [sys.executable, "-m", "bench.people", str(people), str(rooms)]
        done = subprocess.run(
            command, env=environment(self.settings), cwd=self.directory, stdout=subprocess.PIPE, text=True, check=True
        )
        return [(token, room) for token, room in json.loads(done.stdout)["people"]]


class Peer(Process):
    """Socket.IO on Node, one process on its core."""

    name = "peer"
    label = "Node"
    gather = ""

    def __init__(self, database_url: str, redis_url: str) -> None:
        super().__init__()
        self.settings = {
            "PORT": str(self.port),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "GATHER": self.gather,
            "NODE_ENV": "production",
            "JWT_SECRET": TEST_SECRET,
        }

    def command(self) -> list[str]:
        return pinned(SERVER_CORE, ["node", str(PEER / "server.js")])

    def environment(self) -> Mapping[str, str]:
        return environment(self.settings)

    @property
    def measured_pid(self) -> int:
        """The process itself."""
        return self.pid


class GatheringPeer(Peer):
    """The same with frames gathered as Greenroom does."""

    label = "Node, gathering"
    gather = "1"


def install_peer() -> None:
    """The packages of bench/peer, from its lock file.

    Raises:
        SystemExit: there is no Node.js.
    """
    if shutil.which("npm") is None:
        raise SystemExit("make bench needs Node.js 20 or newer with npm for the peer it compares with: install it.")
    if not Path(PEER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PEER, check=True)
