"""The application with something wrong, for real workers: `Server(app="tests.faults.saboteur:app")`.

- A worker that is about to publish an event with `FATAL_WORDS` in it kills itself: it dies between its commit and its publish.
- `SABOTAGE_CLOCK_MS` puts its clock wrong by so much.
"""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import signal  # noqa: E402
import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402

FATAL_WORDS = "last words of this worker"

true_time = time.time
wrong_by_s = float(os.environ.get("SABOTAGE_CLOCK_MS", "0")) / 1000
time.time = lambda: true_time() + wrong_by_s

from app.backends.transaction import database  # noqa: E402
from app.core.event import Event  # noqa: E402
from wsgi import app  # noqa: E402

__all__ = ["app"]

publish = database.publish


def publish_or_die(events: Sequence[Event]) -> None:
    """Stands in for the bus after each commit."""
    for event in events:
        payload = event.args[0] if event.args and isinstance(event.args[0], dict) else {}
        is_end = event.name == "timer-finished" and payload.get("title") == FATAL_WORDS
        if is_end or (event.name == "message-received" and payload.get("content") == FATAL_WORDS):
            os.kill(os.getpid(), signal.SIGKILL)
    publish(events)


database.publish = publish_or_die
