"""What a failing property of ours says: the values that broke it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAILING = """
from hypothesis import given, strategies as st

@given(st.integers())
def test_numbers_are_small(number):
    assert number < 10
"""


def test_a_failing_property_is_reported_with_the_values_that_broke_it(tmp_path: Path) -> None:
    (tmp_path / "test_numbers.py").write_text(FAILING)
    options = ("-q", "-c", ROOT / "pyproject.toml", f"--rootdir={tmp_path}", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *options, tmp_path / "test_numbers.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert "number=10" in done.stdout
    assert "1 failed" in done.stdout
