"""A receiver that is not ours: plain http.server in a thread, which answers as a script says and keeps what came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]  #: a status, and a JSON body or bytes


@dataclass(frozen=True)
class Arrived:
    """One request."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """What came, in order; ``answers`` are given one after another, then 200 with an empty object."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    came: list[Arrived] = field(default_factory=list)
    seconds: float = 0.0  #: before each answer
    most_at_once: int = 0
    now: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, arrived: Arrived) -> tuple[int, bytes]:
        with self.turn:
            self.came.append(arrived)
            status, body = self.answers.pop(0) if self.answers else (200, {})
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
        time.sleep(self.seconds)
        with self.turn:
            self.now -= 1
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


@contextmanager
def receiving(*answers: Answer, seconds: float = 0.0, port: int = 0) -> Iterator[Receiver]:
    """A receiver until the block ends."""
    found = Receiver(answers=list(answers), seconds=seconds)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): text for name, text in self.headers.items()}
            status, body = found.answer(Arrived(self.path, headers, raw))
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # the sender was killed meanwhile

        do_PUT = do_POST

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
