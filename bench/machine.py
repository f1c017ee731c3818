"""Where a run happens: which core is whose, and what has to be said about the machine beside its numbers."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process (prctl(2)), where there is such a thing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def pinned(core: int, command: list[str]) -> list[str]:
    """`command` on one core, where there are two and a way to say so."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core), *command] if taskset and (os.cpu_count() or 1) > 1 else command


def resident_kb(pid: int) -> int:
    """Resident memory (RSS) of a process in kB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no VmRSS")


def open_files(pid: int) -> int:
    """How many files a process has open, sockets among them."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def describe() -> str:
    """One line: processor, cores, memory, kernel, load."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, {memory_gb:.0f} GB, Linux {platform.release()}, load {load} at the start"
