"""What the journal keeps: rows, which of them are meant, and how far a sandbox has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange as it is kept; ``facts`` and ``findings`` are JSON, ``request`` and ``reply`` the bodies."""

    contract: str
    path: str
    status: int
    findings: str
    time: int
    clock: int
    milliseconds: float
    facts: str
    request: bytes
    reply: bytes
    number: int = 0  #: given when it is written

    @property
    def size(self) -> int:
        """How many bytes it counts for."""
        return 200 + len(self.path) + len(self.findings) + len(self.facts) + len(self.request) + len(self.reply)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are meant; None is any. ``contracts`` are ids, the empty one among them for no contract."""

    since: int = 0
    contracts: frozenset[str] | None = None
    path: str | None = None
    status: int | None = None
    findings: bool = False
    until: int = 2**62  #: no greater number
    earliest: int = 0  #: real time, in epoch milliseconds


@dataclass(frozen=True, slots=True)
class Level:
    """How far a sandbox's journal has come, how many of its entries had to go, and whether it began with nothing written."""

    last: int = 0
    dropped: int = 0
    whole: bool = True
