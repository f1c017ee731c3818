"""The form of a line: JSON in production, for people elsewhere; ours, gunicorn's and those of libraries alike.

Whatever is logged with an exception says where and what it was, not its message (`app/core/failures.py`).
"""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

import gevent
import structlog
from gunicorn.glogging import Logger
from structlog.typing import EventDict, Processor, WrappedLogger

from app.core.failures import describe
from app.settings import Settings

log = structlog.get_logger(__name__)


def configure(settings: Settings) -> int:
    """Let this process write such lines to standard error; the least level that is written."""
    level: int = logging.getLevelName(settings.log_level.upper())
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_stamps(), render_exception, _renderer(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler])
    return level


def formatter(settings: Settings) -> logging.Formatter:
    """Makes such a line of what the standard library's loggers are given."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_stamps(), render_exception],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings)],
    )


def gunicorn_logger(settings: Settings) -> type[Logger]:
    """gunicorn's logger, writing such lines."""

    class GreenroomLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
        def setup(self, cfg: Any) -> None:
            super().setup(cfg)
            for handler in self.error_log.handlers:
                handler.setFormatter(formatter(settings))

    return GreenroomLogger


def take_what_is_printed() -> None:
    """Log warnings, and greenlets that fail, which gevent would print with the arguments they were started with."""
    logging.captureWarnings(True)

    def note(context: object, kind: type[BaseException], why: BaseException | None, _: TracebackType | None) -> None:
        log.error("greenlet_failed", what=type(context).__name__, exc_info=why or kind())

    gevent.get_hub().print_exception = note


def render_exception(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Put what may be told of `exc_info` into `exception`."""
    given = line.pop("exc_info", None)
    why = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if given and why is None:
        why = sys.exc_info()[1]
    if why is not None:
        line["exception"] = describe(why)
    return line


def _stamps() -> list[Processor]:
    return [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]


def _renderer(settings: Settings) -> Processor:
    return structlog.processors.JSONRenderer() if settings.is_production else structlog.dev.ConsoleRenderer()
