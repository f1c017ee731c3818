"""Answers with a large part that is the same for all who ask: neither copied nor compressed for each of them."""

from __future__ import annotations

from flask import Response

from app.web import transfer
from app.web.packing import LARGE_BYTES, packer


def filled(response: Response, encoded: bytes, rest: bytes) -> Response:
    """`response` with `encoded`, which others get as well, and `rest`."""
    if len(encoded) < LARGE_BYTES:
        response.data = encoded + rest
        return response
    parts = [encoded, rest]
    if transfer.takes_gzip(response):
        parts = packer.pack(encoded, rest)
        response.headers["Content-Encoding"] = "gzip"
    transfer.leave_as_is()
    response.vary.add("Accept-Encoding")
    response.response = parts
    response.content_length = sum(map(len, parts))
    return response
