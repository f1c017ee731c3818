"""What a log may say of an exception: where it happened and what it was, never what it was about.

An exception quotes what it choked on. A database repeats the row that it refuses, `int()` the text that is no number, and with
it what people wrote, their addresses, or a token. The way through the code and a few facts are all that a fault needs.
"""

from __future__ import annotations

import traceback

#: Their messages speak of names and types in the code.
SPEAK_OF_CODE = (TypeError, AttributeError, NameError, ImportError, NotImplementedError)
#: What kind of refusal it was: of ours, of a bucket, of the databases. A statement's values are apart from it.
_FACTS = ("code", "operation_name", "sqlstate", "sqlite_errorname", "statement")
#: What of our schema PostgreSQL names.
_OF_SCHEMA = ("table_name", "column_name", "constraint_name")


def describe(why: BaseException) -> str:
    """The traceback of `why` and of what led to it, as Python prints them, but for the messages (`told`)."""
    before, link = _before(why)
    frames = "".join(traceback.format_tb(why.__traceback__))
    own = f"Traceback (most recent call last):\n{frames}{told(why)}"
    return f"{describe(before)}\n\n{link}\n\n{own}" if before else own


def told(why: BaseException) -> str:
    """Its type and, as far as they hold nobody's words, the facts."""
    kind = type(why)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    facts = str(why) if isinstance(why, SPEAK_OF_CODE) else ", ".join(_facts(why))
    return f"{name}: {facts}" if facts else name


def _facts(why: BaseException) -> list[str]:
    if isinstance(why, OSError):
        return [why.strerror] if why.strerror else []
    if type(why).__name__ == "OperationalError" and getattr(why, "sqlstate", "") is None:  # no server has seen a row
        return str(why).splitlines()[:1]
    found = [(name, getattr(why, name, None)) for name in _FACTS]
    found += [(name, getattr(getattr(why, "diag", None), name, None)) for name in _OF_SCHEMA]
    return [f"{name}={value}" for name, value in found if isinstance(value, str)]


def _before(why: BaseException) -> tuple[BaseException | None, str]:
    if why.__cause__ is not None:
        return why.__cause__, "The above exception was the direct cause of the following exception:"
    if why.__context__ is not None and not why.__suppress_context__:
        return why.__context__, "During handling of the above exception, another exception occurred:"
    return None, ""
