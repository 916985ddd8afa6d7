"""Many records seen by their members: what stands at a path in all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any


class Columns:
    """Some records: each path is walked once, and what is made of its values is made once, however many ask for it."""

    def __init__(self, records: Sequence[Any]) -> None:
        self.records = records
        self._found: dict[str, Sequence[Any]] = {"": records}
        self._made: dict[tuple[str, object], Sequence[str | None]] = {}
        self._inside: dict[str, tuple[Sequence[int], Columns]] = {}

    def at(self, path: str) -> Sequence[Any]:
        """The values at a path without lists; None where there is none."""
        if path not in self._found:
            outer, _, name = path.rpartition(".")
            self._found[path] = _members(self.at(outer), name)
        return self._found[path]

    def inside(self, path: str) -> tuple[Sequence[int], Columns]:
        """What is in the lists at a path: whose each is, and all of them; what is no list is like one of itself."""
        if path not in self._inside:
            found = self.at(path)
            there = found if found.count(None) < len(found) else ()
            lists = [one if type(one) is list else () if one is None else (one,) for one in there]
            owners = list(chain.from_iterable(map(repeat, range(len(lists)), map(len, lists))))
            self._inside[path] = owners, Columns(list(chain.from_iterable(lists)))
        return self._inside[path]

    def every(self, path: str) -> Sequence[Any]:
        """The values at any path, those in lists too; None where there is none."""
        outer, many, inner = path.partition("[]")
        return self.inside(outer)[1].every(inner.removeprefix(".")) if many else self.at(outer)

    def texts(self, path: str, made: Callable[[Sequence[Any]], Sequence[str]]) -> tuple[Sequence[int], Sequence[str | None]]:
        """What is made of the values at any path, and whose each is."""
        outer, many, inner = path.partition("[]")
        if not many:
            return range(len(self.records)), self.folded(outer, made)
        owners, columns = self.inside(outer)
        whose, told = columns.texts(inner.removeprefix("."), made)
        return owners if type(whose) is range else [owners[one] for one in whose], told

    def folded(self, path: str, made: Callable[[Sequence[Any]], Sequence[str]]) -> Sequence[str | None]:
        """The same at a path without lists: of each, None where there is none."""
        kind = (path, made)
        if kind not in self._made:
            found = self.at(path)
            there = made([one for one in found if one is not None])
            if len(there) < len(found):
                rest = iter(there)
                self._made[kind] = [None if one is None else next(rest) for one in found]
            else:
                self._made[kind] = there
        return self._made[kind]


def _members(found: Sequence[Any], name: str) -> list[Any]:
    try:
        return list(map(itemgetter(name), found))
    except (KeyError, TypeError):  # not all have it
        return [one.get(name) if type(one) is dict else None for one in found]
