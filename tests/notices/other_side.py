"""A web server of the operator's own, on the loopback, that gives one answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any


@contextmanager
def other_side(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[str, list[tuple[str, Any, bytes]]]]:
    """Its address, and what it was asked: path, headers, body."""
    taken: list[tuple[str, Any, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            taken.append((self.path, self.headers, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 (the library's names)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
