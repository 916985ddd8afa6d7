"""What a process has not brought into the journal yet, and how another asks it to.

Each process that answers calls has a file of numbers, mapped by all: to look costs no system call. Sandboxes share slots;
for each slot it tells how many exchanges were noted, and how many of those are in the journal. Who wants to read, or to
write what comes after, asks and waits until everything is there that was noted when it asked, whatever comes meanwhile.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from zlib import crc32

from mockspi.errors import StoreBusy, WouldWait

_SLOTS = 1024
_SIZE = (1 + 2 * _SLOTS) * 8  #: whether somebody waits; what was noted, by slot; what of it was written
_ASKED, _NOTED, _WRITTEN = 0, 1, 1 + _SLOTS
_LOOK_SECONDS, _PATIENCE = 0.002, 5.0
_END = ".pending"


class Pending:
    """The numbers of this process; the file is made when the first exchange is noted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}{_END}"

    @cached_property
    def _cells(self) -> memoryview:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unseen = self._path.with_suffix(".new")
        with unseen.open("w+b") as file:
            file.truncate(_SIZE)
            cells = memoryview(mmap.mmap(file.fileno(), _SIZE)).cast("Q")
        unseen.replace(self._path)  # others see it when it is whole
        return cells

    def note(self, place: int) -> None:
        """One more exchange of a slot is not in the journal."""
        self._cells[_NOTED + place] += 1

    def lacks(self, place: int) -> bool:
        """Whether something of a slot is not in the journal, or only on its way there."""
        return bool(self._cells[_NOTED + place] != self._cells[_WRITTEN + place])

    def noted(self, places: Iterable[int]) -> list[tuple[int, int]]:
        """Slots, and how many exchanges of each were noted."""
        return [(place, self._cells[_NOTED + place]) for place in places]

    def written(self, noted: Iterable[tuple[int, int]]) -> None:
        """All that was noted then is in the journal."""
        for place, number in noted:
            self._cells[_WRITTEN + place] = number

    @property
    def asked(self) -> bool:
        """Whether somebody waits; heard once."""
        if not self._cells[_ASKED]:
            return False
        self._cells[_ASKED] = 0
        return True


class Writers:
    """The processes of a server that may have something pending, seen from any other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, memoryview] = {}

    def catch_up(self, space: str | None = None, *, wait: bool = True) -> None:
        """Come back when what the others answered (in a space, or anywhere) before is in the journal; WouldWait where it
        is not and nobody may wait, StoreBusy where it does not get there.
        """
        places: Sequence[int] = range(_SLOTS) if space is None else (slot(space),)
        for name, cells in self._others():
            wanted = [(_WRITTEN + place, cells[_NOTED + place]) for place in places]
            end = time.monotonic() + _PATIENCE
            while any(cells[place] < number for place, number in wanted):
                if not wait:
                    raise WouldWait
                if time.monotonic() > end:
                    raise StoreBusy(headers=[("Retry-After", "1")])
                cells[_ASKED] = 1
                if not _lives(name):
                    self._folder.joinpath(name).unlink(missing_ok=True)
                    break
                time.sleep(_LOOK_SECONDS)

    def _others(self) -> list[tuple[str, memoryview]]:
        own = f"{os.getpid()}{_END}"
        names = [one.name for one in self._folder.glob(f"*{_END}") if one.name != own]
        for name in set(names) - self._known.keys():
            with suppress(FileNotFoundError), self._folder.joinpath(name).open("r+b") as file:  # its writer is known to be dead
                self._known[name] = memoryview(mmap.mmap(file.fileno(), _SIZE)).cast("Q")
        return [(name, self._known[name]) for name in names if name in self._known]


def slot(space: str) -> int:
    """Where the numbers of a space are."""
    return crc32(space.encode()) % _SLOTS


def _lives(name: str) -> bool:
    try:
        os.kill(int(name.removesuffix(_END)), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
