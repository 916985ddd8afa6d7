"""What a process has not brought into the journal yet, and how another asks it to.

Each process that answers calls has a file of numbers, mapped by all: to look costs no system call. Sandboxes share slots;
for each slot it tells how many exchanges were noted, and how many of those are in the journal, or staged for it. Who wants
to read, or to write what comes after, asks and waits until everything is there that was noted when it asked, whatever comes
meanwhile. Who puts in order what is staged waits for nobody: it leaves what is newer than the oldest that somebody else has
only noted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from mockspi.errors import StoreBusy, WouldWait
from mockspi.store.mapped import mapped

_SLOTS = 1024
_SIZE = (2 + 2 * _SLOTS) * 8  #: whether somebody waits; of when the oldest is; what was noted, by slot; what was written
_ASKED, _SINCE, _NOTED, _WRITTEN = 0, 1, 2, 2 + _SLOTS
_LOOK_SECONDS, _PATIENCE = 0.002, 5.0
_LOST = 15_000_000_000  #: nanoseconds after which nobody is waited for who does not bring what was noted
_END = ".pending"


class Pending:
    """The numbers of this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{os.getpid()}{_END}"
        unseen = path.with_suffix(".new")
        with unseen.open("w+b") as file:
            self._cells = mapped(file.fileno(), _SIZE)
        unseen.replace(path)  # others see it when it is whole

    def note(self, place: int) -> None:
        """One more exchange of a slot is not in the journal."""
        self._cells[_NOTED + place] += 1

    def since(self, moment: int, *, noted: bool = False) -> None:
        """The oldest that is not in the journal is of this moment (0: there is none); ``noted`` where an older one may be."""
        if not (noted and self._cells[_SINCE]):
            self._cells[_SINCE] = moment

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
        """Whether somebody waits."""
        return bool(self._cells[_ASKED])

    def hear(self) -> bool:
        """The same, heard once."""
        asked, self._cells[_ASKED] = self.asked, 0
        return asked


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

    @property
    def noted(self) -> bool:
        """Whether another has something that is not in the journal yet."""
        return any(cells[_SINCE] for _, cells in self._others())

    def settled(self) -> int:
        """The moment (monotonic nanoseconds) until which everything is staged that the others answered; who has older
        things is asked for them.
        """
        found = now = time.monotonic_ns()
        for name, cells in self._others():
            since = cells[_SINCE]
            if now - _LOST < since <= found:
                if _lives(name):
                    cells[_ASKED] = 1
                    found = since - 1
                else:
                    self._folder.joinpath(name).unlink(missing_ok=True)
        return found

    def _others(self) -> list[tuple[str, memoryview]]:
        own = f"{os.getpid()}{_END}"
        names = [one.name for one in self._folder.glob(f"*{_END}") if one.name != own]
        for name in set(names) - self._known.keys():
            with suppress(FileNotFoundError), self._folder.joinpath(name).open("r+b") as file:  # its writer is known to be dead
                self._known[name] = mapped(file.fileno(), _SIZE)
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
