from __future__ import annotations

import pytest

from app.dashboard.front import front_of, overrun_ms
from tests.support.front_cases import CASES, NOW, Case


@pytest.mark.parametrize("case", CASES, ids=[case.says for case in CASES])
def test_a_page_as_it_is_sent_decides_as_its_scripts(case: Case) -> None:
    assert front_of(case.timers) is case.timers[case.front]
    assert [overrun_ms(timer, case.timers, NOW) for timer in case.timers] == case.over_ms


def test_of_no_timers_none_is_in_front() -> None:
    assert front_of([]) is None
