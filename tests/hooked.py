"""A receiver that is not ours: plain http.server in a thread, which answers as a script says and keeps what came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any] | tuple[int, dict[str, str], Any]  #: a status, perhaps headers, and a JSON body or bytes
Rule = Callable[[Mapping[str, str], bytes], bool]


@dataclass(frozen=True)
class Arrived:
    """One request; names of headers in lower case."""

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
    """What came, in its order.

    ``answers`` are given one after another, then 200 with an empty object; or they are kept by path, each an answer for
    ever or a list of them. Whatever ``rule`` says no to is answered 401.
    """

    url: str = ""  #: the root
    answers: list[Answer] | dict[str, Answer | list[Answer]] = field(default_factory=dict)
    came: list[Arrived] = field(default_factory=list)
    rule: Rule = lambda headers, raw: True
    seconds: float = 0.0  #: before each answer
    most: int = 0  #: requests under way at once
    under_way: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def hook(self) -> str:
        """An address of a webhook."""
        return f"{self.url}/hook"

    def at(self, path: str) -> list[Any]:
        """The bodies that came to a path."""
        with self.turn:
            return [one.body for one in self.came if one.path == path]

    def answer(self, arrived: Arrived) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        with self.turn:
            self.came.append(arrived)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            found = self.answers
            if isinstance(found, dict):
                found = found.get(arrived.path.partition("?")[0], [])
            if isinstance(found, list):
                found = found.pop(0) if found else (200, {})
        time.sleep(self.seconds)
        with self.turn:
            self.under_way -= 1
        status, headers, body = found if len(found) == 3 else (found[0], {}, found[1])
        status = status if self.rule(arrived.headers, arrived.raw) else 401
        return status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()


@contextmanager
def receiving(*answers: Answer, port: int = 0, **given: Any) -> Iterator[Receiver]:
    """A receiver until the block ends; ``given`` are what else a Receiver has."""
    found = Receiver(**({"answers": list(answers)} if answers else {}), **given)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): text for name, text in self.headers.items()}
            status, more, body = found.answer(Arrived(self.command, self.path, headers, raw))
            with suppress(OSError):  # who asked may be gone meanwhile
                self.send_response(status)
                for name, text in more.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = answer

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asked may go before its request is whole
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
