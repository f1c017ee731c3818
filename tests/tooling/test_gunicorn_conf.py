"""What gunicorn.conf.py does before the first worker: enough files for the sockets that are allowed, or a word about it."""

from __future__ import annotations

import resource
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

CONF = Path(__file__).parents[2] / "gunicorn.conf.py"


@pytest.fixture(scope="module")
def conf() -> dict[str, Any]:
    return runpy.run_path(str(CONF))


@pytest.fixture
def warned(conf: dict[str, Any], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[Any]:
    """What the start says and sets where soft and hard limit are those of `request.param`."""
    told: list[Any] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: request.param)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: told.append(limits))
    log = SimpleNamespace(warning=lambda text, *numbers: told.append(text % numbers))
    conf["on_starting"](SimpleNamespace(cfg=SimpleNamespace(is_ssl=False), log=log))
    return told


@pytest.mark.parametrize("warned", [(256, 512)], indirect=True)
def test_a_limit_that_cannot_be_raised_enough_is_told(warned: list[Any]) -> None:
    limits, warning = warned
    assert limits == (512, 512)
    assert warning.startswith("Only 512 open files are allowed")


@pytest.mark.parametrize("warned", [(256, resource.RLIM_INFINITY)], indirect=True)
def test_a_limit_that_can_be_raised_is_raised_to_what_is_wanted(conf: dict[str, Any], warned: list[Any]) -> None:
    ((soft, _),) = warned
    assert soft > conf["engine"].max_connections + conf["http"].max_connections


@pytest.mark.parametrize("warned", [(10_000_000, 10_000_000), (resource.RLIM_INFINITY,) * 2], indirect=True)
def test_a_limit_that_is_high_enough_is_left_alone(warned: list[Any]) -> None:
    assert warned == []


def test_what_would_break_without_a_sign_is_set(conf: dict[str, Any]) -> None:
    assert conf["control_socket_disable"]  # else two servers of one user claim one path in its home
    assert conf["workers"] == 1  # a second one behind the listener breaks polling
    assert not conf["forwarded_allow_ips"]  # proxies are trusted by TRUSTED_HOPS alone
