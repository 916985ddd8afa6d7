"""What a process has not brought into the journal yet, and how another asks it to.

Each process that answers calls has a file of flags, one byte for each slot of sandboxes, mapped by all: to look costs
no system call. Who wants to read, or to write what comes after, asks and waits until the flag is down.
"""

from __future__ import annotations

import mmap
import os
import time
from functools import cached_property
from pathlib import Path
from zlib import crc32

from mockspi.errors import WouldWait

_SLOTS = 1024
_ASKED = 0
_LOOK_SECONDS, _PATIENCE = 0.0005, 5.0
_END = ".pending"


class Pending:
    """The flags of this process; the file is made when the first is raised."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}{_END}"

    @cached_property
    def _cells(self) -> mmap.mmap:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w+b") as file:
            file.truncate(_SLOTS)
            return mmap.mmap(file.fileno(), _SLOTS)

    def raise_flag(self, space: str) -> None:
        """Something of a space is not in the journal."""
        self._cells[_slot(space)] = 1

    def lower_flag(self, space: str, others: list[str]) -> None:
        """Everything of a space is, unless one of others has its slot."""
        if _slot(space) not in map(_slot, others):
            self._cells[_slot(space)] = 0

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
        self._known: dict[str, mmap.mmap] = {}

    def catch_up(self, space: str | None = None, *, wait: bool = True) -> None:
        """Come back when what the others answered (in a space, or anywhere) before is in the journal; WouldWait where it
        is not and nobody may wait.
        """
        places = range(1, _SLOTS) if space is None else (_slot(space),)
        for name, cells in self._others():
            end = time.monotonic() + _PATIENCE
            while any(cells[place] for place in places) and time.monotonic() < end:
                if not wait:
                    raise WouldWait
                cells[_ASKED] = 1
                if not _lives(name):
                    self._folder.joinpath(name).unlink(missing_ok=True)
                    break
                time.sleep(_LOOK_SECONDS)

    def _others(self) -> list[tuple[str, mmap.mmap]]:
        own = f"{os.getpid()}{_END}"
        names = [one.name for one in self._folder.glob(f"*{_END}") if one.name != own]
        for name in set(names) - self._known.keys():
            with self._folder.joinpath(name).open("r+b") as file:
                self._known[name] = mmap.mmap(file.fileno(), _SLOTS)
        return [(name, self._known[name]) for name in names]


def _slot(space: str) -> int:
    return crc32(space.encode()) % (_SLOTS - 1) + 1


def _lives(name: str) -> bool:
    try:
        os.kill(int(name.removesuffix(_END)), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
