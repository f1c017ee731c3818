from __future__ import annotations

from typing import cast

import pytest

from greenroom_client.front import front
from greenroom_client.wire import Timer
from tests.support.front_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=[case.says for case in CASES])
def test_the_python_client_decides_as_the_pages(case: Case) -> None:
    timers = cast("list[Timer]", case.timers)
    assert front(timers) is timers[case.front]


def test_of_no_timers_none_is_in_front() -> None:
    assert front([]) is None
