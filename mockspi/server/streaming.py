"""Replies that are made as they are sent: one thread makes the pieces, the event loop sends them, no client keeps either waiting.

Granian takes whatever it is given and keeps what the client has not taken yet, so the kernel is asked how much that is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from typing import cast

from mockspi.exchange import Reply, Request
from mockspi.server.doors import headers_of
from mockspi.server.faults import connection_of
from mockspi.server.logs import broken_off
from mockspi.server.protocol import Proto, Scope, Stream
from mockspi.server.waiting import Waiting

_AHEAD = 1_048_576  #: bytes that may wait for one client
_LOOK_SECONDS, _CLOSE_SECONDS = 0.01, 5.0
_TCP_INFO, _ESTABLISHED = struct.Struct("B119xQ"), 1  #: the connection's state, and how many bytes its peer has acknowledged
log = logging.getLogger("mockspi")


class Streaming:
    """Sends replies whose rest is made as it is sent. The thread makes a piece of each in turns."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mockspi-stream")

    def close(self) -> None:
        """Every reply was sent."""
        self._pool.shutdown(wait=False)

    async def __call__(self, reply: Reply, request: Request, scope: Scope, proto: Proto) -> None:
        """Send a reply. Where its rest cannot be made, the log says so and the connection breaks: nobody takes it for whole."""
        connection, pieces, whole = connection_of(scope), cast("Generator[bytes]", reply.chunks), False
        with connection or nullcontext():
            out = proto.response_stream(reply.status, headers_of(reply))  # Granian ends the body when nobody has this any more
            try:
                whole = await self._send(reply.body, pieces, out, connection)
            except Exception:
                log.exception("%s", broken_off(request))
            finally:
                self._pool.submit(pieces.close)
            if connection and not whole:
                with suppress(OSError):  # the client may be gone
                    connection.shutdown(socket.SHUT_RDWR)
                await self._waiting.until(proto.client_disconnect, _CLOSE_SECONDS)  # Granian sees that it is at its end

    async def _send(self, piece: bytes, pieces: Generator[bytes], out: Stream, connection: socket.socket | None) -> bool:
        """Whether all of it went out: not where the client goes, or is slow and the worker stops."""
        room = _AHEAD - _acknowledged(connection) if connection else 0
        while piece:
            try:
                await out.send_bytes(piece)
            except RuntimeError:
                return False
            room -= len(piece)
            while connection and _acknowledged(connection) + room < 0:
                if self._waiting.stopping:
                    return False
                await self._waiting.pause(_LOOK_SECONDS)
            piece = await asyncio.get_running_loop().run_in_executor(self._pool, next, pieces, b"")
        return True


def _acknowledged(connection: socket.socket) -> int:
    """How many bytes the client's side has of all that was ever sent to it; no end of them where it takes no more."""
    state, acknowledged = _TCP_INFO.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
    return int(acknowledged) if state == _ESTABLISHED else sys.maxsize
