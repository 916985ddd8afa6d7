"""Replay: the calls of a bundle made again, each at the moment at which it was made, and how the answers differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from mockspi.bundle import Change, Header, Part, Snapshot
from mockspi.examples import unlike
from mockspi.exchange import Json, Request
from mockspi.journal import value
from mockspi.masking import MASK
from mockspi.schema import Problem
from mockspi.store.rows import Row

_OURS_ALONE = ("/body/errorId",)  #: found in the server's log; new each time


class Target(Protocol):
    """Something that is called."""

    def change(self, change: Change) -> str:
        """Change the sandbox as it was changed; what is said where that cannot be done."""

    def begin(self, snapshot: Snapshot) -> None:
        """Put a snapshot where the original had it."""

    def call(self, asked: Row) -> Row:
        """Make a call again; the exchange as a journal keeps it."""

    def skips(self, asked: Row) -> str:
        """Why a call cannot be made or compared; empty where it can."""


@dataclass(slots=True)
class Report:
    """What came of a replay."""

    same: int = 0
    first: Row | None = None  #: the first call that was answered otherwise
    differences: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def told(self) -> Json:
        """For programs."""
        shown: Json = {"same": self.same, "notes": self.notes, "first": None}
        if self.first:
            facts = json.loads(self.first.facts)
            call = {
                "number": self.first.number,
                "contract": self.first.contract,
                "method": facts["method"],
                "path": self.first.path,
            }
            shown["first"] = {**call, "differences": [{"path": one.path, "message": one.message} for one in self.differences]}
        return shown


def replay(header: Header, parts: Iterable[Part], target: Target, ignored: tuple[str, ...] = ()) -> Report:
    """Make the calls again in their order, until one is answered otherwise."""
    report = Report(notes=notes(header))
    for part in parts:
        if isinstance(part, Change):
            if said := target.change(part):
                report.notes.append(said)
        elif isinstance(part, Snapshot):
            target.begin(part)
        elif isinstance(part, Row):
            if why := cut_short(part) or target.skips(part):
                report.notes.append(f"call {part.number} was not made: {why}")
                continue
            got = target.call(part)
            if found := [one for one in differences(part, got) if not is_under(one.path, (*_OURS_ALONE, *ignored))]:
                report.first, report.differences = part, found
                return report
            report.same += 1
    return report


def notes(header: Header) -> list[str]:
    """What may make answers differ, though nobody is at fault."""
    found = []
    if header.dropped:
        found.append(
            f"the first {header.dropped} calls are not in the bundle, for the journal had dropped them; what they wrote is "
            "missing here: raise --journal-entries or --journal-bytes"
        )
    elif not header.whole:
        found.append("the journal was emptied while records stayed; what was written before is missing here")
    return found


def cut_short(asked: Row) -> str:
    """Why a call cannot be made again, whoever is called."""
    size = json.loads(asked.facts).get("cut", {}).get("request")
    return f"the journal kept only the beginning of its body of {size} bytes; raise --journal-body" if size else ""


def is_under(path: str, pointers: tuple[str, ...]) -> bool:
    """Whether a place is one of these, or inside of one."""
    return any(path == one or path.startswith(f"{one}/") for one in pointers)


def differences(expected: Row, got: Row) -> list[Problem]:
    """Where an answer is another, in the order of its places."""
    wanted, came = json.loads(expected.facts), json.loads(got.facts)
    found = list(unlike(expected.status, got.status, "/status"))
    for name in ("rule", "trouble"):
        found += unlike(wanted.get(name), came.get(name), f"/{name}")
    found += unlike(_headers(wanted["replyHeaders"]), _headers(came["replyHeaders"]), "/headers")
    cut = [one.get("cut", {}).get("reply", 0) for one in (wanted, came)]
    if expected.reply != got.reply or cut[0] != cut[1]:
        bodies = [value(one.reply, cut=bool(size)) for one, size in zip((expected, got), cut, strict=True)]
        found += unlike(bodies[0], bodies[1], "/body")
        found += unlike(cut[0], cut[1], "/bodyCut")
    return sorted(found, key=lambda one: (one.path.startswith("/headers"), one.path != "/status", one.path))


def _headers(pairs: list[list[str]]) -> Json:
    return {name.lower(): text for name, text in pairs if name.lower() != "date"}


def request_of(asked: Row, key: str) -> Request:
    """A call as it came, with another key."""
    facts = json.loads(asked.facts)
    query = tuple((name, key if name == "api_key" and text == MASK else text) for name, text in facts["query"])
    if "authorization" in facts["headers"] and not any(name == "api_key" for name, _ in query):
        query = (*query, ("api_key", key))  # a token had opened the sandbox
    gone = ("content-encoding", "content-length") if facts.get("unpacked") else ()
    headers = {name: text for name, text in facts["headers"].items() if name not in gone}
    return Request(facts["method"], asked.path, query, headers, asked.request)
