"""Calls that may write, answered one after the other in a thread: they would wait for each other anyway, and a thread that
takes many at once costs far less than one for each.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor

from mockspi.exchange import Reply, Request

_AT_ONCE = 16  #: calls whose replies go out together

Asked = tuple[Request, "asyncio.Future[Reply]"]


class Queueing:
    """The calls of one worker that wait to be answered by ``handle``, in the order in which they came."""

    def __init__(self, handle: Callable[[Request], Reply], pool: Executor) -> None:
        self._handle, self._pool = handle, pool
        self._asked: deque[Asked] = deque()
        self._lock = threading.Lock()
        self._busy = False

    async def answer(self, request: Request) -> Reply:
        """The reply to one of them."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        with self._lock:
            self._asked.append((request, future))
            begin, self._busy = not self._busy, True
        if begin:
            self._pool.submit(self._work, loop)
        return await future

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while some := self._next():
            found = [(future, self._reply(request)) for request, future in some]
            loop.call_soon_threadsafe(_tell, found)

    def _reply(self, request: Request) -> Reply | Exception:
        try:
            return self._handle(request)
        except Exception as error:  # noqa: BLE001  # of this call alone: those behind it are answered
            return error

    def _next(self) -> list[Asked]:
        with self._lock:
            some = [self._asked.popleft() for _ in range(min(len(self._asked), _AT_ONCE))]
            self._busy = bool(some)
        return some


def _tell(found: list[tuple[asyncio.Future[Reply], Reply | Exception]]) -> None:
    for future, reply in found:
        if future.done():  # who asked is gone
            continue
        if isinstance(reply, Exception):
            future.set_exception(reply)
        else:
            future.set_result(reply)
