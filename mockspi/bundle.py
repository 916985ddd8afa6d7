"""A replay bundle: everything that a sandbox's calls followed from, and what was answered, in one file.

JSON, one object a line, perhaps gzipped: the header, the fixture files and snapshots that are needed, then the calls and
what changed the sandbox between them as they came, and at the end how many lines there are. ``docs/replay.md`` tells it.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.fixtures.files import FOLDERS
from mockspi.store.rows import Row

FORMAT, VERSION = "mockspi-bundle", 1
SETTINGS = ("base_path", "api_version", "reservation_minutes", "delivery_groups", "max_body", "journal_body")
MOST_FIXTURES = 67_108_864  #: bytes; larger sets are not packed
_LONGEST_LINE, _LARGEST = 134_217_728, 1_073_741_824
_VAST = 2**53
_FILE = re.compile(rf"(({'|'.join(FOLDERS)})/)?[A-Za-z0-9][\w.@-]{{0,120}}\.json\Z")


@dataclass(frozen=True, slots=True)
class Header:
    """Where the calls come from. ``whole`` says that nothing was written before the first of them."""

    mockspi: str
    sandbox: str
    seed: str
    locale: str
    quota: Json | None
    snapshot: str  #: what the sandbox was made from
    clock: Json
    settings: Json  #: those of SETTINGS
    placements: list[list[Any]]
    fixtures: str  #: digest of the set
    packed: bool
    whole: bool
    dropped: int
    connectors: list[Json] = field(default_factory=list)  #: where events were sent, secrets masked


@dataclass(frozen=True, slots=True)
class Change:
    """A call of the admin port that changed what the sandbox answers; ``call`` is its route."""

    call: str
    query: Json
    body: Json
    time: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was kept under a name: collection, key and record (None where it was deleted); and how many ids were given."""

    name: str
    number: int
    records: list[tuple[str, str, Json | None]]


@dataclass(frozen=True, slots=True)
class File:
    """One file of the fixture set."""

    name: str
    data: bytes


Part = Header | Change | Snapshot | File | Row


def written(parts: Iterable[Part]) -> Iterator[bytes]:
    """The lines of a bundle."""
    count = 0
    for count, part in enumerate(parts, 1):  # noqa: B007  # counted to the end
        yield _line(_told(part))
    yield _line({"end": count})


def saved(lines: Iterable[str], file: Path) -> str:
    """Put the lines of a bundle into a file, gzipped, all of them or none; the sentence that says so."""
    beside, calls, last = Path(f"{file}.part"), 0, ""
    try:
        with suppress(FileExistsError):
            file.parent.mkdir(parents=True)
        with gzip.open(beside, "wt", encoding="utf-8", newline="\n") as out:
            for last in lines:
                calls += last.startswith('{"exchange"')
                out.write(f"{last}\n")
        if not last.startswith('{"end"'):
            raise UsageError("the server stopped before the bundle was whole; its log says why")
        beside.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            beside.unlink()
    return f"{calls} call{'s' * (calls != 1)} in {file}; 'mockspi replay {file}' makes them again"


def read(path: Path) -> Iterator[Part]:
    """What a bundle holds, its header first; a UsageError that says what is wrong with it."""
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            with cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw as file:
                yield from _parts(path, file)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"the bundle {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _parts(path: Path, file: BinaryIO) -> Iterator[Part]:
    size, number = 0, 0
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
        size += len(line)
        if size > _LARGEST:
            raise UsageError(f"{path}:{number}: the bundle is larger than {_LARGEST} bytes, unpacked")
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            raise UsageError(f"{path}:{number}: this line is longer than {_LONGEST_LINE} bytes")
        if not line.endswith(b"\n"):
            raise UsageError(f"{path}:{number}: the bundle ends in the middle of a line; make it again")
        try:
            told = json.loads(line)
            if set(told) == {"end"} and told["end"] == number - 1:
                return
            part = _heard(told)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
            raise UsageError(f"{path}:{number}: this is not what a bundle of mockspi holds ({error})") from error
        if (number == 1) is not isinstance(part, Header):
            raise UsageError(f"{path}:{number}: this is no bundle of mockspi; 'mockspi journal bundle FILE' makes one")
        yield part
    raise UsageError(f"the bundle {path} is not whole: it ends after {number} lines without saying so; make it again")


