"""The door that ``mockspi serve`` opens: an RSGI application on Granian's event loop.

RSGI tells which connection a call came on, which WSGI does not, so that faults can happen at the socket; and a
delayed call is a timer here, not a thread.
"""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial

from mockspi.errors import WouldWait
from mockspi.exchange import Reply, Request, Trouble
from mockspi.server import shortcut
from mockspi.server.again import Again, Kept, Key, key_of
from mockspi.server.doors import headers_of, pairs, reading
from mockspi.server.faults import commit
from mockspi.server.protocol import Proto, Scope
from mockspi.server.queueing import Queueing
from mockspi.server.streaming import Streaming
from mockspi.server.waiting import Waiting
from mockspi.service import Service

_SAFE = ("GET", "HEAD", "OPTIONS")
_TICK = 0.002  #: seconds
_BROKEN_OFF = b"\0"  #: stands for a body that ended before its length, as something that is no JSON


class Door:
    """The RSGI application of a service.

    What was answered before is given again in Granian's own thread, where that can be done. Other calls that read are
    answered on the loop: changing threads would cost them a third more. Calls that may write, and those that would have to
    wait for the journal or a rule's count, do so in one of ``threads`` threads, so that nobody else waits with them. Replies
    that are made as they are sent are made in one thread more, piece by piece in turns.
    """

    def __init__(self, service: Service, threads: int, again: Again | None = None) -> None:
        self._service, self._at_once = service, service.at_once()
        self._reading = reading(service.table)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="mockspi-write")
        self._queue = Queueing(self._answered, self._pool)
        self._waiting = Waiting()
        self._again, self._ticking = again, False
        self._stream = Streaming(self._waiting)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear of the end too: the loop keeps its own handlers, which work through the wake-up file descriptor."""
        if self._again:
            shortcut.lay(partial(self._at_once_before, loop))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._waiting.stop))
            signal.siginterrupt(number, False)

    def __rsgi_del__(self, _: asyncio.AbstractEventLoop) -> None:
        """Every call was answered."""
        if self._again:
            self._again.write()
        self._pool.shutdown(wait=False)
        self._stream.close()

    async def __rsgi__(self, scope: Scope, proto: Proto) -> None:
        """Answer one call."""
        body: bytes | None = None
        key = key_of(scope) if self._again else None
        if self._again and key and (kept := self._again.find(key)):
            if kept.sent:
                body = await whole(proto)
                kept = self._again.of_body(kept, key, body)
            if kept and self._again.given(kept, body or b""):
                self._begin()
                if kept.delay:
                    await self._waiting.pause(kept.delay)
                _give(kept, proto)
                return
        await self._serve(scope, proto, body, key)

    async def _serve(self, scope: Scope, proto: Proto, body: bytes | None, key: Key | None) -> None:
        """Answer a call of which the body may have been read; what lasts is kept under its key."""
        request = to_request(scope)
        if body is not None:
            request = replace(request, body=body)
        elif has_body(request) and (most := self._service.reads(request)):  # nobody without a key makes us wait for a body
            request = replace(request, body=await read(request, proto, most))
        reply = await self._reply(request, key)
        if self._again and self._again.noted:
            self._begin()
        if reply.trouble is not None:
            reply = await self._troubled(scope, proto, reply)
        if reply.chunks is not None:
            await self._stream(reply, request, scope, proto)
        else:
            proto.response_bytes(reply.status, headers_of(reply), reply.body)  # nothing more is sent where a fault has replied

    async def _reply(self, request: Request, key: Key | None) -> Reply:
        loop = asyncio.get_running_loop()
        key = None if request.method == "GET" and has_body(request) else key
        if request.method not in _SAFE and (request.method, request.path) not in self._reading:
            return await self._queue.answer(self._service, request, key)
        with suppress(WouldWait):
            return self._answered(self._at_once, request, key)
        return await loop.run_in_executor(self._pool, self._answered, self._service, request, key)

    def _answered(self, service: Service, request: Request, key: Key | None) -> Reply:
        """What lasts is kept, to be given again."""
        if self._again is None or key is None:
            return service.handle(request)
        before = self._again.moment()
        exchange, sandbox = service.answered(request)
        self._again.keep(key, exchange, sandbox, before)
        return exchange.reply

    def _at_once_before(self, loop: asyncio.AbstractEventLoop, scope: Scope, proto: Proto) -> bool:
        """Answer a call, in any thread, before the loop hears of it, if that takes no waiting; whether it did."""
        key = key_of(scope)
        if not self._again or not key or (kept := self._again.find(key)) is None or kept.sent or kept.delay:
            return False
        if not self._again.given(kept, b""):
            return False
        if not self._ticking:
            loop.call_soon_threadsafe(self._begin)
        _give(kept, proto)
        return True

    def _begin(self) -> None:
        """Begin to look whether what was noted is to be written, unless somebody does."""
        if not self._ticking:
            self._tick()

    def _tick(self) -> None:
        """Look so every now and then, for as long as anything is noted."""
        self._ticking = False  # before the look: who notes something after it sees that nobody will look again
        if not (self._again and self._again.noted):
            return
        self._ticking = True
        loop = asyncio.get_running_loop()
        if self._again.due:
            loop.run_in_executor(self._pool, self._again.write).add_done_callback(lambda _: loop.call_later(_TICK, self._tick))
        else:
            loop.call_later(_TICK, self._tick)

    async def _troubled(self, scope: Scope, proto: Proto, reply: Reply) -> Reply:
        if (trouble := reply.trouble or Trouble()).fault:
            return await commit(trouble, reply, scope, proto, self._waiting) or reply
        await self._waiting.pause(trouble.delay / 1000)
        return reply


def _give(kept: Kept, proto: Proto) -> None:
    reply = kept.exchange.reply
    proto.response_bytes(reply.status, kept.headers, reply.body)


def to_request(scope: Scope) -> Request:
    """The one translation from RSGI, without the body."""
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        if name not in headers:
            headers[name] = value
        elif name != "content-type":  # the first one counts, as in WSGI
            headers[name] = f"{headers[name]},{value}"
    if scope.authority and "host" not in headers:
        headers["host"] = scope.authority
    return Request(scope.method, scope.path, pairs(scope.query_string), headers)


def has_body(request: Request) -> bool:
    """Whether a body comes with the call."""
    return "content-length" in request.headers or "transfer-encoding" in request.headers


async def whole(proto: Proto) -> bytes:
    """A body at once; the server holds it against its length."""
    try:
        return await proto()
    except RuntimeError:
        return _BROKEN_OFF


async def read(request: Request, proto: Proto, limit: int) -> bytes:
    """The body, or its first bytes over the limit."""
    length = request.headers.get("content-length", "")
    if "transfer-encoding" not in request.headers and length.isdecimal() and len(length) < 20 and int(length) <= limit:
        return await whole(proto)
    parts, size = [], 0
    async for part in proto:
        parts.append(part)
        size += len(part)
        if size > limit:
            break
    return b"".join(parts)[: limit + 1]
