"""The connectors file: the CMS's custom connectors as JSON, so that the mock can wear the merchant's own URLs.

Only where an endpoint is reached is read here (endpoint name, URL, integration type); the rest is kept for those
who send.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from marshmallow import validate

from mockspi.contract import Contract
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.schema import PUBLIC, SEED, Anything, Choice, Id, Many, Shape, Strangers, Text, did_you_mean, problems


class Connector(Shape):
    """One custom connector, in the CMS's words."""

    SOURCE = SEED

    connectorType = Choice("SPI", "Webhook", required=True)
    endpointName = Id(required=True)
    apiEndpoint = Text(required=True, validate=validate.Length(min=1), about="a URL, or its path; called as it is written")
    integrationType = Choice("HTTP_GET", "HTTP_POST", "HTTP_PUT", "HTTP_DELETE")
    jsonHeaders = Anything()
    oauthConfig = Anything(source=PUBLIC)
    events = Anything()
    latencyThreshold = Anything(source=PUBLIC)


class ConnectorFile(Shape):
    """The file: connectors in a list."""

    schema_ = Text(data_key="$schema")
    connectors = Many(Connector, required=True)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a connectors file puts a contract: a path template, and the static query that goes with it."""

    contract: Contract
    path: str
    query: tuple[tuple[str, str], ...] = ()


def read(path: Path, contracts: Sequence[Contract]) -> list[Placement]:
    """The placements of a file; what is wrong with it is one UsageError that says where."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"the connectors file {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the connectors file {path} is not JSON: {error}") from error
    for found in (*problems(ConnectorFile, document), *Strangers(closed=True).find(ConnectorFile, document)):
        raise UsageError(f"{path}: {found.path or '/'}: {found.message}")
    placed: list[Placement] = []
    for index, connector in enumerate(document["connectors"]):
        if connector["connectorType"] == "SPI":
            placed += _place(connector, f"{path}: /connectors/{index}", contracts)
    return placed


def _place(connector: Json, where: str, contracts: Sequence[Contract]) -> list[Placement]:
    name = connector["endpointName"]
    meant = [one for one in contracts if name in (one.id, one.name, *one.also)]
    if not meant:
        hint = did_you_mean(name, [one.name for one in contracts])
        raise UsageError(f"{where}/endpointName: no SPI is called {name!r}{hint}")
    kind, kinds = connector.get("integrationType"), list(dict.fromkeys(one.integration for one in meant))
    if kind and kind not in kinds:
        raise UsageError(f"{where}/integrationType: {name} is {' or '.join(kinds)}, not {kind}")
    path, query = _url(connector["apiEndpoint"], where)
    known = sorted({parameter for one in meant for parameter in one.parameters})
    for parameter in re.findall(r"{([^{}/]*)}", path):
        if parameter not in known:
            hint = did_you_mean(parameter, known)
            raise UsageError(f"{where}/apiEndpoint: {name} has no {{{parameter}}}{hint}")
    return [Placement(one, _complete(path, one), query) for one in meant]


def _url(text: str, where: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The path of a URL, and its static query without a key."""
    try:
        url = urlsplit(text)
    except ValueError as error:
        raise UsageError(f"{where}/apiEndpoint: {text!r} is no URL: {error}") from error
    path = unquote(url.path).rstrip("/")
    if not path.startswith("/"):
        raise UsageError(f"{where}/apiEndpoint: a URL or a path that begins with / is expected")
    return path, tuple((key, value) for key, value in parse_qsl(url.query) if key != "api_key")


def _complete(path: str, contract: Contract) -> str:
    """The path with the operation that the POS appends to a base URL, and the ids that it must carry."""
    if contract.suffix and not path.endswith(contract.suffix):
        path += contract.suffix
    missing = [name for name in contract.parameters if f"{{{name}}}" not in path]
    return path + "".join(f"/{{{name}}}" for name in missing)
