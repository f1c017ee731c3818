"""What every answer tells browsers: app/web/headers.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.settings import Settings
from app.web.headers import content_security_policy

PATHS = ("/", "/login", "/api/docs", "/api/me", "/api/nowhere", "/nowhere", "/healthz", "/api/openapi.json")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_strict_pages_refusals_and_probes_alike(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert set(headers["Permissions-Policy"].split(", ")) >= {"camera=()", "geolocation=()", "microphone=()"}
    assert "charset=utf-8" in headers["Content-Type"] or headers["Content-Type"] == "application/json"


def test_https_is_remembered_for_a_year_and_plain_http_never_says_so(client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/").headers
    secure = client.get("/", base_url="https://room.example").headers["Strict-Transport-Security"]
    assert secure == "max-age=31536000; includeSubDomains"


def test_a_bucket_is_the_only_other_place_that_pages_may_speak_to(settings: Settings) -> None:
    policy = content_security_policy(replace(settings, s3_endpoint="https://bucket.example/some/path?x"))
    assert policy.count("https://bucket.example") == 3
    assert "some/path" not in policy
    assert "http" not in content_security_policy(settings)
