"""The peers: where each comes from, what it is told, and what of the work it can do.

All serve the same 1,000 customers by id, with the bytes that mockspi answers, and ask for the same api_key, so far as
each can say so in its own way. Options are those that its own documentation recommends; journals stand as they come.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calls import KEY
from peer_files import BASE, CART_PATH, Data, connexion, json_server, mockoon, mountebank, nothing, prism, wiremock

NODE = {"NODE_ENV": "production"}
CUSTOMER = f"{BASE}/sa/customers/{{id}}?api_key={KEY}"
EMAIL = f"{BASE}/sa/customers?email={{email}}&api_key={KEY}"
POST = f"{CART_PATH}?api_key={KEY}"
WRONG = f"{BASE}/sa/customers/{{id}}?api_key=wrong-key"


@dataclass(frozen=True)
class Peer:
    """One of them; ``package`` is ``npm:`` or ``pip:`` and what to install. An empty path: it cannot do that."""

    name: str
    package: str
    command: Callable[[Path, Path, int], Sequence[str]]  #: where it is installed, its files, the port
    write: Callable[[Path, Data, int], None]
    hot: str = CUSTOMER
    email: str = EMAIL
    post: str = POST
    wrong: str = WRONG
    first: str = ""  #: what is asked for at a start, where not a customer
    warm: int = 3  #: seconds
    by_id: bool = True
    drop: str = ""  #: a member that it adds to a record
    note: str = ""
    env: dict[str, str] = field(default_factory=dict)
    fill: Callable[[str, Data], None] | None = None  #: over HTTP, once it runs

    def environment(self) -> dict[str, str]:
        """Ours, and what it is told that way."""
        return {**os.environ, **self.env}

    def same(self, found: Any, wanted: Any) -> bool:
        """Whether an answer has what it must have."""
        if self.drop:
            found = [without(one, self.drop) for one in found] if isinstance(found, list) else without(found, self.drop)
            wanted = wanted.get("customers", [wanted]) if isinstance(found, list) else wanted
        return bool(found == wanted)


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A record less one member."""
    return {key: value for key, value in record.items() if key != name}


def _java(jar: str, *words: str) -> Callable[[Path, Path, int], Sequence[str]]:
    return lambda home, folder, port: (
        "java",
        "-jar",
        str(home / "node_modules/wiremock/build" / jar),
        "--port",
        str(port),
        "--bind-address",
        "127.0.0.1",
        "--root-dir",
        str(folder),
        *words,
    )


def _node(name: str, *words: str, options: Callable[[Path, int], Sequence[str]]) -> Callable[[Path, Path, int], Sequence[str]]:
    return lambda home, folder, port: ("node", str(home / "node_modules/.bin" / name), *words, *options(folder, port))


def _venv(name: str, *words: str, options: Callable[[Path, int], Sequence[str]]) -> Callable[[Path, Path, int], Sequence[str]]:
    return lambda home, folder, port: (str(home / "bin" / name), *words, *options(folder, port))


def _lists(folder: Path, port: int) -> Sequence[str]:
    told = ("--routes", str(folder / "routes.json"), "--middlewares", str(folder / "key.js"))
    return (str(folder / "db.json"), "--port", str(port), *told)


def _imposters(folder: Path, port: int) -> Sequence[str]:
    return ("--port", str(port + 1), "--configfile", str(folder / "imposters.json"))


def _objects(origin: str, data: Data) -> None:
    import http.client

    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=60)
    told = {"Content-Type": "application/json", "x-amz-acl": "public-read"}
    for path, body in [("", ""), *((f"/{name}", json.dumps(one)) for name, one in data.customers.items())]:
        connection.request("PUT", f"/customers{path}", body, told)
        reply = connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            sys.exit(f"moto: {reply.status} {text!r}")


OLD, NEW = "wiremock-jre8-standalone-2.35.1.jar", "wiremock-standalone-3.13.2.jar"
TUNED = ("--no-request-journal", "--async-response-enabled=true", "--disable-request-logging")
OLD_TOLD = "--local-response-templating"
UNTUNED, ALSO = "one mapping, a file for each customer", "the same without its journal, asynchronous"
PEERS = (
    Peer("WireMock 2.35.1", "npm:wiremock@2.35.1", _java(OLD, OLD_TOLD), wiremock, warm=15, note=UNTUNED),
    Peer("WireMock 2.35.1, tuned", "npm:wiremock@2.35.1", _java(OLD, OLD_TOLD, *TUNED), wiremock, warm=15, note=ALSO),
    Peer("WireMock 3.13.2", "npm:wiremock@3.13.2", _java(NEW), wiremock, warm=15, note=UNTUNED),
    Peer("WireMock 3.13.2, tuned", "npm:wiremock@3.13.2", _java(NEW, *TUNED), wiremock, warm=15, note=ALSO),
    Peer(
        "Prism 5.16.0",
        "npm:@stoplight/prism-cli@5.16.0",
        _node(
            "prism",
            "mock",
            "--multiprocess",
            "false",
            options=lambda folder, port: (str(folder / "openapi.json"), "--port", str(port)),
        ),
        prism,
        email="",
        wrong="",
        by_id=False,
        env=NODE,
        note="one customer whatever the id; any key will do",
    ),
    Peer(
        "Mockoon CLI 9.9.0",
        "npm:@mockoon/cli@9.9.0",
        _node("mockoon-cli", "start", options=lambda folder, port: ("--data", str(folder / "set.json"), "--port", str(port))),
        mockoon,
        env=NODE,
        note="a file for each customer",
    ),
    Peer(
        "json-server 0.17.4",
        "npm:json-server@0.17.4",
        _node("json-server", "--quiet", "--host", "127.0.0.1", options=_lists),
        json_server,
        email=f"{BASE}/sa/customers?profile.email={{email}}&api_key={KEY}",
        post="",
        env=NODE,
        drop="id",
        note="the key by a middleware of ours",
    ),
    Peer(
        "mountebank 2.9.1",
        "npm:mountebank@2.9.1",
        _node("mb", "start", "--host", "127.0.0.1", "--allowInjection", "--nologfile", options=_imposters),
        mountebank,
        env=NODE,
        note="customers by an injected function",
    ),
    Peer(
        "connexion 3.3.0",
        "pip:connexion[uvicorn]==3.3.0 uvicorn[standard]",
        _venv(
            "uvicorn", "--no-access-log", "shop:app", options=lambda folder, port: ("--app-dir", str(folder), "--port", str(port))
        ),
        connexion,
        note="asynchronous, under uvicorn with uvloop; functions of ours answer",
    ),
    Peer(
        "moto 5.2.5",
        "pip:moto[server,s3]==5.2.5",
        _venv("moto_server", "-H", "127.0.0.1", options=lambda _folder, port: ("-p", str(port))),
        nothing,
        hot="/customers/{id}",
        email="",
        post="",
        wrong="",
        first="/moto-api/",
        fill=_objects,
        note="objects in S3; no key; started empty",
    ),
)
