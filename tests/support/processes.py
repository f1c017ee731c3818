"""A child process that tests start, stop, kill, freeze and start again.

Each has a directory with its log, and keeps its port across restarts so that its clients find it again.
Nothing outlives the interpreter: what was started is killed at exit, and no process is ever looked up by name.
"""

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

import psutil

from tests.support.network import LOCAL, Host

SLOW_START_S = 2.0
POLL_S = 0.02
LOG_LINES = 30
PORTS = (15_000, 32_000)
_given: set[int] = set()


class ServiceError(RuntimeError):
    """A service is missing or did not start; the message says what to install or what its log ends with."""


def own_ports(shard: str) -> range:
    """Where `free_port` looks in this half of a run (`1/2`): what one has found and not opened yet looks free to the other."""
    mine, shards = (int(part) for part in shard.split("/"))
    first, last = PORTS
    each = (last - first) // shards
    return range(first + (mine - 1) * each, first + mine * each)


def free_port() -> int:
    """A port of the loopback that nothing listens on, given out once.

    Below the range from which systems take the near end of outgoing connections: a service that is started again would
    now and then find its own port in use by somebody's client.
    """
    while True:
        port = random.choice(own_ports(os.environ.get("SHARD", "1/1")))
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def accepts(port: int, address: str = LOCAL.address) -> bool:
    """Whether something listens there."""
    with suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False


def wait_until(condition: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    """Return as soon as the condition holds.

    Raises:
        ServiceError: it did not in time; with `otherwise`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"{otherwise} after {timeout_s:g} s")
        time.sleep(POLL_S)


def new_directory(name: str) -> Path:
    """A directory outside every home, readable by a service that drops root; gone at exit."""
    path = Path(tempfile.mkdtemp(prefix=f"greenroom-{name}-"))
    path.chmod(0o755)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


class Process:
    """One program in its own session. Subclasses say what to run and when it is ready; `with` starts and stops it."""

    name = "process"
    stop_signal = signal.SIGTERM
    start_timeout_s = 60.0  # a busy CI machine
    stop_timeout_s = 15.0
    user: str | None = None
    #: What runs now, of any kind; for showing logs.
    started: ClassVar[set["Process"]] = set()

    def __init__(self, *, port: int | None = None, directory: Path | None = None, host: Host = LOCAL) -> None:
        self.host = host
        self.port = port or free_port()
        self.directory = directory or new_directory(self.name)
        self._child: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """What to execute."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """The child's whole environment."""
        return os.environ

    def is_ready(self) -> bool:
        """Whether it answers; called until true."""
        return accepts(self.port, self.host.address)

    @property
    def pid(self) -> int:
        """The process id of the running program."""
        if self._child is None:
            raise ServiceError(f"{self.name} is not running")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether the program itself is alive."""
        return self._child is not None and self._child.poll() is None

    @property
    def log(self) -> str:
        """All that it has written so far."""
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> Self:
        """Run it and return when it is ready.

        Raises:
            ServiceError: it ended or was not ready in time; with the end of its log.
        """
        self.launch()
        return self.wait_until_ready()

    def wait_until_ready(self) -> Self:
        """Return when it answers; raises as `start` does."""
        began = time.monotonic()
        while not self.is_ready():
            ended = not self.is_running
            if ended or time.monotonic() - began > self.start_timeout_s:
                self.kill()
                tail = "\n".join(self.log.splitlines()[-LOG_LINES:])
                why = "ended" if ended else "was not ready in time"
                raise ServiceError(f"{self.name} {why}. Its log ends:\n{tail}")
            time.sleep(POLL_S)
        took = time.monotonic() - began
        if took > SLOW_START_S:
            print(f"{self.name} was up in {took:.1f} s", flush=True)
        return self

    def launch(self) -> None:
        """Run it without waiting."""
        if self.is_running:
            raise ServiceError(f"{self.name} is running already")
        with self.host.inside(), (self.directory / "log").open("ab") as log:
            self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment()),
                cwd=self.directory,
                start_new_session=True,
                user=self.user,
            )
        self.started.add(self)
        atexit.register(self.kill)

    def stop(self) -> int:
        """Ask it to end and wait; its exit status. What does not end in time is killed."""
        self.send(self.stop_signal)
        return self.wait()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for its end; its exit status. Past the limit it is killed and the status is -9."""
        if self._child is None:
            return 0
        try:
            status = self._child.wait(timeout_s or self.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
        self._forget()
        return status

    def kill(self) -> None:
        """SIGKILL it and every child of it; it cannot say goodbye."""
        children = self.children()
        self.send(signal.SIGKILL, tree=True)
        psutil.wait_procs(children, timeout=self.stop_timeout_s)
        if self._child is not None:
            self._child.wait()
        self._forget()

    def _forget(self) -> None:
        self.started.discard(self)
        atexit.unregister(self.kill)

    def restart(self) -> Self:
        """Stop it properly and start it on the same port, with the same data."""
        self.stop()
        return self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Frozen (SIGSTOP) inside the block: its sockets stay open and nothing answers."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def pause(self) -> None:
        """SIGSTOP it and every child of it."""
        self.send(signal.SIGSTOP, tree=True)

    def resume(self) -> None:
        """SIGCONT what `pause` stopped."""
        self.send(signal.SIGCONT, tree=True)

    def send(self, signum: signal.Signals, *, tree: bool = False) -> None:
        """Send a signal to it, or to it and all its children; nothing happens when it has ended."""
        if not self.is_running:
            return
        for target in [psutil.Process(self.pid), *(self.children() if tree else [])]:
            with suppress(psutil.NoSuchProcess):
                target.send_signal(signum)

    def children(self) -> list[psutil.Process]:
        """Every process it started, directly or not."""
        return psutil.Process(self.pid).children(recursive=True) if self.is_running else []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def together(*processes: Process) -> Iterator[None]:
    """All of them running inside the block: started at the same time, stopped in the opposite order."""
    with ExitStack() as stack:
        for process in processes:
            process.launch()
            stack.callback(process.stop)
        for process in processes:
            process.wait_until_ready()
        yield
