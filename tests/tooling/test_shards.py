"""The shares of tests/support/shards.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.processes import free_port, own_ports
from tests.support.shards import cost_of, share_out

COSTS = st.dictionaries(st.text(min_size=1), st.floats(0, 1000), max_size=40)


@given(COSTS, st.integers(1, 4))
def test_every_file_has_one_shard_and_every_process_finds_the_same(costs: dict[str, float], shards: int) -> None:
    shared = share_out(costs, shards)
    assert set(shared) == set(costs)
    assert all(0 <= shard < shards for shard in shared.values())
    assert share_out(dict(reversed(costs.items())), shards) == shared


@given(COSTS)
def test_no_shard_is_dearer_than_the_others_by_more_than_one_file(costs: dict[str, float]) -> None:
    shared = share_out(costs, 2)
    load = [sum(cost for file, cost in costs.items() if shared[file] == shard) for shard in (0, 1)]
    assert abs(load[0] - load[1]) <= max(costs.values(), default=0) + 1e-6


def test_halves_that_run_side_by_side_take_no_port_from_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = own_ports("1/2"), own_ports("2/2")
    assert set(one).isdisjoint(other)
    assert len(own_ports("1/1")) == len(one) + len(other)
    monkeypatch.setenv("SHARD", "2/2")
    assert all(free_port() in other for _ in range(20))


def test_a_browser_test_counts_for_many_plain_ones() -> None:
    assert cost_of("tests/browser/test_room.py", 2) > cost_of("tests/rooms/test_rights.py", 20)


SOME_TESTS = """
def test_sum():
    print("adding")
    assert 1 + 1 == 3

def test_lost(nowhere):
    pass

def test_fine():
    pass
"""


def test_what_failed_is_written_with_its_reason_for_the_end_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(SOME_TESTS)
    told = tmp_path / "failures.txt"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.support.shards",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        tmp_path,
    ]
    variables = {name: value for name, value in os.environ.items() if name != "SHARD"} | {"FAILURES": str(told)}
    subprocess.run(command, env=variables, capture_output=True, check=False)
    text = told.read_text()
    for part in (
        "test_some.py::test_sum (call)",
        "assert (1 + 1) == 3",
        "test_lost (setup)",
        "'nowhere' not found",
    ):
        assert part in text
    assert "test_fine" not in text
