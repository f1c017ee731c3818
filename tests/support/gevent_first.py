"""Loaded by pytest before its other plugins (`-p` in pyproject.toml): they import ssl, and gevent must come first.

So the app's code runs in tests as it runs in production; psycopg and boto3 choose how to wait when they are imported.
"""

from gevent import monkey

monkey.patch_all()
