"""Examples of a contract: as requests that can be sent, and as replies that can be held against what came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from mockspi.contract import Contract
from mockspi.exchange import Json, Reply, Request, encode
from mockspi.schema import Problem, escape

ANY = "*"
TAUGHT = ("contract", "expected", "got", "example")  #: members of an error that ``teaching`` adds


@dataclass(frozen=True, slots=True)
class Example:
    """One example: what it shows, the exchange, and the examples of the same file that must run before."""

    contract: Contract
    title: str
    request: Json
    reply: Json
    after: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """The status that is expected."""
        return int(self.reply.get("status", 200))

    def path_values(self) -> dict[str, str]:
        """The path parameters that its path fills."""
        template, path = self.contract.path.split("/"), str(self.request.get("path", self.contract.path)).split("/")
        return {one[1:-1]: value for one, value in zip(template, path, strict=False) if one.startswith("{")}


def of(contract: Contract, found: Mapping[str, Json]) -> list[Example]:
    """The examples of a contract in a fixture set."""
    return [
        Example(contract, title, one.get("request", {}), one.get("reply", {}), tuple(one.get("after", ())))
        for title, one in found.get(contract.id, {}).items()
    ]


def before(example: Example, contracts: Iterable[Contract], found: Mapping[str, Json]) -> list[Example]:
    """The examples that must run first; ``CONTRACT/title`` names one of another contract."""
    needed = []
    for name in example.after:
        owner, _, title = name.rpartition("/")
        contract = next(one for one in contracts if one.id == (owner or example.contract.id))
        needed.append(next(one for one in of(contract, found) if one.title == title))
    return needed


def request(example: Example, prefix: str, key: str, path: str = "", extra: Mapping[str, str] | None = None) -> Request:
    """The request of an example; ``path`` is another template for the same contract."""
    told = example.request
    values = example.path_values()
    template = path or prefix + str(told.get("path", example.contract.path))
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    spare = {name: value for name, value in values.items() if path and f"{{{name}}}" not in path and value}
    query = {"api_key": key, **spare, **(extra or {}), **told.get("query", {})}
    body = str(told["raw"]).encode() if "raw" in told else encode(told["body"]) if "body" in told else b""
    headers = {"content-type": "application/json"} if body else {}
    headers |= {name.lower(): value for name, value in told.get("headers", {}).items()}
    pairs = tuple((name, one) for name, value in query.items() for one in (value if isinstance(value, list) else [value]))
    return Request(str(told.get("method", example.contract.method)), template, pairs, headers, body)


def target(asked: Request) -> str:
    """Path and query as they stand in a request line."""
    return f"{quote(asked.path)}?{urlencode(asked.query)}"


def curl(example: Example, base: str, key: str) -> str:
    """The example as a command line that works when pasted."""
    asked = request(example, "", key)
    command = ["curl"]
    if asked.body:
        told = "" if asked.method == "POST" else f"-X {asked.method} "
        command.append(f"{told}-H 'Content-Type: application/json' -d {_quoted(asked.body.decode())}")
    elif asked.method != "GET":
        command.append(f"-X {asked.method}")
    return " ".join([*command, _quoted(base + target(asked))])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def differences(example: Example, came: Reply) -> list[Problem]:
    """Where a reply is not the one that the example shows."""
    found = []
    if came.status != example.status:
        found.append(Problem("/status", f"expected {example.status}, got {came.status}"))
    sent = {name.lower(): value for name, value in came.headers}
    for name, value in example.reply.get("headers", {}).items():
        if value != ANY and sent.get(name.lower()) != value:
            found.append(Problem(f"/headers/{name}", f"expected {value!r}, got {sent.get(name.lower())!r}"))
    if "body" in example.reply:
        found += unlike(example.reply["body"], _untaught(_document(came)), "/body")
    return found


def _untaught(document: Any) -> Any:
    """A reply without what helps to mend a call: an example tells what is wrong, not where it stands in its own file."""
    if not isinstance(document, dict) or not isinstance(document.get("errors"), list):
        return document
    kept = [
        {name: told for name, told in one.items() if name not in TAUGHT} if isinstance(one, dict) else one
        for one in document["errors"]
    ]
    return {**document, "errors": kept}


def _document(came: Reply) -> Any:
    try:
        return json.loads(came.body)
    except ValueError:
        return came.body.decode(errors="replace")


def unlike(expected: Any, got: Any, path: str) -> Iterator[Problem]:
    """Every place at which two JSON values differ; ``"*"`` is like anything."""
    if expected == ANY:
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in expected.keys() - got.keys():
            yield Problem(f"{path}/{escape(name)}", f"expected {_short(expected[name])}, got nothing")
        for name in got.keys() - expected.keys():
            yield Problem(f"{path}/{escape(name)}", f"expected nothing, got {_short(got[name])}")
        for name in expected.keys() & got.keys():
            yield from unlike(expected[name], got[name], f"{path}/{escape(name)}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from unlike(one, other, f"{path}/{index}")
    elif expected != got or isinstance(expected, bool) is not isinstance(got, bool):
        yield Problem(path, f"expected {_short(expected)}, got {_short(got)}")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
