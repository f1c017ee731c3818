"""Start Greenroom for one person at one machine: check the port, migrate, seed the demo, say where to go, serve.

`scripts/run.sh` calls it inside the environment it made. Settings come from the environment and `.env`. Most of a start is
importing, so it is done once: a fork prepares the database, and the process that made it goes on as gunicorn.
"""

from gevent import monkey

monkey.patch_all()  # as gunicorn.conf.py does: psycopg looks at import

import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import flask_migrate  # noqa: E402
import gunicorn  # noqa: E402
from gunicorn.app.wsgiapp import WSGIApplication  # noqa: E402

from app import create_app  # noqa: E402
from app.cli.seed import seed  # noqa: E402
from app.settings import SettingError, Settings  # noqa: E402
from app.web.lan import ANY_ADDRESS, network_address  # noqa: E402
from tools.ports import refuse_taken_port  # noqa: E402

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Become gunicorn, or exit with one line that says what is in the way."""
    try:
        settings = Settings.from_env()
    except SettingError as why:
        sys.exit(str(why))
    refuse_taken_port(settings.host, settings.port)
    in_a_fork(lambda: prepare(settings))
    print(f"\nGreenroom is at {' and '.join(urls(settings.host, settings.port))} (Ctrl-C ends it)\n", flush=True)
    os.environ |= {"HOST": settings.host, "PORT": str(settings.port)}  # gunicorn.conf.py reads no .env
    # As if it had been started by `python -m gunicorn`: by these arguments it starts itself again.
    program = str(Path(gunicorn.__file__).with_name("__main__.py"))
    sys.argv = [program, "-c", str(ROOT / "gunicorn.conf.py"), "--log-level", "warning", "wsgi:app"]
    WSGIApplication().run()


def prepare(settings: Settings) -> None:
    """Bring the database to the newest schema, with the demo in it unless somebody named the database."""
    print("Preparing the database", flush=True)
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
    if not settings.database_url:
        seed.main([])


def in_a_fork(action: Callable[[], None]) -> None:
    """Run `action` in a process that ends with it; its failure is ours. Nothing that it opens is inherited by gunicorn."""
    child = os.fork()
    if not child:
        action()
        sys.exit()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        sys.exit(status)


def urls(host: str, port: int) -> list[str]:
    """The addresses people can open: this machine's and, if we listen to it, the local network's."""
    if host not in ANY_ADDRESS:
        return [f"http://{host}:{port}"]
    network = network_address()
    return [f"http://localhost:{port}"] + ([f"http://{network}:{port}"] if network else [])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # while the database was prepared; gunicorn ends by itself