def _line(told: Json) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _told(part: Part) -> Json:
    if isinstance(part, Header):
        return {"format": FORMAT, "version": VERSION, **asdict(part)}
    if isinstance(part, Row):
        facts = {name: getattr(part, name) for name in ("number", "time", "clock", "contract", "path", "status")}
        return {"exchange": {**facts, **json.loads(part.facts), "body": _body(part.request), "replyBody": _body(part.reply)}}
    if isinstance(part, File):
        return {"file": {"name": part.name, **_body(part.data)}}
    return {type(part).__name__.lower(): asdict(part)}


def _heard(told: Json) -> Part:
    if "format" in told:
        if told["format"] != FORMAT or told["version"] != VERSION:
            raise ValueError(f"format {told['format']}, version {told['version']}; this mockspi reads {FORMAT} {VERSION}")
        return _header({name: value for name, value in told.items() if name not in ("format", "version")})
    ((kind, value),) = told.items()
    if kind == "file":
        if not _FILE.match(value["name"]):
            raise ValueError(f"{value['name']!r} is no file of a fixture set")
        return File(value["name"], _bytes(value))
    if kind == "change":
        found = Change(**value)
        _expect(
            abs(int(found.time)) < _VAST
            and isinstance(found.body, dict)
            and isinstance(found.query, dict)
            and "{sandbox}" in found.call,
            "change",
        )
        return Change(found.call, found.query, found.body, int(found.time))
    if kind == "snapshot":
        rows = [(str(collection), str(key), record) for collection, key, record in value["records"]]
        _expect(all(isinstance(record, dict | None) for _, _, record in rows), "snapshot")
        return Snapshot(str(value["name"]), int(value["number"]), rows)
    _expect(kind == "exchange", kind)
    return _row(value)


def _header(told: Json) -> Header:
    found = Header(**told)
    texts = (found.mockspi, found.sandbox, found.seed, found.locale, found.fixtures, found.snapshot)
    _expect(all(isinstance(one, str) for one in texts) and isinstance(found.dropped, int), "header")
    _expect(isinstance(found.settings, dict) and set(SETTINGS) <= set(found.settings), "header: settings are missing")
    for contract, path, query in found.placements:
        _expect(all(isinstance(one, str) for pair in [(contract, path), *query] for one in pair), "header")
        _expect(all(len(pair) == 2 for pair in query), "header")
    return found


def _row(told: Json) -> Row:
    facts = {name: told[name] for name in _FACTS if name in told}
    _expect(all(abs(int(told[name])) < _VAST for name in ("number", "time", "clock", "status")), "exchange")
    _expect(isinstance(told["method"], str) and all(isinstance(one, str) for one in told["headers"].values()), "exchange")
    _expect(all(isinstance(told.get(name, {}), dict) for name in ("cut", "trouble", "headers")), "exchange")
    for pairs in (told["query"], told["replyHeaders"]):
        _expect(all(isinstance(one, str) for pair in pairs for one in pair) and all(len(pair) == 2 for pair in pairs), "exchange")
    return Row(
        str(told["contract"]), str(told["path"]), int(told["status"]), "[]", int(told["time"]), int(told["clock"]), 0.0,
        json.dumps(facts), _bytes(told["body"]), _bytes(told["replyBody"]), int(told["number"]),
    )  # fmt: skip


_FACTS = ("method", "query", "headers", "replyHeaders", "rule", "cut", "trouble", "unpacked")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"a broken {what}")


def _body(data: bytes) -> Json:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(told: Json) -> bytes:
    return base64.b64decode(told["base64"], validate=True) if "base64" in told else str(told["text"]).encode()
