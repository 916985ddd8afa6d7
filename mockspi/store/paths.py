"""What stands in records at dotted paths (``[]`` walks a list): in one, or in many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

from mockspi.store.terms import Fold, fold_each

Reader = Callable[[Any], Sequence[Any]]


class Columns:
    """Some records seen by their members: each path is walked once, and each member folded once, however many ask for it."""

    def __init__(self, records: Sequence[Any]) -> None:
        self.records = records
        self._found: dict[str, Sequence[Any]] = {"": records}
        self._folded: dict[tuple[str, Fold], Sequence[str | None]] = {}
        self._inside: dict[str, tuple[Sequence[int], Columns]] = {}

    def at(self, path: str) -> Sequence[Any]:
        """The values at a path without lists; None where there is none."""
        if path not in self._found:
            outer, _, name = path.rpartition(".")
            self._found[path] = _members(self.at(outer), name)
        return self._found[path]

    def folded(self, path: str, fold: Fold) -> Sequence[str | None]:
        """The same as they are folded."""
        kind = (path, fold)
        if kind not in self._folded:
            found = self.at(path)
            there = [one for one in found if one is not None]
            told = fold_each(fold, there)
            if len(told) < len(found):
                rest = iter(told)
                self._folded[kind] = [None if one is None else next(rest) for one in found]
            else:
                self._folded[kind] = told
        return self._folded[kind]

    def inside(self, path: str) -> tuple[Sequence[int], Columns]:
        """What is in the lists at a path: whose each is, and all of them; what is no list is like one of itself."""
        if path not in self._inside:
            lists = [one if type(one) is list else () if one is None else (one,) for one in self.at(path)]
            owners = list(chain.from_iterable(map(repeat, range(len(lists)), map(len, lists))))
            self._inside[path] = owners, Columns(list(chain.from_iterable(lists)))
        return self._inside[path]

    def every(self, path: str) -> Sequence[Any]:
        """The values at any path, those in lists too; None where there is none."""
        outer, many, inner = path.partition("[]")
        return self.inside(outer)[1].every(inner.removeprefix(".")) if many else self.at(outer)

    def texts(self, path: str, fold: Fold) -> tuple[Sequence[int], Sequence[str | None]]:
        """The same, folded, and whose each is."""
        outer, many, inner = path.partition("[]")
        if not many:
            return range(len(self.records)), self.folded(outer, fold)
        owners, columns = self.inside(outer)
        whose, told = columns.texts(inner.removeprefix("."), fold)
        return [owners[one] for one in whose], told


def _members(found: Sequence[Any], name: str) -> list[Any]:
    try:
        return list(map(itemgetter(name), found))
    except (KeyError, TypeError):  # not all have it
        return [one.get(name) if type(one) is dict else None for one in found]


def walk(value: Any, path: str) -> Sequence[Any]:
    """The values at a dotted path; a missing member gives nothing."""
    return reader(path)(value)


@cache
def reader(path: str) -> Reader:
    """What walks a path: made once, for it is used on every record."""
    if not path:
        return lambda value: (value,)
    steps = [(part.removesuffix("[]"), part.endswith("[]")) for part in path.split(".")]
    match steps:
        case [(name, False)]:
            return _member(name)
        case [(name, False), (inner, False)]:
            return _inner(name, inner)
        case [(name, False), (middle, False), (inner, False)]:
            return _within(name, _inner(middle, inner))
        case [(name, True), (inner, False)]:
            return _each(name, inner)
    return lambda value: _walked([value], steps)


def joined(first: Reader, *others: Reader) -> Reader:
    """What reads all of them."""
    if not others:
        return first
    second = joined(*others)

    def read(value: Any) -> Sequence[Any]:
        return (*first(value), *second(value))

    return read


def _member(name: str) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        return () if type(value) is not dict or (found := value.get(name)) is None else (found,)

    return read


def _inner(name: str, inner: str) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        if type(value) is not dict or type(outer := value.get(name)) is not dict or (found := outer.get(inner)) is None:
            return ()
        return (found,)

    return read


def _within(name: str, inner: Reader) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        return inner(value.get(name)) if type(value) is dict else ()

    return read


def _each(name: str, inner: str) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        if type(value) is not dict or not (outer := value.get(name)):
            return ()
        members = outer if type(outer) is list else [outer]
        return [found for one in members if type(one) is dict and (found := one.get(inner)) is not None]

    return read


def _walked(found: list[Any], steps: Iterable[tuple[str, bool]]) -> list[Any]:
    for name, many in steps:
        members = [inner for one in found if type(one) is dict and (inner := one.get(name)) is not None]
        found = [item for member in members for item in (member if type(member) is list else [member])] if many else members
    return found
