"""What every answer tells browsers to refuse: a strict Content-Security-Policy without inline script, no sniffing, no framing.

Pages that a room allows to be embedded say so by `allow_framing`; everything else stays out of frames.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from app.settings import Settings

HSTS_S = 365 * 86_400
NEVER_A_PAGE = frozenset({"text/javascript", "text/css"})
"""What no browser shows as a document: a policy for it would say nothing, and a page loads thirty of them. The page that loads
them has brought HSTS."""


def allow_framing() -> None:
    """Let any page embed the answer to this request."""
    g.framing_allowed = True


def init_app(app: Flask, settings: Settings) -> None:
    """Set the headers on every answer."""
    policy = content_security_policy(settings)

    def protect(response: Response) -> Response:
        framed = g.get("framing_allowed", False)
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if response.mimetype in NEVER_A_PAGE:
            return response
        ancestors = "*" if framed else "'none'"
        headers.setdefault("Content-Security-Policy", f"{policy}; frame-ancestors {ancestors}")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if not framed:
            headers.setdefault("X-Frame-Options", "DENY")
        if request.is_secure:
            headers.setdefault("Strict-Transport-Security", f"max-age={HSTS_S}; includeSubDomains")
        return response

    app.after_request(protect)


def content_security_policy(settings: Settings) -> str:
    """All but `frame-ancestors`. Files go straight to the bucket, so its origin may be sent to and shown from."""
    bucket = " ".join({_origin(url) for url in (settings.s3_endpoint,) if url})
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            f"img-src 'self' data: blob: {bucket}".strip(),
            f"media-src 'self' blob: {bucket}".strip(),
            f"connect-src 'self' {bucket}".strip(),
            "form-action 'self'",
            "base-uri 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
