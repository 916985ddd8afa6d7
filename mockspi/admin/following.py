"""A journal told as it grows, over one connection."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Self

from mockspi.errors import Failure

MOST_FOLLOWING = 16  #: connections at once; each holds a thread of the admin port
_PAUSE, _SILENCE = 0.05, 1.0
_places = threading.BoundedSemaphore(MOST_FOLLOWING)


class TooManyFollowing(Failure):
    """As many connections follow a journal as may; end one, or ask again a moment later."""

    status = 503
    code = "TOO_MANY_FOLLOWING"


class Following:
    """Lines as they come: ``more`` brings those since it was last asked.

    It ends when the server stops. An empty line every second that nothing happens finds out whether anybody still reads.
    """

    def __init__(self, more: Callable[[], Iterator[bytes]], stopping: Callable[[], bool]) -> None:
        if not _places.acquire(blocking=False):
            raise TooManyFollowing(headers=[("Retry-After", "1")], most=MOST_FOLLOWING)
        self._lines = _follow(more, stopping)
        self._leave = weakref.finalize(self, _places.release)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Nobody reads any more."""
        self._leave()


def _follow(more: Callable[[], Iterator[bytes]], stopping: Callable[[], bool]) -> Iterator[bytes]:
    spoken = 0.0  # the first line goes out at once, so that who follows knows that it does
    while not stopping():
        for line in more():
            yield line
            spoken = time.monotonic()
        if time.monotonic() - spoken >= _SILENCE:
            yield b"\n"
            spoken = time.monotonic()
        time.sleep(_PAUSE)
