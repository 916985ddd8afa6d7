"""Calls that may write, answered one after the other in a thread: they would wait for each other anyway, and a thread that
takes many at once costs far less than one for each.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from mockspi.exchange import Reply

_AT_ONCE = 16  #: calls whose replies go out together

Asked = tuple[tuple[Any, ...], "asyncio.Future[Reply]"]


class Queueing:
    """The calls of one worker that wait to be answered by ``handle``, in the order in which they came."""

    def __init__(self, handle: Callable[..., Reply], pool: Executor) -> None:
        self._handle, self._pool = handle, pool
        self._asked: deque[Asked] = deque()
        self._lock = threading.Lock()
        self._busy = False

    async def answer(self, *call: Any) -> Reply:
        """The reply to one of them, of what ``handle`` is told."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        with self._lock:
            self._asked.append((call, future))
            begin, self._busy = not self._busy, True
        if begin:
            self._pool.submit(self._work, loop)
        return await future

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while some := self._next():
            found = [(future, self._reply(call)) for call, future in some]
            loop.call_soon_threadsafe(_tell, found)

    def _reply(self, call: tuple[Any, ...]) -> Reply | Exception:
        try:
            return self._handle(*call)
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
