"""What is served now: the editions of the fixture sets, and the board on which a server posts them.

An edition is a fixture set as it was compiled once. A call takes one and sees nothing else, so that records, rules and
messages always belong together. Exchanging an edition is one number on the board, which every process has mapped.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mockspi.errors import FixtureSetMissing
from mockspi.exchange import Json
from mockspi.messages import Messages
from mockspi.rules.book import Book
from mockspi.settings import MAIN
from mockspi.store.base import Store
from mockspi.store.mapped import mapped
from mockspi.teaching import Teacher

FRESH, STALE = "fresh", "stale"
log = logging.getLogger("mockspi")


@dataclass(frozen=True, slots=True)
class Edition:
    """``base`` is the compiled file; ``note`` says what is wrong with the files that came after it, if anything is."""

    base: str
    store: Store
    messages: Messages
    book: Book
    teacher: Teacher | None = None
    note: str = ""


class Board:
    """Which editions a server serves: a file with everything, and a number that grows with each change of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def number(self) -> int:
        """How often something was posted; costs no system call."""
        return self._cell[0]

    @cached_property
    def _cell(self) -> memoryview:
        with (self._folder / "number").open("r+b") as file:
            return mapped(file.fileno(), 8)

    def prepare(self, document: Json) -> None:
        """Make the board in an empty folder, before anybody reads it."""
        (self._folder / "number").write_bytes(bytes(8))
        self.post(document)

    def read(self) -> Json:
        """What was posted last: ``number``, ``reloads`` by outcome, and ``sets`` by name."""
        found: Json = json.loads((self._folder / "sets.json").read_text("utf-8"))
        return found

    def post(self, document: Json) -> None:
        """Post the next; only one process of a server does so."""
        number = self.number + 1
        beside = self._folder / f".sets.{os.getpid()}"
        beside.write_text(json.dumps(document | {"number": number}), "utf-8")
        beside.replace(self._folder / "sets.json")
        self._cell[0] = number


class Editions:
    """The editions of one process, exchanged as soon as the board says so. ``opened`` makes one of a name, a base and a note."""

    def __init__(self, board: Board, opened: Callable[[str, str, str], Edition]) -> None:
        self._board = board
        self._opened = opened
        self._number = 0
        self._editions: Mapping[str, Edition] = {}
        self._refreshing = threading.Lock()

    def __call__(self, name: str = MAIN) -> Edition:
        """The edition of a set that is served now; hold on to it for one call and no longer."""
        if self._board.number != self._number:
            self._refresh()
        try:
            return self._editions[name]
        except KeyError:
            raise FixtureSetMissing(set=name) from None

    def _refresh(self) -> None:
        with self._refreshing:
            if (number := self._board.number) == self._number:
                return
            try:
                posted = self._board.read()
                self._editions = {name: self._edition(name, one) for name, one in posted["sets"].items()}
                number = posted["number"]
            except Exception:
                if not self._editions:
                    raise
                log.exception("the fixture sets that were posted cannot be opened; the last good ones are served")
            self._number = number

    def _edition(self, name: str, posted: Mapping[str, Any]) -> Edition:
        now = self._editions.get(name)
        if now and now.base == posted["base"]:
            return replace(now, note=posted["note"])
        return self._opened(name, posted["base"], posted["note"])


def alone(edition: Edition) -> Callable[[str], Edition]:
    """One edition that is never exchanged, whatever set is asked for."""
    return lambda name: edition
