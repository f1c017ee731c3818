"""Render deploy/nginx.conf.in for a list of workers: the one description of how clients are routed.

python -m tools.nginx_conf            write the files in deploy/ again
python -m tools.nginx_conf w1=10.0.0.5:3001 w2=10.0.0.6:3001 > nginx.conf
python -m tools.nginx_conf --tls fullchain.pem privkey.pem w1=127.0.0.1:3001 > nginx.conf
"""

import argparse
import grp
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from string import Template

DEPLOY = Path(__file__).parents[1] / "deploy"
#: Worker id → address. Beside systemd all are on this host; in compose each is a service.
HOST_WORKERS = {f"w{n}": f"127.0.0.1:{3000 + n}" for n in (1, 2)}
COMPOSE_WORKERS = {f"w{n}": f"app{n}:3000" for n in (1, 2)}

PACKAGED = """\
user {user};
pid /run/nginx.pid;
worker_rlimit_nofile 65536;
error_log /var/log/nginx/error.log warn;
"""

TLS = """\
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:greenroom:10m;
        ssl_session_timeout 1d;
        ssl_session_tickets off;
"""
REDIRECT = """\
    server {
        listen 80;
        return 308 https://$host$request_uri;
    }

"""


def render(
    workers: Mapping[str, str],
    *,
    heading: str = "Greenroom behind nginx.",
    listen: str = "",
    tls: tuple[str, str] | None = None,
    user: str = "www-data",
    directory: Path | None = None,
    connections: int = 16384,
) -> str:
    """A whole nginx.conf.

    Args:
        workers: `WORKER_ID` to `host:port`, one gunicorn each.
        heading: the first line's comment.
        listen: as in nginx's directive; 80 or, with TLS, 443 if not given.
        tls: the files of the certificate and its key; whoever comes without is sent to https.
        user: whose rights nginx's workers have; Debian's packages and nginx's own images differ.
        directory: keep every file of nginx there and stay in the foreground; None: where packages put them.
        connections: per nginx worker process.
    """
    return Template((DEPLOY / "nginx.conf.in").read_text()).substitute(
        heading=heading,
        listen=listen or ("443 ssl" if tls else "80"),
        tls=TLS.format(certificate=tls[0], key=tls[1]) if tls else "",
        redirect=REDIRECT if tls else "",
        connections=connections,
        preamble=_preamble(user, directory),
        access_log="/var/log/nginx/access.log greenroom" if directory is None else "off",
        temp_paths=_temp_paths(directory),
        cache="/var/cache/greenroom" if directory is None else f"{directory}/cache",
        routes="\n".join(f'        "~^(websocket)?:{worker}\\." greenroom_{worker};' for worker in workers),
        servers="\n".join(f"        server {address} max_fails=1 fail_timeout=1s;" for address in workers.values()),
        sockets="\n".join(f"        server {address} max_fails=0;" for address in workers.values()),
        sticky="".join(_sticky(worker, workers) for worker in workers),
    )


def _sticky(worker: str, workers: Mapping[str, str]) -> str:
    """One worker's clients; when it is gone the others refuse their sids, and they start anew."""
    others = [address for other, address in workers.items() if other != worker]
    lines = [f"server {workers[worker]} max_fails=0;", *(f"server {other} backup;" for other in others)]
    body = "\n".join(f"        {line}" for line in [f"zone greenroom_{worker} 64k;", *lines])
    return f"    upstream greenroom_{worker} {{\n{body}\n    }}\n"


def _preamble(user: str, directory: Path | None) -> str:
    if directory is None:
        return PACKAGED.format(user=user)
    return f"{_user()}daemon off;\npid {directory}/nginx.pid;\nerror_log stderr warn;\n"


def _user() -> str:
    """Root hands nginx's workers to `nobody`, whose group has another name on every system."""
    if os.geteuid() != 0:
        return ""
    nobody = pwd.getpwnam("nobody")
    return f"user nobody {grp.getgrgid(nobody.pw_gid).gr_name};\n"


def _temp_paths(directory: Path | None) -> str:
    if directory is None:
        return ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"    {kind}_temp_path {directory}/{kind};\n" for kind in kinds)


def deployed() -> dict[Path, str]:
    """The rendered files that are kept in deploy/, for reading and for copying to servers."""
    return {
        DEPLOY / "nginx.conf": render(HOST_WORKERS, heading="Greenroom on one host: greenroom@1 and greenroom@2."),
        DEPLOY / "nginx.compose.conf": render(
            COMPOSE_WORKERS, heading="Greenroom in containers: docker-compose.yml.", user="nginx"
        ),
    }


def main() -> None:
    """Print a configuration for the workers named, or write the kept files."""
    parser = argparse.ArgumentParser(prog="python -m tools.nginx_conf", description=main.__doc__)
    parser.add_argument("workers", nargs="*", metavar="WORKER_ID=HOST:PORT")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), help="end TLS, with these files")
    options = parser.parse_args()
    if options.workers:
        workers = dict(worker.split("=", 1) for worker in options.workers)
        print(render(workers, tls=tuple(options.tls) if options.tls else None))
        return
    for path, text in deployed().items():
        path.write_text(text)
        print(f"wrote {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
