"""docs/security.md claims nothing without a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
CLAIMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), CLAIMED)
def test_a_test_that_is_named_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_row_names_its_test() -> None:
    rows = [line for line in PAGE.split("| shown by |")[1].splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row] == []
