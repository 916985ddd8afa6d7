"""The question a test asks of the journal: did these calls happen, this often, in this order; and if not, what came closest.

Entries are fed in as they happened, so that who waits for an answer need not read a journal twice.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mockspi.exchange import Json
from mockspi.journal import Entry
from mockspi.rules.matching import at, same, tokens
from mockspi.schema import escape

NEAR = 3  #: how many near misses are told
PathValues = Callable[[Entry], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Expected:
    """One call that is expected, told as rules tell it. ``contract`` is as it was asked, ``contracts`` the ids that it covers."""

    contract: str
    contracts: frozenset[str]
    match: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None

    def differences(self, entry: Entry, path_values: PathValues) -> list[Json]:
        """Where an entry is another call than this; nothing where it is this one. ``got`` is left out where nothing came."""
        found = [] if entry.contract in self.contracts else [_differs("contract", self.contract, entry.contract)]
        if self.status is not None and entry.outcome != self.status:
            found.append(_differs("status", self.status, entry.outcome))
        asked = entry.asked() if self.query or self.path else {}
        placed = {**asked, **path_values(entry)} if self.path else {}
        for kind, wanted, given in (("query", self.query, asked), ("path", self.path, placed)):
            for name, value in wanted.items():
                if not _among(value, got := given.get(name)):
                    found.append(_differs(f"{kind}/{escape(name)}", value, got))
        for pointer, value in self.match.items():
            if not same(value, got := at(entry.body, tokens(pointer))):
                found.append(_differs(pointer, value, got))
        return found


@dataclass(frozen=True, slots=True)
class Count:
    """How often."""

    low: int = 1
    high: int | None = None

    def holds(self, count: int) -> bool:
        """Whether this often is right."""
        return count >= self.low and (self.high is None or count <= self.high)


@dataclass(slots=True)
class Verification:
    """One question, with what the entries fed so far answer. ``wanted`` is counted; ``order`` must come one after another."""

    wanted: Expected | None
    count: Count
    order: tuple[Expected, ...]
    path_values: PathValues
    found: int = 0
    step: int = 0
    last: int = 0
    _near: list[tuple[float, int, Json]] = field(default_factory=list)
    _early: dict[int, int] = field(default_factory=dict)  #: step to the number of a call that came before its turn

    def feed(self, entries: Iterable[Entry]) -> None:
        """Take entries into account."""
        for entry in entries:
            self.last = max(self.last, entry.number)
            if self.wanted:
                differences = self.wanted.differences(entry, self.path_values)
                self.found += not differences
                if differences:
                    self._remember(self.wanted, entry, differences)
            if self.step < len(self.order):
                self._follow(entry)

    @property
    def holds(self) -> bool:
        """Whether the answer is yes."""
        return (self.wanted is None or self.count.holds(self.found)) and self.step == len(self.order)

    def told(self) -> Json:
        """The answer; with what came closest where calls are missing."""
        answer: Json = {"ok": self.holds, "count": self.found if self.wanted else self.step}
        if self.order and self.step < len(self.order):
            early = {"cameEarly": self._early[self.step]} if self.step in self._early else {}
            answer["missing"] = {"step": self.step, "contract": self.order[self.step].contract, **early}
        missing = (self.wanted is not None and self.found < self.count.low) or self.step < len(self.order)
        if missing and self._near:
            answer["nearMisses"] = [one for _, _, one in self._near]
        return answer

    def _follow(self, entry: Entry) -> None:
        for step, expected in enumerate(self.order[self.step + 1 :], self.step + 1):
            if not expected.differences(entry, self.path_values):
                self._early[step] = entry.number
        differences = self.order[self.step].differences(entry, self.path_values)
        if differences:
            self._remember(self.order[self.step], entry, differences)
            return
        self.step += 1
        if self.wanted is None:
            self._near.clear()  # what was near to a step that came is of no use

    def _remember(self, expected: Expected, entry: Entry, differences: list[Json]) -> None:
        far = len(differences) + _unlike(expected.contract, differences[0])
        if len(self._near) == NEAR and far > self._near[-1][0]:
            return
        near = {"number": entry.number, "contract": entry.contract, "differences": differences}
        self._near.append((far, -entry.number, near))
        self._near.sort(key=lambda one: one[:2])
        del self._near[NEAR:]


def _among(expected: str, got: Any) -> bool:
    """Whether a parameter has a value; given several times, one of them is enough."""
    return expected in got if isinstance(got, list) else bool(expected == got)


def _differs(path: str, expected: Any, got: Any) -> Json:
    return {"path": path, "expected": expected, **({} if got is None else {"got": got})}


def _unlike(contract: str, first: Json) -> float:
    """How much farther another contract is, from 1 for one with nothing in common to near 0."""
    return _distance(contract, str(first.get("got", ""))) if first["path"] == "contract" else 0.0


@lru_cache(maxsize=4096)
def _distance(one: str, other: str) -> float:
    return 1.0 - difflib.SequenceMatcher(None, one, other).ratio()
