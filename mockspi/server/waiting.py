"""Calls that wait: a sleeping call holds no thread, and all of them wake when the worker stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Waiting:
    """The sleepers of one worker, on its event loop."""

    def __init__(self) -> None:
        self.stopping = False
        self._sleepers: set[asyncio.Future[None]] = set()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not longer than the worker serves."""
        if self.stopping:
            return
        loop = asyncio.get_running_loop()
        sleeper = loop.create_future()
        timer = loop.call_later(seconds, wake, sleeper)
        self._sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            timer.cancel()
            self._sleepers.discard(sleeper)

    async def until(self, gone: Callable[[], Awaitable[None]], seconds: float) -> bool:
        """Wait until the client is gone, the time is over, or the worker stops; whether the client is gone."""

        async def watch() -> None:
            await gone()

        watching, sleeping = asyncio.ensure_future(watch()), asyncio.ensure_future(self.pause(seconds))
        done, unfinished = await asyncio.wait((watching, sleeping), return_when=asyncio.FIRST_COMPLETED)
        for task in unfinished:
            task.cancel()
        return watching in done

    def stop(self) -> None:
        """Wake every sleeper, and let nobody sleep any more."""
        self.stopping = True
        for sleeper in list(self._sleepers):
            wake(sleeper)


def wake(sleeper: asyncio.Future[None]) -> None:
    """End one sleep, unless it has ended."""
    if not sleeper.done():
        sleeper.set_result(None)
