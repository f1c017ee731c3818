"""Start an example: Greenroom for it, and its own files beside it on another origin, as your app would be.

`python -m examples.serve vue` serves examples/vue at http://localhost:5173 and Greenroom at http://localhost:3000, its data in
`var/examples`. `--greenroom URL` uses one that runs already; its CORS_ORIGIN must name this origin.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
CLIENT = ROOT / "clients" / "js" / "src"
IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
EXTRA_POLICY = {"vue": " 'unsafe-eval'"}  # templates are compiled in the page; a build step would do that beforehand


class Files(SimpleHTTPRequestHandler):
    """The app's files, its packages, the client, and the one page for every other path: the app routes those itself."""

    def __init__(self, *args: object, app: Path, greenroom: str, **kwargs: object) -> None:
        self._app = app
        self._greenroom = greenroom
        super().__init__(*args, directory=str(app), **kwargs)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        """Below `/client/` lies the JavaScript client, below `/shared/` what the examples have in common."""
        for prefix, folder in (("/client/", CLIENT), ("/shared/", HERE / "shared")):
            if path.startswith(prefix):
                return str(folder / Path(path.split("?", maxsplit=1)[0].removeprefix(prefix)).name)
        return super().translate_path(path)

    def do_GET(self) -> None:
        """A file, `/config.json` (where Greenroom is), or the page."""
        if self.path == "/config.json":
            self._send(json.dumps({"greenroom": self._greenroom}).encode(), "application/json")
        elif Path(self.path.split("?")[0]).suffix:
            super().do_GET()
        else:
            self._send_page()

    def end_headers(self) -> None:
        """Changed files show at the next load."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Greenroom's log is the one to read."""

    def _send_page(self) -> None:
        page = (self._app / "index.html").read_text()
        found = IMPORT_MAP.search(page)
        digest = base64.b64encode(hashlib.sha256((found[1] if found else "").encode()).digest()).decode()
        socket = self._greenroom.replace("http", "ws", 1)
        policy = (
            f"default-src 'none'; script-src 'self' 'sha256-{digest}'{EXTRA_POLICY.get(self._app.name, '')};"
            f" style-src 'self'; img-src 'self' data: {self._greenroom}; connect-src 'self' {self._greenroom} {socket};"
            " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        self._send(page.encode(), "text/html; charset=utf-8", policy)

    def _send(self, body: bytes, mime: str, policy: str = "default-src 'none'") -> None:
        self.send_response(200)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", choices=["vue", "react"])
    parser.add_argument("--port", type=int, default=5173)
    parser.add_argument("--greenroom", default="")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it is ended, Greenroom ends with it
    greenroom = asked.greenroom.rstrip("/") or f"http://localhost:{os.environ.get('PORT', '3000')}"
    handler = partial(Files, app=HERE / asked.app, greenroom=greenroom)
    with ThreadingHTTPServer(("127.0.0.1", asked.port), handler) as server:
        origin = f"http://localhost:{server.server_port}"
        print(f"\nThe {asked.app} example is at {origin}\n", flush=True)
        child = None if asked.greenroom else start_greenroom(origin)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            if child:
                child.terminate()
                child.wait()


def start_greenroom(origin: str) -> subprocess.Popen[bytes]:
    """Greenroom that lets pages of `origin` in."""
    settings = {"CORS_ORIGIN": origin, "DATA_DIR": os.environ.get("DATA_DIR", str(ROOT / "var" / "examples"))}
    return subprocess.Popen([sys.executable, "-m", "tools.run"], cwd=ROOT, env={**os.environ, **settings})


if __name__ == "__main__":
    main()
