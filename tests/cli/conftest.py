"""Running a command as an operator does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """`run("promote", "ada", code=0, input=None)`: the result of a command that must end with that status."""

    def invoke(*args: str, code: int = 0, input: str | None = None) -> Result:
        result = app.test_cli_runner().invoke(args=args, input=input)
        assert result.exit_code == code, result.output
        return result

    return invoke
