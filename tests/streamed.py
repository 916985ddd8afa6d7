"""A rate table that is long, over real doors, and clients that read it in their own ways."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conftest import ROOT, Server

from mockspi import compiling
from mockspi.fixtures.reading import open_set, sample_set

COUNT = 20_000  #: nearly one and a half megabytes: more than a server keeps for a client that is slow (one)
RATES = "/taxEngine/downloadTaxRates"
SAMPLE = [record for name, _, record in sample_set().records() if name == "tax_rates"]


def town(number: int) -> dict[str, Any]:
    """The rate of one of many towns; their keys come after all others of the sample's and in the order of their numbers."""
    return {
        "jurisdiction": f"US-~{number:05d}", "level": "CITY", "countryCode": "US", "state": "TX", "taxCode": "*",
        "postalCode": f"{10_000 + number}", "rate": number % 1000 / 10_000, "name": f"Town {number}, its own tax",
        "appliesToShipping": number % 2 == 0, "included": False,
    }  # fmt: skip


TOWNS = [town(number) for number in range(COUNT - len(SAMPLE))]
LAST = TOWNS[-1]


def long_set(folder: Path) -> Path:
    """The sample set with 20,000 rates."""
    mine = Path(shutil.copytree(ROOT / "fixtures", folder / "set"))
    write_rates(mine, TOWNS)
    compiling.compiled(open_set(str(mine)), lambda done: None)  # so that servers find it ready
    return mine


def write_rates(mine: Path, towns: Sequence[dict[str, Any]]) -> None:
    """Its rates, and other towns."""
    (mine / "records/tax_rates.json").write_text(json.dumps([*SAMPLE, *towns]), "utf-8")


def line(rate: dict[str, Any]) -> bytes:
    """A town's line of the CSV."""
    flags = [str(rate[name]).lower() for name in ("appliesToShipping", "included")]
    cells = [
        rate["jurisdiction"],
        "CITY",
        "US",
        "TX",
        "",
        rate["postalCode"],
        "*",
        f"{rate['rate']:g}",
        f'"{rate["name"]}"',
        *flags,
    ]
    return ",".join(cells).encode() + b"\r\n"


def asked(server: Server, key: str, *, method: str = "GET", buffer: int = 0, query: str = "") -> socket.socket:
    """A connection on which the table was asked for; a small ``buffer`` is that of a client that takes little."""
    url = urlsplit(server.base)
    connection = socket.socket()
    connection.settimeout(60)
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect((url.hostname or "", url.port or 0))
    head = f"{method} {url.path}{RATES}?api_key={key}{query} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def read(connection: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    with connection:
        return b"".join(iter(lambda: connection.recv(1_048_576), b""))


def table(server: Server, key: str, query: str = "") -> tuple[http.client.HTTPMessage, bytes]:
    """The headers and the table; IncompleteRead where the connection broke."""
    url = urlsplit(server.base)
    with closing(http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)) as connection:
        connection.request("GET", f"{url.path}{RATES}?api_key={key}{query}")
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.headers, answer.read()


def unchunked(raw: bytes) -> bytes:
    """The body of a reply in chunks, which must be whole."""
    rest, parts = raw.partition(b"\r\n\r\n")[2], []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not int(size, 16):
            assert rest == b"\r\n"
            return b"".join(parts)
        parts.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]


def break_last(server: Server, key: str, state: Path) -> None:
    """Make the record of the last line one that cannot be read, behind everybody's back."""
    renamed = {**LAST, "name": f"broken for {key}"}
    assert server.admin("PUT", f"/sandboxes/{key}/records/tax_rates", {"records": [renamed]}).status_code == 200
    with closing(sqlite3.connect(state / "records.sqlite", timeout=30)) as file, file:
        changed = file.execute("UPDATE records SET body = '{' WHERE body LIKE ?", (f"%{renamed['name']}%",))
        assert changed.rowcount == 1


def held(state: Path) -> bool:
    """Whether somebody still reads an earlier state of the records: then what came later cannot be moved out of the log."""
    with closing(sqlite3.connect(state / "records.sqlite", timeout=0)) as file:
        try:
            return bool(file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        except sqlite3.OperationalError:  # somebody writes just now
            return True
