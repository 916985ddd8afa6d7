"""Faults at the socket: the connection's own file descriptor is found in the worker, and what is wrong is done to it."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

from mockspi.exchange import Reply, Trouble
from mockspi.server.doors import headers_of
from mockspi.server.protocol import Proto, Scope
from mockspi.server.waiting import Waiting

_HOUR = 3600.0
_SEND_SECONDS = 60.0
_CLOSE_SECONDS = 5.0
_GARBAGE = 64
_UNLISTED = "this system does not show which connection it is"
log = logging.getLogger("mockspi")


async def commit(trouble: Trouble, reply: Reply, scope: Scope, proto: Proto, waiting: Waiting) -> Reply | None:
    """Wait, and do what is wrong; the reply that goes out instead where it cannot be done."""
    delay = trouble.delay / 1000
    if trouble.fault == "dribble":
        await waiting.pause(delay)
        await dribble(trouble, reply, proto, waiting)
        return None
    if await waiting.until(proto.client_disconnect, delay + _HOUR if trouble.fault == "timeout" else delay):
        return None  # its address and port may be another's by now
    numbers = _numbers()
    connection = find(scope.client, scope.server, numbers)
    if connection is None:  # the client is gone; or this system does not list what a process has open
        return no_fault(trouble.fault, "the connection is gone") if numbers else impossible(trouble.fault, _UNLISTED)
    with connection, suppress(OSError, TimeoutError):  # the client may go at any moment
        await _AT_THE_SOCKET[trouble.fault](connection, reply)
    await waiting.until(proto.client_disconnect, _CLOSE_SECONDS)  # Granian sees that the connection is at its end
    return None


def impossible(fault: str, why: str) -> Reply:
    """What is answered where a fault can never happen; the log says so once."""
    _once(fault, why)
    return no_fault(fault, why)


def no_fault(fault: str, why: str) -> Reply:
    """What is answered instead of a fault."""
    return Reply.of({"errorCode": "FAULT_NEEDS_SERVER", "errorMessage": _sentence(fault, why)}, 500)


def _sentence(fault: str, why: str) -> str:
    return f"the fault {fault!r} cannot happen here: {why}"


@cache
def _once(fault: str, why: str) -> None:
    log.warning(_sentence(fault, why))


# --- what is done


async def _reset(connection: socket.socket, _: Reply) -> None:
    """RST: the connection is torn down in the kernel; elsewhere than on Linux when Granian closes it."""
    if sys.platform == "linux":
        import ctypes

        nobody = struct.pack("16x")  # AF_UNSPEC
        ctypes.CDLL(None).connect(connection.fileno(), nobody, len(nobody))
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)


async def _empty(connection: socket.socket, _: Reply) -> None:
    connection.shutdown(socket.SHUT_RDWR)


async def _truncate(connection: socket.socket, reply: Reply) -> None:
    """Half of the body; where there is none, half of the headers."""
    head = raw_head(reply)
    await _send(connection, head + reply.body[: len(reply.body) // 2] if reply.body else head[: len(head) // 2])


async def _garbage(connection: socket.socket, reply: Reply) -> None:
    """As many bytes as the headers promise, none of them the body: they follow from the reply, so a seed repeats them."""
    reply = garbled(reply)
    await _send(connection, raw_head(reply) + reply.body)


def garbled(reply: Reply) -> Reply:
    """The reply with bytes that are no body, as many as there were."""
    noise = random.Random(reply.body).randbytes(len(reply.body) or _GARBAGE)  # noqa: S311  # no secret
    return replace(reply, body=b"\xff" + noise[1:])  # never UTF-8


async def _send(connection: socket.socket, data: bytes) -> None:
    async with asyncio.timeout(_SEND_SECONDS):
        await asyncio.get_running_loop().sock_sendall(connection, data)
    connection.shutdown(socket.SHUT_RDWR)


_AT_THE_SOCKET: dict[str, Callable[[socket.socket, Reply], Awaitable[None]]] = {
    "reset": _reset,
    "empty": _empty,
    "truncate": _truncate,
    "garbage": _garbage,
    "timeout": _empty,
}


async def dribble(trouble: Trouble, reply: Reply, proto: Proto, waiting: Waiting) -> None:
    """The body in small pieces; the connection is as good as before."""
    stream = proto.response_stream(reply.status, headers_of(reply))
    for number, piece in enumerate(pieces(reply.body, trouble.chunk)):
        if number:
            await waiting.pause(trouble.interval / 1000)
        try:
            await stream.send_bytes(piece)
        except RuntimeError:
            return  # the client is gone


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    """The body in order, ``size`` bytes at a time."""
    size = max(1, size)
    return (body[start : start + size] for start in range(0, len(body), size))


def raw_head(reply: Reply) -> bytes:
    """Status line and headers as Granian would write them."""
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else ""
    from email.utils import formatdate  # slow to import, and faults are few

    headers = [*headers_of(reply), ("server", "granian"), ("date", formatdate(usegmt=True))]
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name.lower()}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


# --- where it is done


def connection_of(scope: Scope) -> socket.socket | None:
    """The connection on which a call came, under a file descriptor of our own; None where it is gone, or files are not listed."""
    return find(scope.client, scope.server, _numbers())


def find(client: str, server: str, numbers: Iterable[int]) -> socket.socket | None:
    """The connection from a client's address to a server's port, under a file descriptor of our own."""
    wanted = (_address(client), int(server.rpartition(":")[2]))
    for number in numbers:
        if _ends(number) == wanted:
            own = os.dup(number)
            if _ends(own) == wanted:
                return socket.socket(fileno=own)
            # Another file took the number in between. It stays open: to close a second descriptor of SQLite's
            # files would drop this process's locks on them.
    return None


def _numbers() -> list[int]:
    folder = Path("/proc/self/fd") if sys.platform == "linux" else Path("/dev/fd")
    with suppress(OSError):
        return [int(path.name) for path in folder.iterdir()]
    return []


def _ends(number: int) -> tuple[tuple[str, int], int] | None:
    """Both ends of a connection: the peer's address and port, and our port. Nothing is closed."""
    try:
        looked_at = socket.socket(fileno=number)
    except OSError:
        return None  # not a socket
    try:
        host, port = looked_at.getpeername()[:2]
        return (str(ip_address(host.partition("%")[0])), port), looked_at.getsockname()[1]
    except (OSError, ValueError):
        return None  # listens, or is not TCP
    finally:
        looked_at.detach()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return str(ip_address(host.strip("[]").partition("%")[0])), int(port)
