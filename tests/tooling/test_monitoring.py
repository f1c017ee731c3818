"""Dashboard, alerts and runbook speak of numbers that exist, and of each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from flask import Flask

from app.web.metrics import metrics

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"][0]["rules"]
PANELS = json.loads((ROOT / "deploy" / "grafana" / "greenroom.json").read_text())["panels"]
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [target["expr"] for panel in PANELS for target in panel["targets"]]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_every_number_that_is_asked_for_exists(app: Flask) -> None:
    kinds = {family.name: family.type for family in metrics.registry.collect()}
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    known = {name + ending for name, kind in kinds.items() for ending in endings.get(kind, ("",))}
    asked = set(re.findall(r"\b(?:greenroom|process)_\w+", " ".join(EXPRESSIONS)))
    assert len(asked) > 10
    assert asked - known == set()


def test_every_alert_has_its_paragraph_and_every_paragraph_its_alert() -> None:
    section = (ROOT / "docs" / "operations.md").read_text().split("\n## Alerts\n")[1].split("\n## ")[0]
    described = re.findall(r"^\*\*(\w+)\.\*\* \S", section, re.MULTILINE)
    assert described == [rule["alert"] for rule in ALERTS]


def test_panels_do_not_overlap() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]
    assert len(set(places)) == len(PANELS)
