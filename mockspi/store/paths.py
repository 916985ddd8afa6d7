"""What stands in a record at dotted paths; ``[]`` walks a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

Reader = Callable[[Any], Sequence[Any]]


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
