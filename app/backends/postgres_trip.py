"""Several prepared statements in one round trip to PostgreSQL: libpq's pipeline mode, spoken without psycopg's cursors.

Rules
- The server runs the steps of a trip one after the other, each on what is committed when it begins. After one that fails it
  skips the rest, and the transaction has to be rolled back, as after any failed statement.
- A transaction is begun with the first step if there is none, as psycopg does; in autocommit the steps of a trip are one.
- A statement is prepared once for each connection, under a name that stands for its text.
- A connection whose prepared statements are not what it thinks (a pooler between, a column of another type) is
  closed with the error: the next one prepares anew.
- A trip that was cut short (the greenlet was ended) leaves the connection in no known state: it is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from psycopg import OperationalError, errors, pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

from app.backends.postgres_connection import READ, WRITE, Connection

Values = Sequence[bytes | None]
Rows = list[tuple[Any, ...]]


class Step(NamedTuple):
    """A statement with `$1`, `$2`, …, and its values as text; without a name it is not prepared."""

    name: bytes
    text: bytes
    values: Values = ()


COMMIT: Final = Step(b"", b"COMMIT")
_ANSWERS: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_SPOILED: Final = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement, errors.FeatureNotSupported)


def take_trip(connection: Connection, steps: Sequence[Step]) -> list[Rows]:
    """What each step finds, in Python's types, after one wait.

    Raises:
        psycopg.Error: of the first step that failed. OperationalError: the connection broke; it is closed.
    """
    try:
        sent = _send(connection, steps)
        results = _receive(connection, len(sent))
        connection.pgconn.exit_pipeline_mode()
    except BaseException:
        connection.close()
        raise
    reader: Any = Transformer(connection)
    found: list[Rows] = []
    for command, result in zip(sent, results, strict=True):
        if result.status not in _ANSWERS:
            error = error_from_result(result)
            if isinstance(error, _SPOILED):
                connection.close()
            raise error
        if command.kind == "prepare":
            connection.prepared.add(command.name)
        elif command.kind == "step":
            found.append(_rows(reader, result))
    return found


class _Command(NamedTuple):
    kind: Literal["begin", "prepare", "step"]
    name: bytes = b""


def _send(connection: Connection, steps: Sequence[Step]) -> list[_Command]:
    """Queue everything and flush; the commands in the order in which they will be answered."""
    pgconn = connection.pgconn
    sent: list[_Command] = []
    begins = pgconn.transaction_status == pq.TransactionStatus.IDLE and not connection.autocommit
    pgconn.enter_pipeline_mode()
    if begins:
        pgconn.send_query_params(b"BEGIN", None)
        sent.append(_Command("begin"))
    for step in steps:
        if not step.name:
            pgconn.send_query_params(step.text, None)
        else:
            if step.name not in connection.prepared and _Command("prepare", step.name) not in sent:
                pgconn.send_prepare(step.name, step.text)
                sent.append(_Command("prepare", step.name))
            pgconn.send_query_prepared(step.name, step.values)
        sent.append(_Command("step", step.name))
    pgconn.pipeline_sync()
    while pgconn.flush():
        connection.wait_for(READ | WRITE)
        pgconn.consume_input()  # a server that waits for us to read would not read either
    return sent


def _receive(connection: Connection, count: int) -> list[Any]:
    """One result for each of `count` commands, then that of the sync."""
    pgconn = connection.pgconn
    results: list[Any] = []
    while True:
        while pgconn.is_busy():
            connection.wait_for(READ)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # between two commands
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            break
        results.append(result)
    if len(results) != count:
        raise OperationalError("the server did not answer each step")
    return results


def _rows(reader: Any, result: Any) -> Rows:
    if not result.nfields:
        return []
    reader.set_pgresult(result)
    rows: Rows = reader.load_rows(0, result.ntuples, tuple)
    return rows
