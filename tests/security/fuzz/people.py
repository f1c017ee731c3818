"""Loaded by schemathesis (`SCHEMATHESIS_HOOKS`): its two people stay signed in, whatever it does to their sign-ins.

The requests that it makes carry `Bearer ada` or `Bearer bob`. That is replaced by a token of theirs, and once a request may
have ended it (signed out, password changed), they sign in again.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis.specs.openapi import checks

TIMEOUT_S = 10
ENDS_SIGN_INS = {"POST /api/auth/logout", "POST /api/auth/password", "DELETE /api/auth/sessions/{session_id}"}
AHEAD = "2090-01-01T00:00:00.000Z"
#: No schema can say that an instant is to come, or which years there are.
INSTANTS_AHEAD = ("startsAt", "plannedAt", "expiresAt", "mutedUntil")
WHERE = os.environ["FUZZ_URL"]
SIGN_INS: dict[str, dict[str, str]] = json.loads(os.environ["FUZZ_SIGN_INS"])
LOG = Path(os.environ["FUZZ_LOG"])
TOGETHER: dict[str, list[dict[str, str]]] = json.loads(os.environ["FUZZ_TOGETHER"])
_turns = itertools.count()
_tokens: dict[str, str] = {}

# A private room is not there for who may not know of it: such an answer is a refusal like 401 and 403.
checks.AUTH_REJECTION_STATUSES = frozenset({401, 403, 404})


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    offered = case.headers.get("Authorization")
    if offered in SIGN_INS:
        case.headers["Authorization"] = _token(offered)
    if case.meta is None or case.meta.generation.mode.is_positive:
        _mean_it(case)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if case.operation.label in ENDS_SIGN_INS and response.status_code < 400:
        _tokens.clear()
    with LOG.open("a") as log:
        log.write(f"{case.operation.label}\t{response.status_code}\n")


def _mean_it(case: Any) -> None:
    """What no schema can say: a cursor was given out by the list, some instants lie ahead, and ids belong together."""
    case.query.pop("cursor", None)
    if together := TOGETHER.get(case.path):
        case.path_parameters.update(together[next(_turns) % len(together)])
    if isinstance(case.body, dict):
        case.body.update({key: AHEAD for key in INSTANTS_AHEAD if isinstance(case.body.get(key), str)})


def _token(placeholder: str) -> str:
    if placeholder not in _tokens:
        answer = requests.post(f"{WHERE}/api/auth/login", json=SIGN_INS[placeholder], timeout=TIMEOUT_S)
        _tokens[placeholder] = f"Bearer {answer.json()['accessToken']}"
    return _tokens[placeholder]
