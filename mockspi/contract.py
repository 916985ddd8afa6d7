"""What a contract is: one promise of the vendor's interface, as plain data, and the checks that follow from it."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from mockspi.clock import Clock
from mockspi.conforming import Held, conforms
from mockspi.errors import BrokenRequest, Failure, JsonUnreadable, RequestTooLarge, UnsupportedMediaType
from mockspi.exchange import Json, Reply, Request, decode, without_nulls
from mockspi.schema import SEED, Field, Integer, Many, Problem, Shape, Strangers, escape, problems
from mockspi.store.base import Records

UNSOUND = "EVENT_UNSOUND"  #: the code of a finding: an event is not as its shape says
_DEEPEST = 64
_LONGEST, _MOST_PROBLEMS = 1_000, 100
_REPLY_STRANGERS = Strangers()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the merchant decides for itself: settings that retail logic reads."""

    reservation_minutes: int = 15
    delivery_groups: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One checked request on its way to its answer, with everything the answer may use."""

    inputs: Json  #: path parameters and query parameters, typed as the contract declares them
    body: Json
    records: Records
    clock: Clock
    text: Callable[..., str]  #: ``text(code, **facts)`` in the caller's language
    policy: Policy = Policy()
    headers: Mapping[str, str] = field(default_factory=dict)
    findings: list[Json] = field(default_factory=list)  #: noteworthy things, for the journal: code, message, path


Answer = Callable[[Call], "Json | Reply"]


@dataclass(frozen=True)
class Contract:
    """One promise.

    ``call`` is method and path, ``sample`` the vendor's sample path; ``refusal`` is what a business "no" carries
    beside errorCode and errorMessage: a value, or ``[Shape]`` for a list that is empty unless the failure fills it;
    ``writes`` runs the answer in one transaction; ``received`` are the shapes of an event that is delivered here: a body that
    breaks all of them is kept with findings, not refused.
    """

    name: str
    call: str
    sample: str
    about: str
    group: str
    reply: type[Shape]
    answer: Answer
    source: str = SEED
    operation: str = ""
    appended: str = ""  #: what the POS appends to a base URL, where that is not the operation
    body: type[Shape] | None = None
    query: type[Shape] | None = None
    fails: tuple[type[Failure], ...] = ()
    refusal: Mapping[str, Any] = field(default_factory=dict)
    writes: bool = False
    also: tuple[str, ...] = ()  #: other names under which the vendor's texts know it
    aliases: tuple[str, ...] = ()  #: other paths
    legacy: bool = False
    media: str = "application/json"
    streams: bool = False  #: whether its reply may be long and is then made as it is sent; never on the event loop
    received: tuple[type[Shape], ...] = ()

    @cached_property
    def id(self) -> str:
        """The endpoint name, with ``.operation`` where it has several."""
        return f"{self.name}.{self.operation}" if self.operation else self.name

    @property
    def suffix(self) -> str:
        """What the POS appends to the base URL of this contract's connector."""
        return f"/{self.operation}" if self.operation else self.appended

    @cached_property
    def method(self) -> str:
        """The HTTP verb."""
        return self.call.split(" ", 1)[0]

    @cached_property
    def path(self) -> str:
        """The path template under ``/{base}/{version}``."""
        return self.call.split(" ", 1)[1]

    @property
    def integration(self) -> str:
        """The CMS's word for the verb."""
        return f"HTTP_{self.method}"

    @cached_property
    def parameters(self) -> list[str]:
        """The names in the path template, in order."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def reads(self) -> bool:
        """Whether a body counts; DELETE may carry its ids in one."""
        return self.body is not None or self.method == "DELETE" or bool(self.received)

    def refused(self) -> Json:
        """What a business "no" of this contract carries by default."""
        return {name: [] if isinstance(value, list) else value for name, value in self.refusal.items()}

    def check(self, request: Request, path: Mapping[str, str], limit: int) -> tuple[Json, Json]:
        """The inputs and the body of a request, or the BrokenRequest that says everything wrong with it."""
        sent = read_body(request, limit, required=self.body is not None) if self.reads else {}
        loose = {} if self.body else sent
        if self.received:
            refuse(too_long(sent, ""))
            return {}, without_nulls(sent)
        packed = "content-encoding" in request.headers
        nulls, many = packed or b"null" in request.body, packed or request.body.count(b",") >= _LONGEST
        inputs = {**loose, **self._query(request), **path}
        inputs = without_nulls(inputs) if nulls else inputs
        found = [Problem(f"/{name}", "missing") for name in self.parameters if not inputs.get(name)]
        found += problems(self.query, inputs) if self.query and not conforms(self.query, inputs, Held.RECEIVED) else []
        if self.body:
            sent = without_nulls(sent, lists=False) if nulls else sent
            found += (many and too_long(sent, "")) or (
                [] if conforms(self.body, sent, Held.RECEIVED) else problems(self.body, sent)
            )
        refuse(found)
        if not self.body:
            return inputs, {}
        return inputs, without_nulls(sent) if nulls else sent

    def findings(self, body: Json) -> list[Json]:
        """What an event that was received breaks, of the shape that it suits best."""
        if not self.received or any(conforms(shape, body, Held.RECEIVED) for shape in self.received):
            return []
        found = min((problems(shape, body) for shape in self.received), key=len)
        return [{"code": UNSOUND, "path": one.path, "message": one.message} for one in found[:_MOST_PROBLEMS]]

    def check_reply(self, body: Json, shape: type[Shape] | None = None) -> list[Problem]:
        """What is wrong with a reply of ours: the mock may not break its own promise unnoticed."""
        shape = shape or self.reply
        return [] if conforms(shape, body) else [*problems(shape, body), *_REPLY_STRANGERS.find(shape, body)]

    def _query(self, request: Request) -> Json:
        declared = self.query.fields if self.query else {}
        found: Json = {}
        for name, text in request.query:
            if not text:
                continue  # a layout's empty input is an input that was not given
            field = declared.get(name)
            value = text if field is None else typed(field, text)
            if isinstance(field, Many):
                found.setdefault(name, []).append(value)
            elif name in declared and found.get(name, value) != value:
                refuse([Problem(f"/{name}", "given more than once with different values")])
            else:
                found[name] = value
        return found


def typed(declared: Field, text: str) -> Any:
    """A query value as the type its field declares; what does not fit stays text, and the check says so."""
    if isinstance(declared, Integer) and re.fullmatch(r"-?[0-9]{1,16}", text):
        return int(text)
    return text


def refuse(found: list[Problem]) -> None:
    """Raise what is wrong with a request, if anything is; of very much the beginning."""
    if found:
        errors = [{"path": one.path, "message": one.message} for one in found[:_MOST_PROBLEMS]]
        if len(found) > _MOST_PROBLEMS:
            errors.append({"path": "", "message": f"and {len(found) - _MOST_PROBLEMS} more"})
        raise BrokenRequest(errors=errors)


def too_long(value: Any, path: str) -> list[Problem]:
    """Lists that no POS would send: looking into them would cost everybody else."""
    if isinstance(value, list) and len(value) > _LONGEST:
        return [Problem(path, f"{len(value)} entries; at most {_LONGEST} are expected")]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [one for name, member in members for one in too_long(member, f"{path}/{escape(name)}")]


def read_body(request: Request, limit: int, *, required: bool) -> Json:
    """The JSON object in a request's body: unpacked, bounded, strictly read."""
    raw = request.body
    if len(raw) > limit:
        raise RequestTooLarge(limit=limit)
    if not raw and not required:
        return {}
    kind = request.headers.get("content-type", "")
    media = kind.partition(";")[0].strip().lower()
    if raw and media and media != "application/json" and not media.endswith("+json"):
        raise UnsupportedMediaType(contentType=media, errors=[{"path": "", "message": "send application/json"}])
    document = parse(unpack(raw, request.headers.get("content-encoding", ""), limit))
    if not isinstance(document, dict):
        raise BrokenRequest(errors=[{"path": "", "message": "a JSON object is expected"}])
    return document


