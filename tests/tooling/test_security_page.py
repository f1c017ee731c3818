"""docs/security.md claims nothing without a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
#: The requirements of levels 1 and 2 in OWASP ASVS 4.0.3, by section.
ASVS = (
    "1.1.1-7, 1.2.1-4, 1.4.1, 1.4.4-5, 1.5.1-4, 1.6.1-4, 1.7.1-2, 1.8.1-2, 1.9.1-2, 1.10.1, 1.11.1-2, 1.12.2, 1.14.1-6, "
    "2.1.1-12, 2.2.1-3, 2.3.1-3, 2.4.1-5, 2.5.1-7, 2.6.1-3, 2.7.1-6, 2.8.1-7, 2.9.1-3, 2.10.1-4, 3.1.1, 3.2.1-4, 3.3.1-4, "
    "3.4.1-5, 3.5.1-3, 3.7.1, 4.1.1-3, 4.1.5, 4.2.1-2, 4.3.1-3, 5.1.1-5, 5.2.1-8, 5.3.1-10, 5.4.1-3, 5.5.1-4, 6.1.1-3, "
    "6.2.1-6, 6.3.1-2, 6.4.1-2, 7.1.1-4, 7.2.1-2, 7.3.1, 7.3.3-4, 7.4.1-3, 8.1.1-4, 8.2.1-3, 8.3.1-8, 9.1.1-3, 9.2.1-4, "
    "10.2.1-2, 10.3.1-3, 11.1.1-8, 12.1.1-3, 12.2.1, 12.3.1-6, 12.4.1-2, 12.5.1-2, 12.6.1, 13.1.1, 13.1.3-5, 13.2.1-3, "
    "13.2.5-6, 13.3.1-2, 13.4.1-2, 14.1.1-4, 14.2.1-6, 14.3.2-3, 14.4.1-7, 14.5.1-4"
)
CLAIMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), CLAIMED)
def test_a_test_that_is_named_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_row_names_its_test() -> None:
    for table, least in zip(PAGE.split("| shown by |\n")[1:], (5, 60, 20), strict=True):
        rows = [line for line in table.split("\n\n")[0].splitlines() if line.startswith("| ")]
        assert len(rows) > least
        assert [row for row in rows if "::test_" not in row] == []


def numbers(text: str) -> set[str]:
    """Every requirement that is named; a range by an en dash (or hyphen) names all between."""
    found = set()
    for chapter, first, last in re.findall(r"\b(\d+\.\d+)\.(\d+)(?:[–-](?:\d+\.\d+\.)?(\d+))?", text):
        found |= {f"{chapter}.{number}" for number in range(int(first), int(last or first) + 1)}
    return found


def test_every_requirement_of_asvs_is_met_or_said_not_to_be() -> None:
    section = PAGE.split("## OWASP ASVS, level 2")[1].split("\n## ")[0]
    whole = set(re.findall(r"(?<![\d.–])(\d+\.\d+)(?![\d.])", section))
    left_out = {each for each in numbers(ASVS) - numbers(section) if each.rpartition(".")[0] not in whole}
    assert left_out == set()
    assert numbers(section) - numbers(ASVS) == {"4.0.3"}, "not a requirement of levels 1 and 2"
