"""The only ways to act on accounts and sign-ins; knows no HTTP. Routes, sockets, pages and other features import from here."""

from app.auth.service.accounts import (
    change_password,
    find_user,
    get_me,
    get_users,
    hold_account,
    mark_seen,
    require_account,
    set_password,
    update_me,
)
from app.auth.service.credentials import authenticate, issue_guest_token, make_socket_token
from app.auth.service.sessions import (
    delete_other_sessions,
    delete_session,
    find_device_id,
    list_revoked,
    list_sessions,
    prune_devices,
)
from app.auth.service.sign_ins import SignIn, log_in, log_out, refresh, register

__all__ = [
    "SignIn",
    "authenticate",
    "change_password",
    "delete_other_sessions",
    "delete_session",
    "find_device_id",
    "find_user",
    "get_me",
    "get_users",
    "hold_account",
    "issue_guest_token",
    "list_revoked",
    "list_sessions",
    "log_in",
    "log_out",
    "make_socket_token",
    "mark_seen",
    "prune_devices",
    "refresh",
    "register",
    "require_account",
    "set_password",
    "update_me",
]
