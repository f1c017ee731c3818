"""Dashboard, alerts and runbook are PromQL, speak of numbers and labels that a running server gives, and of each other.

Where a Prometheus is installed (Debian, Ubuntu: `apt install prometheus`, which brings `promtool`), it has the last word.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.web import suspicion
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.processes import Process
from tests.support.server import Server
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "alerts.yml"
CASES = RULES.with_suffix(".test.yml")
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
PANELS = json.loads((ROOT / "deploy" / "grafana" / "greenroom.json").read_text())["panels"]
TARGETS: list[dict[str, Any]] = [target for panel in PANELS for target in panel["targets"]]
#: What Grafana puts in before Prometheus sees the query.
RATE_INTERVAL = "$__rate_interval"
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [target["expr"].replace(RATE_INTERVAL, "1m") for target in TARGETS]
#: What Prometheus adds to whatever it scrapes.
OF_PROMETHEUS = {"instance", "job"}
TOKEN = "reads-the-numbers"

Labels = dict[str, set[str]]


@pytest.fixture(scope="module")
def server(start_server: StartServer, postgres_url: str, redis_url: str) -> Server:
    """A server in use."""
    server = start_server(DATABASE_URL=postgres_url, REDIS_URL=redis_url, METRICS_TOKEN=TOKEN)
    host = Person(server.url)
    room = host.post("/api/rooms", name="Hall")
    timer = host.post(f"/api/rooms/{room['id']}/timers", title="Talk", duration=1_000)
    with host.connect() as socket:
        socket.join(room["id"])
        socket.call("send-message", {"roomId": room["id"], "content": "Hello"})
        host.post(f"/api/timers/{timer['id']}/start")
        socket.expect("timer-finished")
    eventually(lambda: "greenroom_canary_seconds_count 0.0" not in scrape(server.url), 10, "no canary")
    return server


@pytest.fixture(scope="module")
def given(server: Server) -> Labels:
    """Every sample of it, by name, with the labels that it comes with."""
    labels: Labels = defaultdict(set)
    for family in text_string_to_metric_families(scrape(server.url)):
        for sample in family.samples:
            labels[sample.name] |= set(sample.labels)
    return labels


def scrape(url: str) -> str:
    answer = requests.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
    answer.raise_for_status()
    return answer.text


def selectors(expression: promql.Expr) -> list[promql.VectorSelector]:
    """The numbers that a query asks for."""
    found: list[promql.VectorSelector] = []

    def note(part: promql.Expr) -> None:
        if isinstance(part, promql.VectorSelector):
            found.append(part)

    promql.walk(expression, note)
    return found


def groupings(expression: promql.Expr) -> list[tuple[set[str], promql.Expr]]:
    """Every `sum by (…)` of a query: its labels, and what it sums."""
    found: list[tuple[set[str], promql.Expr]] = []

    def note(part: promql.Expr) -> None:
        if isinstance(part, promql.AggregateExpr) and part.modifier is not None:
            found.append((set(part.modifier.labels), part.expr))

    promql.walk(expression, note)
    return found


def test_every_number_and_label_that_is_asked_for_is_given(given: Labels) -> None:
    asked = set()
    for text in EXPRESSIONS:
        query = promql.parse(text)
        for selector in selectors(query):
            name = str(selector.name)
            if name == "up":  # Prometheus' own
                continue
            asked.add(name)
            assert name in given, f"{name} in {text}"
            matched = {matcher.name for matcher in selector.matchers.matchers}
            assert matched <= given[name] | OF_PROMETHEUS, text
        for labels, summed in groupings(query):
            for selector in selectors(summed):
                assert labels <= given[str(selector.name)] | OF_PROMETHEUS, text
    assert len(asked) > 10


@pytest.mark.parametrize("said", [rule["annotations"]["summary"] for rule in ALERTS])
def test_an_alert_names_only_labels_that_its_query_keeps(said: str) -> None:
    rule = next(rule for rule in ALERTS if rule["annotations"]["summary"] == said)
    named = set(re.findall(r"\$labels\.(\w+)", said))
    for labels, _ in groupings(promql.parse(rule["expr"])):
        assert named <= labels, rule["alert"]
    assert promql.parse_duration(rule["for"])


@pytest.mark.parametrize("target", TARGETS, ids=[target["expr"] for target in TARGETS])
def test_a_legend_names_only_labels_that_its_query_keeps(target: dict[str, Any], given: Labels) -> None:
    query = promql.parse(target["expr"].replace(RATE_INTERVAL, "1m"))
    named = set(re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", "")))
    kept = [labels for labels, _ in groupings(query)] or [given[str(found.name)] for found in selectors(query)]
    for labels in kept:
        assert named <= labels | (OF_PROMETHEUS if not groupings(query) else set())


def test_every_alert_has_its_paragraph_and_every_paragraph_its_alert() -> None:
    section = (ROOT / "docs" / "operations.md").read_text().split("\n## Alerts\n")[1].split("\n## ")[0]
    described = re.findall(r"^\*\*(\w+)\.\*\* \S", section, re.MULTILINE)
    assert described == [rule["alert"] for rule in ALERTS]


def test_the_runbook_says_what_each_suspicion_means() -> None:
    paragraph = (ROOT / "docs" / "operations.md").read_text().split("**GreenroomSuspicious.**")[1].split("\n\n")[0]
    assert {kind for kind in suspicion.KINDS if f"`{kind}`" not in paragraph} == set()


def test_panels_do_not_overlap() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]
    assert len(set(places)) == len(PANELS)


class Prometheus(Process):
    """One that reads the alert rules and scrapes one server each second, by the settings that the runbook gives."""

    name = "prometheus"

    def __init__(self, target: str) -> None:
        super().__init__()
        page = (ROOT / "docs" / "operations.md").read_text()
        config = yaml.safe_load(page.split("```yaml\nscrape_configs:")[1].split("```")[0])[0]
        config["authorization"]["credentials"] = TOKEN
        config["static_configs"][0]["targets"] = [target]
        config["scrape_interval"] = "1s"
        scraping = {"scrape_configs": [config], "rule_files": [str(RULES)], "global": {"evaluation_interval": "1s"}}
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(scraping))

    def command(self) -> list[str]:
        where = [f"--config.file={self.directory}/prometheus.yml", f"--storage.tsdb.path={self.directory}/data"]
        return ["prometheus", *where, f"--web.listen-address=127.0.0.1:{self.port}"]

    def is_ready(self) -> bool:
        return super().is_ready() and requests.get(f"{self.url}/-/ready", timeout=5).ok

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, **query: str) -> Any:
        answer = requests.get(f"{self.url}/api/v1/{path}", params=query, timeout=10).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        return answer["data"]


@pytest.fixture(scope="module")
def prometheus(server: Server) -> Iterator[Prometheus]:
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is not installed")
    with Prometheus(f"127.0.0.1:{server.port}") as running:
        eventually(
            lambda: running.ask("query", query="count_over_time(up[1m]) > 3")["result"], 30, "nothing is scraped"
        )
        yield running


def test_a_real_prometheus_scrapes_as_the_runbook_says(prometheus: Prometheus) -> None:
    (target,) = prometheus.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"], target["labels"]["job"]) == ("up", "", "greenroom")


def test_a_real_prometheus_has_every_number_that_is_asked_for(prometheus: Prometheus) -> None:
    for text in EXPRESSIONS:
        for selector in selectors(promql.parse(text)):
            assert prometheus.ask("query", query=str(selector.name))["result"], f"{selector.name} in {text}"


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_a_real_prometheus_answers_every_query(prometheus: Prometheus, text: str) -> None:
    assert "result" in prometheus.ask("query", query=text)


def test_a_real_prometheus_evaluates_every_rule_and_a_healthy_server_alerts_nobody(prometheus: Prometheus) -> None:
    def evaluated() -> dict[str, dict[str, Any]]:
        (group,) = prometheus.ask("rules")["groups"]
        return {rule["name"]: rule for rule in group["rules"]}

    eventually(lambda: all(rule["health"] != "unknown" for rule in evaluated().values()), 20, "no evaluation")
    assert {name: rule.get("lastError", "") for name, rule in evaluated().items()} == {
        rule["alert"]: "" for rule in ALERTS
    }
    assert [name for name, rule in evaluated().items() if rule["state"] == "firing"] == []


def test_every_alert_is_shown_to_fire_and_not_to_fire() -> None:
    cases = [case for group in yaml.safe_load(CASES.read_text())["tests"] for case in group["alert_rule_test"]]
    names = {rule["alert"] for rule in ALERTS}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


def test_promtool_sees_every_alert_fire_when_it_should_and_not_otherwise() -> None:
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not installed")
    for command in (["check", "rules", RULES], ["test", "rules", CASES]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False, cwd=RULES.parent)
        assert done.returncode == 0, done.stdout + done.stderr
