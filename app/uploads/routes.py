"""REST of files. The last two serve the embedded mode alone: a bucket takes and gives files itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import IO, Any

import gevent
from flask import Response, jsonify, redirect, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response as BaseResponse

from app.backends.handles import handles
from app.backends.offload import offload
from app.core.errors import AppError
from app.uploads import service
from app.uploads.forms import CHUNK_BYTES, OVERHEAD_BYTES, FileForm
from app.uploads.schemas import AttachmentSchema, CompleteUpload, InitUpload, UploadTicketSchema
from app.web.http import Blueprint, current_actor

REST_LIMIT_S = 30.0
FILE_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; sandbox"

blp = Blueprint("uploads", __name__, description="Files")


@blp.post("/upload/init")
@blp.arguments(InitUpload)
@blp.response(200, UploadTicketSchema)
def init_upload(body: dict[str, Any]) -> dict[str, Any]:
    """Ask to send a file; the answer says how."""
    return service.init_upload(actor=current_actor(), **body)


@blp.post("/upload/complete")
@blp.arguments(CompleteUpload)
@blp.response(200, AttachmentSchema)
def complete_upload(body: dict[str, Any]) -> Response:
    """The file was sent: it is looked at, and kept if it is what was announced."""
    return jsonify(service.complete_upload(actor=current_actor(), **body))


@blp.get("/attachments/<attachment_id>")
@blp.response(302)
def get_attachment(attachment_id: str) -> BaseResponse:
    """Goes to a fresh signed address of the file."""
    response = redirect(service.get_attachment_url(actor=current_actor(), attachment_id=attachment_id))
    response.cache_control.no_store = True
    return response


@blp.put("/uploads/<token>")
@blp.response(200)
def put_file(token: str) -> Response:
    """Take the bytes of a file, as its ticket admits."""
    admission = service.admit_file(token)
    _limit_body(admission.size)
    service.receive_file(admission, mime=request.headers.get("Content-Type", ""), chunks=_chunks(request.stream))
    return Response(status=200)


@blp.post("/uploads/<token>")
@blp.response(204)
def post_file(token: str) -> Response:
    """Take a form with the fields of the ticket and then `file`."""
    admission = service.admit_file(token)
    _limit_body(admission.size + OVERHEAD_BYTES)
    boundary = request.mimetype_params.get("boundary")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise AppError("unsupported_media_type", "Send a form (multipart/form-data).")
    form = FileForm(request.stream, boundary)
    service.receive_file(admission, mime=form.fields.get("Content-Type", ""), chunks=form.chunks())
    return Response(status=204)


@blp.get("/files/<token>")
@blp.response(200)
def get_file(token: str) -> Response:
    """Hand a file out to whoever has its signed address; parts of it on demand."""
    opened = service.open_file(token)
    response = Response(FileBody(opened.file), mimetype=opened.serving.mime, direct_passthrough=True)
    response.headers["Content-Disposition"] = opened.serving.disposition
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = f"private, max-age={opened.left_ms // 1000}, immutable"
    response.headers["Accept-Ranges"] = "bytes"
    response.content_length = opened.size
    response.set_etag(opened.etag)  # with it a download that broke off goes on where it was (`If-Range`)
    try:
        response.make_conditional(request, accept_ranges=_asks_for_one_part(), complete_length=opened.size)
    except RequestedRangeNotSatisfiable:
        opened.file.close()
        raise
    return response


def _asks_for_one_part() -> bool:
    """Other ranges are ignored, as RFC 9110 section 14.2 lets servers do: the answer is the whole file."""
    asked = request.range
    return asked is not None and asked.units == "bytes" and len(asked.ranges) == 1


@blp.after_request
def take_the_rest(response: Response) -> Response:
    """Whatever is still coming of a file that was refused: a connection closed on it would lose the answer on its way.

    A proxy would also take this for a worker that fails, and send its clients elsewhere.
    """
    if (
        request.method in {"PUT", "POST"}
        and request.endpoint in _TAKING
        and response.status_code >= HTTPStatus.BAD_REQUEST
    ):
        left = handles.settings.upload_max_bytes + OVERHEAD_BYTES
        with gevent.Timeout(REST_LIMIT_S, False), suppress(OSError):
            while left > 0 and (chunk := request.environ["wsgi.input"].read(CHUNK_BYTES)):
                left -= len(chunk)
    return response


_TAKING = {"uploads.put_file", "uploads.post_file"}


class FileBody:
    """A file as the body of an answer, read in threads."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = offload(self._file.read, CHUNK_BYTES)
        if not chunk:
            raise StopIteration
        return chunk


def _limit_body(size: int) -> None:
    """The ticket's own limit in place of the one for JSON."""
    request.max_content_length = size + 1  # the stream refuses to look for an end right at its limit
    if (request.content_length or 0) > size:
        raise AppError("file_too_large")


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk
