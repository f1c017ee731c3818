"""`python -m bench`: runs `bench.run`, or `bench.history` if only that is asked for, and leaves no process behind.

Servers and stores run in sessions of their own, so that a run which is killed would leave them: they come back to this process
(it is their subreaper, prctl(2)), which ends them.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import psutil

from bench.machine import PR_SET_CHILD_SUBREAPER, prctl

GOODBYE_S = 20


def main() -> int:
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    asked = sys.argv[1:]
    program = ["bench.history", *asked[2:]] if asked[:2] == ["--only", "history"] else ["bench.run", *asked]
    run = subprocess.Popen([sys.executable, "-m", *program])

    def pass_on(signum: int, _: Any) -> None:
        run.send_signal(signum)

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, pass_on)
    try:
        return run.wait()
    finally:
        left = psutil.Process().children(recursive=True)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=GOODBYE_S)


if __name__ == "__main__":
    sys.exit(main())
