"""A rule made ready, a call as rules see it, and whether the one fits the other."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mockspi.exchange import Json
from mockspi.rules.known import Known
from mockspi.rules.shapes import LONGEST, plain

_INDEX = re.compile(r"(0|[1-9][0-9]{0,8})\Z")
_MISSING = None
_NEVER_ZERO = 1e-12


@dataclass
class Asked:
    """One call: the contract's id, path parameters, query; ``read`` gives the JSON body, None where it is unreadable."""

    contract: str
    path: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    read: Callable[[], Any]
    magic: tuple[Rule | None] | None = None  #: the rule of its first magic value, once it was looked for

    @cached_property
    def body(self) -> Any:
        """The body, read when first asked for."""
        return self.read()

    def given(self, name: str) -> list[str]:
        """The values of a path parameter: a path without it may bring it in the query."""
        return [self.path[name]] if name in self.path else [value for key, value in self.query if key == name]

    def members(self) -> Iterator[tuple[str, Any]]:
        """Every named scalar of the call: path, query, then the body from its beginning."""
        yield from self.path.items()
        yield from self.query
        yield from scalars(self.body)


@dataclass(frozen=True, slots=True)
class Rule:
    """``key`` is where its counts are kept, ``name`` what the journal calls it; ``until`` is real time."""

    key: str
    name: str
    contracts: frozenset[str]
    then: Json
    match: tuple[tuple[tuple[str, ...], Any], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    path: tuple[tuple[str, str], ...] = ()
    times: Mapping[str, int] = field(default_factory=dict)
    probability: float = 1.0
    until: int | None = None

    @classmethod
    def of(cls, document: Json, key: str, name: str, since: int, known: Known) -> Rule:
        """A checked rule made ready; ``since`` is when it began to hold."""
        when, then = document.get("when", {}), document["then"]
        named = when.get("contract")
        return cls(
            key=key,
            name=name,
            contracts=known.answering(then["error"], named) if "error" in then else known.ids(named),
            then=then,
            match=tuple((tokens(pointer), value) for pointer, value in when.get("match", {}).items()),
            query=plain(when.get("query", {})),
            path=plain(when.get("path", {})),
            times=when.get("times", {}),
            probability=when.get("probability", 1.0),
            until=since + when["ttl"] if "ttl" in when else None,
        )

    @property
    def drawn(self) -> bool:
        """Whether chance has a part in it."""
        return self.probability < 1 or bool({"uniform", "lognormal"} & self.then.get("delay", {}).keys())

    @property
    def steady(self) -> bool:
        """Whether it does the same to every call that looks the same, for as long as it is there, and no more than delay it."""
        return self.lasts and not self.then.keys() - {"delay"}

    @property
    def lasts(self) -> bool:
        """Whether it means every call that looks the same, for as long as it is there."""
        return not (self.times or self.drawn or self.until is not None or "quota" in self.then)

    def fits(self, asked: Asked, real: int) -> bool:
        """Whether a call looks as the rule wants it."""
        return (
            asked.contract in self.contracts
            and (self.until is None or real < self.until)
            and all(pair in asked.query for pair in self.query)
            and all(value in asked.given(name) for name, value in self.path)
            and all(same(at(asked.body, where), value) for where, value in self.match)
        )

    def due(self, number: int) -> bool:
        """Whether the nth call that fits, from 1, is one of those meant."""
        if "first" in self.times:
            return number <= self.times["first"]
        if "after" in self.times:
            return number > self.times["after"]
        return number % self.times.get("every", 1) == 0

    def delay(self, chance: Callable[[], float]) -> float:
        """Milliseconds to wait; ``chance`` gives numbers from 0 to 1."""
        how = self.then.get("delay", {})
        if "uniform" in how:
            low, high = how["uniform"]
            return float(low + (high - low) * chance())
        if "lognormal" in how:
            from statistics import NormalDist  # slow to import, and few rules ask for it

            spread = NormalDist().inv_cdf(min(max(chance(), _NEVER_ZERO), 1 - _NEVER_ZERO))
            return min(float(how["lognormal"]["median"]) * math.exp(how["lognormal"]["sigma"] * spread), LONGEST)
        return float(how.get("fixed", 0))


def tokens(pointer: str) -> tuple[str, ...]:
    """The steps of a JSON pointer."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def at(value: Any, where: tuple[str, ...]) -> Any:
    """What stands at a place; None where nothing does."""
    for token in where:
        if isinstance(value, dict):
            value = value.get(token)
        elif isinstance(value, list) and _INDEX.match(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return _MISSING
    return value


def same(one: Any, other: Any) -> bool:
    """JSON equality: 1 is 1.0, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def scalars(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar of a JSON document under the name of its member; what stands in a list has the list's name."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from scalars(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from scalars(member, name)
    elif value is not None:
        yield name, value
