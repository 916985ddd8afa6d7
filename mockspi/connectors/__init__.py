"""The connectors file: the CMS's custom connectors as JSON, so that the mock wears the merchant's own URLs and sends to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from mockspi.connectors.checking import NO_ERP, judged, listed, problems_of
from mockspi.connectors.references import literals
from mockspi.connectors.shapes import OAUTH, SPI, ConnectorFile, signs
from mockspi.contract import Contract
from mockspi.contracts import SPIS
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.fixtures.reading import Document, Finding, parsed
from mockspi.schema import Problem, Strangers, problems


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a connectors file puts a contract: a path template, and the static query that goes with it."""

    contract: Contract
    path: str
    query: tuple[tuple[str, str], ...] = ()


def read(path: Path, contracts: Sequence[Contract]) -> list[Placement]:
    """The placements of a file; the first thing that is wrong with it is a UsageError that says where."""
    return [one for connector in loaded(path, contracts) for one in _placed(connector, contracts)]


def loaded(path: Path, contracts: Sequence[Contract] = SPIS) -> list[Json]:
    """The connectors of a file, all sound; the first thing that is wrong with it is a UsageError that says where."""
    document = _document(path)
    for found in _wrong(document, contracts):
        raise UsageError(str(found))
    connectors: list[Json] = document.value["connectors"]
    return connectors


def lint(path: Path, contracts: Sequence[Contract] = SPIS) -> list[Finding]:
    """Everything that is wrong with a file, and what had better be otherwise: secrets that stand in it."""
    document = _document(path)
    found: list[Problem] = []
    for index, one in enumerate(listed(document.value)):
        found += literals(one, f"/connectors/{index}")
        if one.get("netSuiteOAuth"):
            found.append(Problem(f"/connectors/{index}/netSuiteOAuth", NO_ERP))
        if one.get("secret") and not signs(one):
            found.append(Problem(f"/connectors/{index}/secret", "retail-cloud signs nothing; a header can carry it"))
    every = [*_wrong(document, contracts), *_told(document, found)]
    return sorted(every, key=lambda one: (one.line, one.column))


def _document(path: Path) -> Document:
    try:
        return parsed(str(path), path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"the connectors file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the connectors file {path} is not JSON: it is not UTF-8 at byte {error.start}") from error


def _wrong(document: Document, contracts: Sequence[Contract]) -> list[Finding]:
    if document.broken:
        return [document.broken]
    shaped = [*problems(ConnectorFile, document.value), *Strangers(closed=True).find(ConnectorFile, document.value)]
    twice = [Problem(one, "this member stands here twice") for one in document.positions.repeated] if document.doubled else []
    return _told(document, [*shaped, *twice, *problems_of(judged(listed(document.value), shaped), contracts)])


def _told(document: Document, found: Iterable[Problem]) -> list[Finding]:
    return [document.finding(one.path, one.message) for one in found]


def _placed(connector: Json, contracts: Sequence[Contract]) -> list[Placement]:
    name = connector["endpointName"]
    if connector["connectorType"] != SPI or name == OAUTH:
        return []
    url = urlsplit(connector["apiEndpoint"])
    query = tuple((key, value) for key, value in parse_qsl(url.query) if key != "api_key")
    path = unquote(url.path).rstrip("/")
    return [Placement(one, _complete(path, one), query) for one in contracts if name in (one.id, one.name, *one.also)]


def _complete(path: str, contract: Contract) -> str:
    """The path with the operation that the POS appends to a base URL, and the ids that it must carry."""
    if contract.suffix and not path.endswith(contract.suffix):
        path += contract.suffix
    missing = [name for name in contract.parameters if f"{{{name}}}" not in path]
    return path + "".join(f"/{{{name}}}" for name in missing)
