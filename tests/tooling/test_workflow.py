"""The workflow for a public forge: sound by its schema, and it runs what there is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".github" / "workflows" / "ci.yml"
JOBS: dict[str, Any] = yaml.safe_load(FILE.read_text())["jobs"]


def commands(job: str) -> str:
    return "\n".join(step["run"] for step in JOBS[job]["steps"] if "run" in step)


def test_it_is_sound_by_the_schema_of_workflows() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [checker, "--builtin-schema", "vendor.github-workflows", FILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_whatever_it_runs_is_there() -> None:
    for job in JOBS:
        for word in shlex.split(commands(job)):
            if re.match(r"(scripts|tests)/", word):
                assert (ROOT / word).exists(), word


def test_style_types_and_tests_on_both_databases_are_run() -> None:
    assert "scripts/lint.sh" in commands("lint")
    assert "scripts/types.sh" in commands("lint")
    assert "not postgres" in commands("embedded")
    assert commands("test").splitlines()[-1].startswith("sh scripts/test.sh")
    assert set(JOBS["test"]["services"]) == {"postgres", "valkey"}
    assert JOBS["test"]["strategy"]["matrix"]["half"] == ["1/2", "2/2"]


def test_the_alerts_are_tried_in_a_real_prometheus() -> None:
    assert "install -y -qq --no-install-recommends prometheus" in commands("test")


def test_the_oldest_python_that_is_promised_is_tried() -> None:
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert promised == f">={JOBS['test']['strategy']['matrix']['python'][0]}"


def test_nothing_may_hang_and_nothing_may_write() -> None:
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())
    assert yaml.safe_load(FILE.read_text())["permissions"] == {"contents": "read"}