def read_leniently(request: Request, limit: int) -> Any:
    """The JSON in a request's body, whatever it is declared as; None where there is none."""
    if not request.body or len(request.body) > limit:
        return None
    try:
        return parse(unpack(request.body, request.headers.get("content-encoding", ""), limit))
    except Failure:
        return None


def unpack(raw: bytes, encoding: str, limit: int) -> bytes:
    """The body behind its Content-Encoding; stops as soon as it is larger than the limit."""
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return raw
    if coding not in ("gzip", "x-gzip"):
        problem = {"path": "", "message": f"content encoding {coding!r} is not supported; send it plain or as gzip"}
        raise UnsupportedMediaType(contentType=coding, errors=[problem])
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(raw, limit + 1)
    except zlib.error as error:
        raise JsonUnreadable(errors=[{"path": "", "message": "the body is not gzip as its header says"}]) from error
    if len(plain) > limit:
        raise RequestTooLarge(limit=limit)
    if not unpacker.eof:
        raise JsonUnreadable(errors=[{"path": "", "message": "the gzip body ends too early"}])
    return plain


def parse(raw: bytes) -> Any:
    """Strict JSON: UTF-8, no NaN, no number that a double cannot hold, no half characters, no endless nesting."""
    try:
        document = decode(raw)
    except ValueError:
        document = _read(raw)
    if raw.count(b"{") + raw.count(b"[") > _DEEPEST and _deeper(document, _DEEPEST):
        _unreadable(f"nested deeper than {_DEEPEST} levels", None)
    return document


def _read(raw: bytes) -> Any:
    """The same, or what is wrong."""
    try:
        text = raw.decode("utf-8-sig")
        document = _DECODER.decode(text)
        if "\\ud" in text.lower():
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        _unreadable(f"not UTF-8 at byte {error.start}", error)
    except UnicodeEncodeError as error:
        _unreadable("an escaped surrogate without its other half", error)
    except json.JSONDecodeError as error:
        _unreadable(f"{error.msg} at line {error.lineno} column {error.colno}", error)
    except (ValueError, RecursionError) as error:
        _unreadable("nested too deeply" if isinstance(error, RecursionError) else str(error), error)
    return document


def _unreadable(message: str, cause: Exception | None) -> NoReturn:
    raise JsonUnreadable(errors=[{"path": "", "message": message}]) from cause


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {text} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)  # loads would make one each time


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(member, levels - 1) for member in members)
