"""A webhook receiver that is not ours: the standard library's server, which keeps what came."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Came:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """Its JSON."""
        return json.loads(self.raw)


@dataclass
class Receiver:
    """What came, in its order; ``answers`` by path are a status and a JSON body, a list of them one after another."""

    url: str = ""
    came: list[Came] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    most: int = 0  #: requests under way at once
    under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, path: str) -> list[Any]:
        """The bodies that came to a path."""
        with self.lock:
            return [one.body for one in self.came if one.path == path]

    def answer(self, path: str) -> tuple[int, Any]:
        """What the next request to a path is answered."""
        found = self.answers.get(path.partition("?")[0], (200, {}))
        return found.pop(0) if isinstance(found, list) else found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port, until the block ends."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            with kept.lock:
                kept.under_way += 1
                kept.most = max(kept.most, kept.under_way)
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            with kept.lock:
                kept.came.append(Came(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, raw))
                status, told = kept.answer(self.path)
            reply = b"" if self.command == "HEAD" else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)
            with kept.lock:
                kept.under_way -= 1

        do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = handle_one

        def log_message(self, *_: Any) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield kept
        finally:
            server.shutdown()
