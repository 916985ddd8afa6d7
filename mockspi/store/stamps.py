"""When something last changed, for every process at once: memory that is mapped, so that looking costs no system call.

A stamp is a moment of the machine's monotonic clock, set after a change was committed and before who made it is
answered. What was made after a stamp saw the change: it is good for as long as the stamp stays. Many names share a
slot, so that one may seem to change with another; never the other way round.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar
from zlib import crc32

from mockspi.store.mapped import mapped

Value = TypeVar("Value")

_SLOTS = 4096
_EVERYTHING = 0  #: the slot of what concerns every name


class Stamps:
    """The stamps beside one server's records."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def cells(self) -> memoryview:
        """All slots."""
        opened = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return mapped(opened, _SLOTS * 8)
        finally:
            os.close(opened)

    def move(self, *names: str) -> None:
        """Something of these names has changed; of every one where none is said."""
        now = time.monotonic_ns()
        for place in map(slot, names) if names else [_EVERYTHING, *self._ahead(now)]:
            self.cells[place] = now

    def _ahead(self, now: int) -> list[int]:
        """Slots with stamps of before the machine was started anew, whose clock was further: nothing would be after them."""
        return [place for place, stamp in enumerate(self.cells) if stamp > now]

    def seen(self, names: tuple[str, ...], since: int) -> tuple[tuple[int, int], ...] | None:
        """Slots and stamps of these names, unless one of them changed after ``since`` (nanoseconds)."""
        found = tuple((place, self.cells[place]) for place in (_EVERYTHING, *map(slot, names)))
        return found if all(stamp < since for _, stamp in found) else None


class Standing(Generic[Value]):
    """What was read, by a key, for as long as nothing of its names changes; threads share it."""

    def __init__(self, stamps: Stamps, most: int) -> None:
        self._stamps, self._most = stamps, most
        self._kept: dict[str, tuple[tuple[tuple[int, int], ...], Value]] = {}

    def get(self, key: str) -> Value | None:
        """What was kept, if it still stands."""
        if (kept := self._kept.get(key)) is None:
            return None
        cells = self._stamps.cells
        for place, stamp in kept[0]:
            if cells[place] != stamp:
                return None
        return kept[1]

    def keep(self, key: str, names: tuple[str, ...], since: int, value: Value) -> Value:
        """Keep what was read after ``since`` (monotonic nanoseconds), unless something changed meanwhile."""
        if (stamps := self._stamps.seen(names, since)) is not None:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = stamps, value
        return value


def stamps_beside(file: Path) -> Stamps:
    """The stamps of the state folder that a file is in."""
    return Stamps(file.with_name("stamps"))


def slot(name: str) -> int:
    """Where the stamp of a name is."""
    return crc32(name.encode()) % (_SLOTS - 1) + 1
