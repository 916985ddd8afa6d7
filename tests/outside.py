"""What stands outside when calls go out: wires that speak raw bytes, slowly or never, and a resolver of the test's own."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mockspi.webhooks.message import Heard, Wire
from mockspi.webhooks.outbound import Outbound

POST = Wire("POST", (("Content-Type", "application/json"), ("Api-Key", "let-me-in")), b'{"a":1}')
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
PATIENCE = 60_000  #: no test waits for it


def hosts(*found: Sequence[str]) -> tuple[Callable[[str], Sequence[str]], list[str]]:
    """A resolver that says these lists of addresses in turn, the last for ever; and which names it was asked for."""
    asked: list[str] = []

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return found[min(len(asked), len(found)) - 1]

    return resolve, asked


def send(url: str, *allow: str, found: Sequence[str] = (), wire: Wire = POST, timeout: int = PATIENCE) -> Heard:
    """One call; every host is at the addresses found, where some are given."""
    return (Outbound(allow, hosts(found)[0]) if found else Outbound(allow)).send(wire, url, timeout)


@contextmanager
def listening(speak: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port where each connection is spoken to by this function, which ends when the other side does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with connection, suppress(OSError):
                    if context is None:
                        speak(connection)
                    else:
                        with context.wrap_socket(connection, server_side=True) as secured:
                            speak(secured)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def read_request(connection: socket.socket) -> None:
    """All of it: who closes before that resets the connection."""
    seen = b""
    while part := connection.recv(65536):
        seen += part
        head, end, body = seen.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if not seen[:1].isalpha():  # no HTTP
            return
        if end and len(body) >= int(length[1] if length else 0):
            return


def saying(*parts: bytes, before: bool = True) -> Callable[[socket.socket], None]:
    """Reads a request and says these bytes."""

    def speak(connection: socket.socket) -> None:
        if before:
            read_request(connection)
        for part in parts:
            connection.sendall(part)

    return speak


@dataclass
class Dribbler:
    """Says ``start``, then ``drop`` every tenth of a second, at most so often, and then a good end; whether it came to that."""

    start: bytes
    drop: bytes
    end: bytes
    drops: int = 200
    whole: bool = False

    def __call__(self, connection: socket.socket) -> None:
        """Until the other side goes."""
        connection.recv(65536)
        connection.sendall(self.start)
        connection.settimeout(0.1)
        for _ in range(self.drops):
            connection.sendall(self.drop)
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return
        self.whole = True
        connection.sendall(self.end)


def silent(connection: socket.socket) -> None:
    """Says nothing until the other side is gone, or for twenty seconds."""
    connection.settimeout(20)
    while connection.recv(65536):
        pass
