"""Making the body of an event: an example or the caller's own document, changed where the caller says."""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mockspi.conforming import fits
from mockspi.contracts.events import EVENTS, named, spellings
from mockspi.errors import UsageError
from mockspi.event import PLATFORMS, Event
from mockspi.exchange import Json
from mockspi.fixtures.reading import FixtureSet, sample_set
from mockspi.schema import Anything, Field, Many, Part, Strangers, did_you_mean, escape, expectation, problems

_ABSENT: Any = object()
_LISTED = "; 'mockspi events' lists them"
_WRONG_TILDE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]*")


def chosen(name: str, platform: str = "") -> Event:
    """The event with a name (or ``platform/name``), in the current version unless ``name@version``; UsageError with the
    nearest.
    """
    if platform not in ("", *PLATFORMS):
        raise UsageError(f"no platform is called {platform!r}; known are {', '.join(PLATFORMS)}")
    if found := named(name, platform):
        return found[0]
    if elsewhere := named(name):
        raise UsageError(f"{platform} has no event {name!r}; {elsewhere[0].platform} has it")
    known = {spelling.casefold(): spelling for one in EVENTS if platform in ("", one.platform) for spelling in spellings(one)}
    near = did_you_mean(known.get(name.casefold(), name), known.values()) or did_you_mean(name.upper(), known.values())
    raise UsageError(f"no event is called {name!r}{near or _LISTED}")


def examples(event: Event, found: FixtureSet | None = None) -> dict[str, Json]:
    """The examples of an event, ``{about, body}`` by name: those of a fixture set, else the sample set's."""
    return (found.event_examples(event.id) if found else {}) or sample_set().event_examples(event.id)


def make(
    event: Event,
    *,
    example: str = "",
    data: Json | None = None,
    sets: Mapping[str, Any] | None = None,
    raw: bool = False,
    found: FixtureSet | None = None,
) -> Json:
    """The body of an event: the first example unless one is named, or ``data``; ``sets`` are JSON pointers into it.

    A text among ``sets`` is taken as JSON where it is JSON and fits, else as text; ``/-`` appends to a list. UsageError
    where a pointer is unknown (with the nearest) or the result breaks the event's shape; ``raw`` allows both.
    """
    body = copy.deepcopy(data) if data is not None else _shown(event, example, found)
    for pointer, value in (sets or {}).items():
        body = _Setting(event, pointer, raw).put(body, value)
    wrong = [] if raw else [*problems(event.body, body), *Strangers().find(event.body, body)]
    if wrong:
        told = "; ".join(f"{one.path or '/'}: {one.message}" for one in wrong)
        raise UsageError(f"{event.name} would break its shape: {told} (--raw sends it anyway)")
    return body


def _shown(event: Event, name: str, found: FixtureSet | None) -> Any:
    known = examples(event, found)
    if name and name not in known:
        raise UsageError(f"{event.name} has no example {name!r}{did_you_mean(name, known)}; it has {', '.join(known)}")
    return copy.deepcopy(known[name or next(iter(known))]["body"])


class _Setting:
    """One pointer on its way into a body."""

    def __init__(self, event: Event, pointer: str, raw: bool) -> None:
        self.shape, self.pointer, self.raw = event.body, pointer, raw
        if not pointer.startswith("/") or _WRONG_TILDE.search(pointer):
            raise UsageError(f"{pointer!r} is not a JSON pointer; one is /reasonCode, or /productList/0/quantity")
        self.tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]

    def put(self, body: Any, value: Any) -> Any:
        """The body with the value in its place."""
        self.body = body
        return self._inside(Part(self.shape), body, 0, value)

    def _inside(self, field: Field | None, at: Any, depth: int, value: Any) -> Any:
        if depth == len(self.tokens):
            return self._value(field, value)
        if isinstance(at, list) or (at in (_ABSENT, None) and isinstance(field, Many)):
            return self._in_list(field, [] if at in (_ABSENT, None) else at, depth, value)
        if isinstance(at, dict) or (at in (_ABSENT, None) and self._may_hold(field)):
            return self._in_object(field, {} if at in (_ABSENT, None) else at, depth, value)
        raise self._unknown(depth)

    def _may_hold(self, field: Field | None) -> bool:
        return field is None or isinstance(field, (Part, Anything)) or self.raw

    def _in_object(self, field: Field | None, at: Json, depth: int, value: Any) -> Json:
        name, declared = self.tokens[depth], _members(field)
        if name not in at and name not in declared and not (self.raw or field is None or isinstance(field, Anything)):
            raise self._unknown(depth)
        return {**at, name: self._inside(declared.get(name), at.get(name, _ABSENT), depth + 1, value)}

    def _in_list(self, field: Field | None, at: list[Any], depth: int, value: Any) -> list[Any]:
        step, inner = self.tokens[depth], field.inner if isinstance(field, Many) else None
        if step == "-":
            return [*at, self._inside(inner, _ABSENT, depth + 1, value)]
        if not _INDEX.fullmatch(step) or int(step) >= len(at):
            place = self._upto(depth)
            raise UsageError(
                f"{place}/{step}: {place} has {len(at)} entries; name one by its index from 0, or append with {place}/-"
            )
        index = int(step)
        return [*at[:index], self._inside(inner, at[index], depth + 1, value), *at[index + 1 :]]

    def _value(self, field: Field | None, value: Any) -> Any:
        read = _read(value)
        if field is None or fits(field, read):
            return read
        if self.raw or fits(field, value):
            return read if self.raw and not fits(field, value) else value
        raise UsageError(f"{self.pointer}: {expectation(field)} is expected, not {value!r} (--raw sends it anyway)")

    def _upto(self, depth: int) -> str:
        return "".join(f"/{escape(token)}" for token in self.tokens[:depth])

    def _unknown(self, depth: int) -> UsageError:
        """The refusal, with the nearest pointer: a member of the same object, else one of such a name elsewhere."""
        known = sorted(dict.fromkeys(_pointers(Part(self.shape), self.body, "")), key=lambda one: one.count("/"))
        here = [one for one in known if one.rpartition("/")[0] == self._upto(depth)]
        near = (
            _alike(self.tokens[depth], here) or _alike(self.tokens[-1], known) or self._upto(depth) * (self._upto(depth) in known)
        )
        hint = f"; did you mean {near!r}?" if near else ""
        return UsageError(f"there is no {self.pointer!r}{hint} (--raw sets it anyway)")


def _alike(token: str, pointers: list[str]) -> str:
    """The first pointer whose last name is nearest to a name."""
    names: dict[str, str] = {}
    for one in pointers:
        names.setdefault(one.rpartition("/")[2].casefold(), one)
    return next((names[name] for name in difflib.get_close_matches(escape(token).casefold(), names, n=1)), "")


def _read(value: Any) -> Any:
    """What a text says as JSON; the text where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return value


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _members(field: Field | None) -> dict[str, Field]:
    return dict(field.nested.fields) if isinstance(field, Part) else {}


def _pointers(field: Field | None, value: Any, path: str) -> Iterator[str]:
    """Every pointer that may be set: what the shape declares and what stands in the body."""
    if isinstance(field, Many) or isinstance(value, list):
        inner = field.inner if isinstance(field, Many) else None
        for index, member in [*enumerate(value if isinstance(value, list) else []), ("-", _ABSENT)]:
            yield from _pointers(inner, member, f"{path}/{index}")
    declared, there = _members(field), value if isinstance(value, dict) else {}
    for name in {**declared, **there}:
        yield f"{path}/{escape(name)}"
        yield from _pointers(declared.get(name), there.get(name, _ABSENT), f"{path}/{escape(name)}")
