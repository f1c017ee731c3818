"""The tables, in Markdown: targets, ratios, settings; printed, and written into docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.contestants import LIFTED
from bench.scenarios import Row
from bench.targets import judged

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- written by `make bench ARGS=--write` -->\n", "<!-- end -->\n"


def report(results: dict[str, dict[str, Row]], about: Sequence[str]) -> str:
    """The whole report of a run; `about` says where and how it was made."""
    return "\n".join(
        [
            *(f"- {line}" for line in about),
            "- Greenroom's settings that differ from the defaults:",
            *(f"  - `{name}={value}`: {why}" for name, (value, why) in LIFTED.items()),
            "\n### Targets\n",
            _table(["target", "must", "goal", "measured", "verdict"], judged(results)),
            "### Everything measured\n",
            ratios(results),
        ]
    )


def ratios(results: dict[str, dict[str, Row]]) -> str:
    """A row for each number of each scenario: every contestant's, and Greenroom's as a multiple of each peer's."""
    labels = list(dict.fromkeys(label for found in results.values() for label in found))
    first, *peers = labels or [""]
    rows = []
    for scenario, found in results.items():
        for key in found[first]:
            values = [found.get(label, {}).get(key) for label in labels]
            rows.append([scenario, key, *map(_number, values), *(_ratio(values[0], value) for value in values[1:])])
    return _table(["scenario", "number", *labels, *(f"{first} / {peer}" for peer in peers)], rows)


def write(text: str) -> None:
    """Put `text` where docs/performance.md has a run's results."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.2f}" if ours is not None and theirs else "–"
