"""REST of accounts, sign-ins and devices."""

from __future__ import annotations

from typing import Any

from flask import Response, after_this_request, make_response, redirect, request
from flask.views import MethodView
from werkzeug.wrappers import Response as AnyResponse

from app.auth import schemas, service
from app.auth.cookies import clear_session_cookies, read_cookie, require_csrf, set_session_cookies
from app.auth.tokens import SOCKET_TOKEN_MS
from app.core.errors import AppError
from app.web.http import Blueprint, current_actor
from app.web.schema import Empty

blp = Blueprint("auth", __name__, description="Accounts, sign-ins and devices.")


@blp.after_request
def never_store(response: Response) -> Response:
    """Tokens and personal data stay out of every cache."""
    response.cache_control.no_store = True
    return response


@blp.route("/auth/register")
class Register(MethodView):
    @blp.arguments(schemas.Register)
    @blp.response(201, schemas.SignInSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make an account and sign it in."""
        session = body.pop("session")
        return _answer(service.register(**body, user_agent=_user_agent()), by_cookie=session == "cookie")


@blp.route("/auth/login")
class LogIn(MethodView):
    @blp.arguments(schemas.LogIn)
    @blp.response(200, schemas.SignInSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Sign in; the answer does not tell whether the account exists."""
        identifier = body.get("email") or body["username"]
        sign_in = service.log_in(identifier=identifier, password=body["password"], user_agent=_user_agent())
        return _answer(sign_in, by_cookie=body["session"] == "cookie")


@blp.route("/auth/refresh")
class Refresh(MethodView):
    @blp.arguments(schemas.Refresh)
    @blp.response(200, schemas.SignInSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Exchange a refresh token, from the body or its cookie, for the next pair."""
        if "refresh_token" in body:
            return _answer(service.refresh(refresh_token=body["refresh_token"]), by_cookie=False)
        return _answer(_refresh_by_cookie(), by_cookie=True)


@blp.route("/auth/logout")
class LogOut(MethodView):
    @blp.arguments(schemas.Refresh)
    @blp.response(204)
    def post(self, body: dict[str, Any]) -> None:
        """Sign this device out."""
        token = body.get("refresh_token") or (None if current_actor().session_id else _refresh_cookie(checked=True))
        service.log_out(actor=current_actor(), refresh_token=token)
        after_this_request(_without_cookies)


@blp.route("/auth/password")
class Password(MethodView):
    @blp.arguments(schemas.ChangePassword)
    @blp.response(204)
    def post(self, body: dict[str, Any]) -> None:
        """Change the password; every other device is signed out."""
        service.change_password(actor=current_actor(), **body)


@blp.route("/auth/socket-token")
class SocketToken(MethodView):
    @blp.arguments(Empty)
    @blp.response(200, schemas.SocketTokenSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """A token for a socket, for clients that cannot read their cookie."""
        return {"token": service.make_socket_token(actor=current_actor()), "expires_in": SOCKET_TOKEN_MS // 1000}


@blp.route("/auth/sessions")
class Sessions(MethodView):
    @blp.response(200, schemas.SessionsSchema)
    def get(self) -> dict[str, Any]:
        """The devices that are signed in."""
        mine = current_actor().session_id
        devices = service.list_sessions(actor=current_actor())
        return {"items": [schemas.session_view(device, current=device.id == mine) for device in devices]}


@blp.route("/auth/sessions/<session_id>")
class Session(MethodView):
    @blp.response(204)
    def delete(self, session_id: str) -> None:
        """Sign a device out."""
        service.delete_session(actor=current_actor(), session_id=session_id)


@blp.route("/me")
class Me(MethodView):
    @blp.response(200, schemas.UserSchema)
    def get(self) -> Any:
        """The account that is signed in."""
        return service.get_me(actor=current_actor())

    @blp.arguments(schemas.UpdateMe)
    @blp.response(200, schemas.UserSchema)
    def patch(self, body: dict[str, Any]) -> Any:
        """Change how the account is called."""
        return service.update_me(actor=current_actor(), **body)


def renew() -> AnyResponse:
    """Exchange the refresh cookie and send the browser on to `?next=`, a path of ours, by the method it came with."""
    answer = make_response(redirect(_local_path(request.args.get("next", "/")), code=307))
    try:
        set_session_cookies(answer, service.refresh(refresh_token=_refresh_cookie(checked=False) or ""))
    except AppError as why:
        if why.status != 401:  # noqa: PLR2004
            raise
        clear_session_cookies(answer)
    answer.cache_control.no_store = True
    return answer


def _answer(sign_in: service.SignIn, *, by_cookie: bool) -> dict[str, Any]:
    body = {"user": sign_in.user, "expires_in": sign_in.expires_in_s}
    if not by_cookie:
        return {**body, "access_token": sign_in.access_token, "refresh_token": sign_in.refresh_token}

    @after_this_request
    def keep(response: Response) -> Response:
        set_session_cookies(response, sign_in)
        return response

    return body


def _refresh_by_cookie() -> service.SignIn:
    token = _refresh_cookie(checked=True)
    if token is None:
        raise AppError("unauthenticated")
    try:
        return service.refresh(refresh_token=token)
    except AppError as why:
        if why.status == 401:  # noqa: PLR2004
            after_this_request(_without_cookies)
        raise


def _refresh_cookie(*, checked: bool) -> str | None:
    """The refresh cookie; `checked`: only together with the CSRF token of its device."""
    token = read_cookie(request.cookies, "refresh")
    device_id = service.find_device_id(refresh_token=token) if token is not None and checked else None
    if device_id is not None:
        require_csrf(device_id)
    return token


def _without_cookies(response: Response) -> Response:
    clear_session_cookies(response)
    return response


def _local_path(target: str) -> str:
    """`target` if it is a path on this host, else the start page: no way to send people elsewhere."""
    is_local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_local else "/"


def _user_agent() -> str:
    return request.headers.get("User-Agent", "")
