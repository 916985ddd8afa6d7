"""What a refused call is told beside what is wrong: what was expected, what came, and an example that does it right.

Nothing here is asked before a call is refused; an example file is read when somebody gets it wrong for the first time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mockspi.contract import Contract, read_leniently
from mockspi.contracts import TABLE
from mockspi.exchange import Json, Request, encode
from mockspi.fixtures.reading import Document, FixtureSet
from mockspi.masking import masked_body, masked_path
from mockspi.rules.matching import at, tokens
from mockspi.schema import escape, expectation, field_at

_LONGEST = 200  #: letters of a value that is told


class Teacher:
    """Knows the examples of a fixture set, which is opened when the first call is refused."""

    def __init__(self, opened: Callable[[], FixtureSet], limit: int) -> None:
        self._opened = opened
        self._limit = limit
        self._contracts = {one.id: one for one in TABLE}
        self._files: dict[str, Document | None] = {}

    def taught(self, contract: Contract | None, request: Request, errors: Iterable[Mapping[str, Any]]) -> list[Json]:
        """The errors with all that helps to mend the call; an error that names a contract is about that one."""
        body = read_leniently(request, self._limit) if contract else None
        return [self._taught(contract, request, body, one) for one in errors]

    def _taught(self, contract: Contract | None, request: Request, body: Any, error: Mapping[str, Any]) -> Json:
        about = contract or self._contracts.get(str(error.get("contract")))
        if about is None:
            return dict(error)
        pointer = str(error.get("path", ""))
        told: Json = {**error, "contract": about.id}
        if "got" in error:  # a path into which a query was put by mistake
            told["got"] = masked_path(str(error["got"]))
        if contract and pointer:
            told |= self._compared(contract, request, body, pointer)
        return told | self._example(about, pointer)

    def _compared(self, contract: Contract, request: Request, body: Any, pointer: str) -> Json:
        """What is expected at a place of the request, and what came."""
        where = tokens(pointer)
        for shape, given in ((contract.body, body), (contract.query, _query(request))):
            if shape and (field := field_at(shape, where)):
                came = at(given, where)
                return {"expected": expectation(field)} | ({} if came is None else {"got": shown(where[-1], came)})
        return {"expected": "a text that is not empty"} if where[0] in contract.parameters else {}

    def _example(self, contract: Contract, pointer: str) -> Json:
        """Where an example of this contract does it right: file and line."""
        if contract.id not in self._files:
            self._files[contract.id] = self._opened().example_file(contract.id)
        document = self._files[contract.id]
        if document is None or not isinstance(document.value, dict):
            return {}
        right = [
            title
            for title, one in document.value.items()
            if title != "$schema" and one.get("reply", {}).get("status", 200) == 200
        ]
        for place in _places(right, pointer):
            if place in document.positions.offsets:
                return {"example": f"{document.name}:{document.positions.line_column(place)[0]}"}
        return {}


def shown(name: str, came: Any) -> Any:
    """A value as it may be told: without secrets, and not without end."""
    came = json.loads(masked_body(encode({name: came})))[name]
    text = came if isinstance(came, str) else encode(came).decode()
    return came if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _query(request: Request) -> Json:
    return dict(reversed(request.query))


def _places(titles: Iterable[str], pointer: str) -> Iterator[str]:
    """Where to look, best first: the same place, the same place in the first entry of a list, the request at all."""
    first = "".join(f"/{'0' if token.isdigit() else escape(token)}" for token in tokens(pointer))
    titles = [f"/{escape(title)}" for title in titles]
    for place in dict.fromkeys((pointer, first)) if pointer else ():
        for title in titles:
            yield f"{title}/request/body{place}"
            yield f"{title}/request/query{place}"
    for title in titles:
        yield f"{title}/request"
        yield title
