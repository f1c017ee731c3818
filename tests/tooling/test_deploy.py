"""The files for servers, checked without an engine: by linters, by schema, and against the code that they start."""

import configparser
import re
import runpy
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings
from tools import env_example, nginx_conf

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SYSTEMD = ROOT / "deploy" / "systemd"
SETTINGS = {setting.metadata["name"] for setting in fields(Settings)}
SCRIPTS = [*ROOT.glob("scripts/*.sh"), *ROOT.glob("deploy/*.sh"), ROOT / ".ci" / "run"]


def run(*command: object) -> str:
    """The output of a linter that is content; its complaint fails the test."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SYSTEMD / name)
    return parser


def test_hadolint_has_nothing_to_say() -> None:
    run(BIN / "hadolint", "Dockerfile")


def test_shellcheck_has_nothing_to_say() -> None:
    run(BIN / "shellcheck", "--source-path=scripts", "--external-sources", *SCRIPTS)


def test_the_compose_file_fits_the_compose_specification() -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


def test_everything_the_image_copies_is_there_and_sent_to_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignore, name


def test_containers_set_only_settings_that_exist(compose: dict[str, Any]) -> None:
    for service in ("app1", "app2", "migrate"):
        assert set(compose["services"][service]["environment"]) <= SETTINGS


def test_every_container_worker_is_routed_by_its_id(compose: dict[str, Any]) -> None:
    workers = {
        service["environment"]["WORKER_ID"]: f"{name}:3000"
        for name, service in compose["services"].items()
        if name.startswith("app")
    }
    assert workers == nginx_conf.COMPOSE_WORKERS


def test_every_systemd_worker_is_routed_by_its_id() -> None:
    instances = re.findall(r"greenroom@(\d)\.service", unit("greenroom.target")["Unit"]["Wants"])
    environment = unit("greenroom@.service")["Service"]["Environment"]
    port, worker = (re.search(rf"{name}=(\S+)", environment) for name in ("PORT", "WORKER_ID"))
    assert port
    assert worker
    routed = {worker[1].replace("%i", n): f"127.0.0.1:{port[1].replace('%i', n)}" for n in instances}
    assert routed == nginx_conf.HOST_WORKERS


def test_workers_listen_on_the_loopback_as_a_user_of_their_own_with_a_private_folder() -> None:
    service = unit("greenroom@.service")["Service"]
    assert "HOST=127.0.0.1" in service["Environment"].split()
    assert (service["User"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("greenroom", "yes", "strict")
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("greenroom", "0700")


@pytest.mark.parametrize("name", ["greenroom@.service", "greenroom-migrate.service"])
def test_units_set_only_settings_that_exist(name: str) -> None:
    environment = unit(name)["Service"]["Environment"]
    assert {pair.split("=")[0] for pair in environment.split()} <= SETTINGS


def test_both_wait_longer_than_a_drain_may_take(compose: dict[str, Any]) -> None:
    drain_s = gunicorn_settings()["graceful_timeout"]
    assert int(unit("greenroom@.service")["Service"]["TimeoutStopSec"]) > drain_s
    assert int(compose["services"]["app1"]["stop_grace_period"].removesuffix("s")) > drain_s


def gunicorn_settings() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def test_the_example_of_env_names_every_setting_with_its_default() -> None:
    assert env_example.FILE.read_text() == env_example.render()
