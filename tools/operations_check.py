"""`make operations`: the commands of docs/operations.md, extracted and executed on a clean Debian.

    python -m tools.operations_check [--keep] [--mirror URL] [--bind DIRECTORY …]

Every block of that page that is marked `sh` is a step, in the order of the page; the first that fails ends the run. Then the
backup that was made on the way is restored on a second Debian, a new server that was set up by the same page. A Debian root
comes from `debootstrap` (kept in `var/debian` for the next time) and the steps run in it by chroot. systemd needs a machine of
its own: its units are checked by `systemd-analyze verify`, and started by tools/stand_in_systemctl.py.
Needs root, `debootstrap` and a way to the packages of Debian and PyPI. Ports 80, 443, 3001-3003, 5432 and 6379 must be free.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operations.md"
BASE = ROOT / "var" / "debian"
RELEASE = "bookworm"
REPOSITORY = "/srv/greenroom.git"
BACKUPS = "var/backups/greenroom"
STEP_LIMIT_S = 900
_BLOCK = re.compile(r"^## (?P<title>[^\n]+)$|^```sh\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(page: str) -> list[tuple[str, str]]:
    """(section, commands) of every `sh` block, in order."""
    found, title = [], ""
    for match in _BLOCK.finditer(page):
        if match["title"]:
            title = match["title"]
        else:
            found.append((title, match["code"]))
    return found


def main() -> None:
    """Run every step; exit with 1 and its output when one fails."""
    options = arguments()
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        sys.exit("It needs root and debootstrap.")
    page = steps(PAGE.read_text())
    with TemporaryDirectory() as kept:
        with machine(options) as root:
            for number, (title, code) in enumerate(page, 1):
                run_step(root, number, title, code)
            verify_units(root, len(page) + 1)
            shutil.copytree(root / BACKUPS, kept, dirs_exist_ok=True)
        with machine(options) as root:
            shutil.copytree(kept, root / BACKUPS)
            for number, (title, code) in enumerate(elsewhere(page), len(page) + 2):
                run_step(root, number, f"A new server: {title}", code)
    print("Every command of docs/operations.md works on a clean Debian.")


def elsewhere(page: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The steps of a new server that takes over: set up without an account, then restored, with the account that was there."""
    setup = [step for step in page if step[0] == "On a server, with systemd" and "create-user" not in step[1]]
    (restore,) = [step for step in page if "pg_restore" in step[1]]
    flask = "/opt/greenroom/deploy/flask.sh"
    look = f'{flask} export-person ada > /tmp/ada\ngrep \'"username": "ada"\' /tmp/ada\n{flask} check\n'
    same = f"cmp /{BACKUPS}/env /etc/greenroom/env\n"
    return [*setup, restore, ("What was there is there again", look + same)]


@contextmanager
def machine(options: argparse.Namespace) -> Iterator[Path]:
    """A clean Debian that steps can run in; whatever they start ends with it."""
    with ExitStack() as stack:
        root = stack.enter_context(clean_root(options.mirror, keep=options.keep))
        prepare(root)
        for path in ("/proc", "/dev"):
            stack.enter_context(mounted(Path(path), root, "--rbind"))
        for path in options.bind:
            stack.enter_context(mounted(Path(path), root, "--bind", "-o", "ro"))
        stack.callback(end_processes, root)
        yield root


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make operations", description=main.__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the root there, to look into")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian", help="of Debian's packages")
    parser.add_argument("--bind", nargs="*", default=[], help="directories of this machine to read inside as well")
    return parser.parse_args()


@contextmanager
def clean_root(mirror: str, *, keep: bool) -> Iterator[Path]:
    """A copy of a fresh minimal Debian."""
    if not (BASE / "etc" / "debian_version").exists():
        BASE.parent.mkdir(exist_ok=True)
        subprocess.run(["debootstrap", "--variant=minbase", RELEASE, str(BASE), mirror], check=True)
    root = Path(mkdtemp(prefix="greenroom-debian-"))
    root.chmod(0o755)
    subprocess.run(["cp", "-a", "--reflink=auto", f"{BASE}/.", str(root)], check=True)
    try:
        yield root
    finally:
        if keep or str(root) in Path("/proc/self/mountinfo").read_text():  # never remove through a mount that stayed
            print(f"kept {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)


def prepare(root: Path) -> None:
    """What a server has and a bare root has not: names, a network, our repository, `systemctl`; no package starts daemons."""
    for name in ("etc/resolv.conf", "etc/hosts", "etc/pip.conf"):
        if Path("/", name).exists():
            shutil.copy(Path("/", name), root / name)
    authorities = root / "usr/local/share/ca-certificates"  # a mirror of packages may have one of its own
    authorities.mkdir(parents=True, exist_ok=True)
    for path in Path("/usr/local/share/ca-certificates").glob("*.crt"):
        shutil.copy(path, authorities)
    write(root / "usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
    shutil.copy(ROOT / "tools" / "stand_in_systemctl.py", root / "usr/local/bin/systemctl")
    (root / "usr/local/bin/systemctl").chmod(0o755)
    subprocess.run(["git", "clone", "-q", "--bare", str(ROOT), f"{root}{REPOSITORY}"], check=True)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@contextmanager
def mounted(path: Path, root: Path, *how: str) -> Iterator[None]:
    """`path` of this machine at the same place in `root`."""
    target = root / path.relative_to("/")
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *how, str(path), str(target)], check=True)
    subprocess.run(["mount", "--make-rslave", str(target)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(target)], check=False)


def run_step(root: Path, number: int, title: str, code: str) -> None:
    """One block, as root typed it into a shell of its own."""
    print(f"[{number}] {title}", flush=True)
    began_s = time.monotonic()
    passed_on = {
        name: value for name, value in os.environ.items() if name.startswith("PIP_") or "proxy" in name.lower()
    }
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "REPOSITORY": REPOSITORY,
        **passed_on,
    }
    log = root / "tmp" / f"step-{number}.log"
    with log.open("wb") as output:
        done = subprocess.run(
            ["chroot", str(root), "bash", "-euxo", "pipefail", "-c", f"cd /root\n{code}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=STEP_LIMIT_S,
            check=False,
        )
    print(f"    {time.monotonic() - began_s:.0f} s", flush=True)
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-60:])
        sys.exit(f"Step {number} ({title}) failed with status {done.returncode}:\n{code}\n{tail}")


def verify_units(root: Path, number: int) -> None:
    """What systemd itself says of the units as they were installed."""
    units = "greenroom@1.service greenroom-migrate.service greenroom.target"
    code = f"apt-get install -y --no-install-recommends systemd\nsystemd-analyze verify {units}\n"
    run_step(root, number, "What systemd says of the units", code)


def end_processes(root: Path) -> None:
    """End what the steps have left running: whatever has this root as its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and (entry / "root").readlink() == root:
                    os.kill(int(entry.name), number)
        time.sleep(2)


if __name__ == "__main__":
    main()
