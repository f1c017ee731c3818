"""The table of ratios, in Markdown."""

from __future__ import annotations

from bench.scenarios import Row


def table(results: dict[str, dict[str, Row]]) -> str:
    """A row for each number of each scenario: every contestant's, and Greenroom's as a multiple of each peer's."""
    labels = list(dict.fromkeys(label for found in results.values() for label in found))
    first, *peers = labels or [""]
    heads = ["scenario", "number", *labels, *(f"{first} / {peer}" for peer in peers)]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for scenario, found in results.items():
        for key in found[first]:
            values = [found.get(label, {}).get(key) for label in labels]
            ratios = [_ratio(values[0], value) for value in values[1:]]
            lines.append(_line([scenario, key, *map(_number, values), *ratios]))
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.2f}" if ours is not None and theirs else "–"
