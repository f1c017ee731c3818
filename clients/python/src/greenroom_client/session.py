"""Who the bot is: signs in over REST, keeps the tokens, and makes them fresh before they end."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import requests

from greenroom_client.errors import GreenroomError, no_answer

TIMEOUT_S = 10.0
EARLY_S = 30.0


class Session:
    """One account or guest at the server at `url`; safe to use from several threads.

    A refresh token may be used once, so one thread at a time exchanges it.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.user: dict[str, Any] | None = None
        self._http = requests.Session()
        self._lock = threading.RLock()
        self._access: str | None = None
        self._refresh: str | None = None
        self._ends_at = float("inf")

    def register(self, username: str, password: str, **more: Any) -> dict[str, Any]:
        """Make an account; its user."""
        return self._enter("/api/auth/register", username=username, password=password, **more)

    def login(self, username: str, password: str) -> dict[str, Any]:
        """Sign in; the user."""
        return self._enter("/api/auth/login", username=username, password=password)

    def guest(self, share_token: str, name: str) -> dict[str, Any]:
        """Come into one room without an account; the guest."""
        answer = self.request("POST", f"/api/rooms/{share_token}/guests", {"name": name})
        self._access, self.user = answer["accessToken"], {**answer["guest"], "isGuest": True}
        return self.user

    def logout(self) -> None:
        """End this device's sign-in."""
        if self._refresh:
            self._ask("POST", "/api/auth/logout", {"refreshToken": self._refresh})
        self._access = self._refresh = self.user = None

    def token(self) -> str | None:
        """An access token, fresh if that was possible; None for an anonymous viewer."""
        if time.monotonic() >= self._ends_at:
            with suppress(GreenroomError):
                self.renew(self._access)
        return self._access

    def renew(self, stale: str | None) -> bool:
        """Exchange the tokens unless another thread has already replaced `stale`; whether there is a fresh one now."""
        with self._lock:
            if self._refresh is None or self._access != stale:
                return self._access != stale
            self._enter("/api/auth/refresh", refreshToken=self._refresh)
            return True

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """A REST call; its JSON, None where there is none. Once more with fresh tokens where they had run out.

        Raises:
            GreenroomError: it was refused, or (`no_answer`) nothing came back.
        """
        token = self.token()
        response = self._ask(method, path, body, token)
        if response.status_code == requests.codes.unauthorized and token and self.renew(token):
            response = self._ask(method, path, body, self._access)
        return _json(response)

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _enter(self, path: str, **body: Any) -> dict[str, Any]:
        with self._lock:
            answer: dict[str, Any] = _json(self._ask("POST", path, body))
            lives_s = answer["expiresIn"]
            self._ends_at = time.monotonic() + lives_s - min(EARLY_S, lives_s / 2)
            self._access, self._refresh = answer["accessToken"], answer["refreshToken"]
            user: dict[str, Any] = answer["user"]
            self.user = user
            return user

    def _ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return self._http.request(method, self.url + path, json=body, headers=headers, timeout=TIMEOUT_S)
        except requests.RequestException as why:
            raise no_answer(why) from why


def _json(response: requests.Response) -> Any:
    answer: Any = response.json() if response.content else None
    if not response.ok:
        raise GreenroomError(**answer["error"])
    return answer
