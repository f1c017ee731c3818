"""What gunicorn serves and the `flask` command loads."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from app import create_app  # noqa: E402
from app.settings import SettingError  # noqa: E402

if not monkey.is_module_patched("select"):
    raise SystemExit(
        "gevent must patch `select` before psycopg is imported: start through gunicorn.conf.py or wsgi.py."
    )
try:
    app = create_app()
except SettingError as why:
    print(f"greenroom: {why}", file=sys.stderr)  # noqa: T201
    sys.exit(3)  # gunicorn's "worker failed to boot": anything else it would start again, for ever
