"""Fixture files saved under load, one save in five broken: no call fails, no reply mixes two editions.

    .venv/bin/python benchmarks/reloads.py [--count 1000] [--workers 2] [--readers 4] [--writers 2]

Every save puts one number into two stock records, two messages and a magic value. The load compares them within each
reply, and along each connection, where the number must never go back. Each save is waited for: the new number, or the
header that says that the files are broken. Exit 1 where anything of that does not hold.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SAMPLE = Path(__file__).resolve().parents[1] / "fixtures"
PRODUCTS = ("P-1001", "P-1002")
LONGEST = 60.0
JSON = {"Content-Type": "application/json"}
MUCH = {"productList": [{"productId": one, "quantity": 100_000} for one in PRODUCTS]}
CART = {"cartId": "CART", "storeId": "S-101", "productList": [{"productId": PRODUCTS[0], "quantity": 100_000, "price": 1}]}
MAGIC = {"productList": [{"productId": "MAGIC-MARK", "quantity": 1}]}


def main() -> int:
    """Save, watch, judge."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as name:
        folder = Path(name)
        fixtures = Saved(folder)
        with served(folder, fixtures.folder, options.workers) as told:
            found = Found()
            with loaded(told, found, options):
                begun = time.monotonic()
                waits = [saved(told, fixtures, number, found) for number in range(2, options.count + 2)]
                took = time.monotonic() - begun
            files = len(list((folder / "state" / "served").glob("*/base-*.sqlite")))
            reloads = admin(told, "GET", "/metrics")
    return judged(found, options, waits, took, (files, reloads))


def arguments() -> argparse.Namespace:
    """What to do, and how much of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("count", 1000), ("workers", 2), ("readers", 4), ("writers", 2)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    return parser.parse_args()


# --- the files


class Saved:
    """A set behind a link: an edition is a folder, and comes whole when the link is turned to it."""

    def __init__(self, folder: Path) -> None:
        self._home = folder
        self.folder = folder / "set"
        self.number = 0
        self.good(1)

    def good(self, number: int) -> None:
        """A sound edition with a number."""
        made = self._home / f"edition-{number}"
        for part in ("records", "messages"):
            (made / part).mkdir(parents=True)
        products = [one for one in read(SAMPLE / "records/products.json")["records"] if one["productId"] in PRODUCTS]
        stock = [{"productId": one, "locationId": place, "onHand": number} for one in PRODUCTS for place in ("ONLINE", "S-101")]
        stores = [one for one in read(SAMPLE / "records/stores.json")["records"] if one["storeId"] == "S-101"]
        texts = dict.fromkeys(("INSUFFICIENT_INVENTORY", "CART_INVALID"), str(number))
        magic = {
            "fields": {"id": ["productId"], "email": [], "postalCode": []},
            "values": [{"about": "a mark", "id": "MAGIC-MARK", "then": {"reply": {"body": {"mark": number}}}}],
        }
        for name, document in (
            ("records/products", products), ("records/stock", stock), ("records/stores", stores), ("messages/en", texts),
            ("magic", magic),
        ):  # fmt: skip
            (made / f"{name}.json").write_text(json.dumps(document))
        before = self.folder.resolve() if self.folder.is_symlink() else None
        beside = self._home / "next"
        beside.symlink_to(made, target_is_directory=True)
        beside.replace(self.folder)
        self.number = number
        if before:
            (before / "gone").touch()  # what is watched is the folder that was there: it hears of this
            for path in sorted(before.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            before.rmdir()

    def broken(self, number: int) -> None:
        """Something that must not be served, written in place as careless editors do."""
        kinds: tuple[tuple[str, str], ...] = (
            ("records/stock.json", '[{"productId": '),
            ("records/stock.json", '[{"productId": "P-1001", "locationId": "ONLINE", "onHnad": 1}]'),
            ("messages/en.json", '{"CART_INVALID": 5}'),
            ("magic.json", ""),
            ("records/products.json", "[]"),
        )
        name, text = kinds[number // 5 % len(kinds)]
        (self.folder / name).write_text(text)


def read(path: Path) -> Any:
    """The JSON in a file."""
    return json.loads(path.read_text("utf-8"))


def saved(told: dict[str, Any], fixtures: Saved, number: int, found: Found) -> float:
    """Save once, and wait until the server says what it must say of it; how long that took."""
    broken = number % 5 == 0
    (fixtures.broken if broken else fixtures.good)(number)
    begun = time.monotonic()
    while True:
        body, note = call(connect(told), told, "staging", "/sa/inventory/check", MUCH)
        mark = marks(body)[0]
        if bool(note) == broken and mark == fixtures.number:
            found.stale += broken
            return time.monotonic() - begun
        if time.monotonic() - begun > LONGEST:
            raise SystemExit(f"save {number}: not seen for {LONGEST} s (mark {mark}, header {note!r})")


# --- the load


@dataclass
class Found:
    """What the load saw."""

    calls: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stale: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def loaded(told: dict[str, Any], found: Found, options: argparse.Namespace) -> Iterator[None]:
    """Threads that read and write, each on one connection, until the block ends."""
    key = {}
    for number in range(options.writers):
        key[number] = str(json.loads(admin(told, "POST", "/sandboxes", {"name": f"w{number}"}))["api_key"])
    work = [(one_read, told["apiKey"], number) for number in range(options.readers)]
    work += [(one_write, key[number], number) for number in range(options.writers)]
    threads = [threading.Thread(target=run, args=(told, found, *one)) for one in work]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        found.stop.set()
        for one in threads:
            one.join()


def run(told: dict[str, Any], found: Found, step: Callable[..., list[int]], key: str, number: int) -> None:
    """Call after call on one connection; what is wrong is noted, and the connection goes on."""
    connection, last, turn = connect(told), 0, 0
    while not found.stop.is_set():
        turn += 1
        try:
            seen = step(connection, told, key, number, turn)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a failed call
            found.wrong.append(f"{step.__name__}: {error!r}")
            connection = connect(told)
            continue
        found.calls[step.__name__] += 1
        if len(set(seen)) > 1:
            found.wrong.append(f"mixed: {seen}")
        if seen and min(seen) < last:
            found.wrong.append(f"back: {last} then {seen}")
        last = max([last, *seen])


def one_read(connection: http.client.HTTPConnection, told: dict[str, Any], key: str, _: int, turn: int) -> list[int]:
    """Records and a message in one reply, or a magic value."""
    return marks(call(connection, told, key, "/sa/inventory/check", MAGIC if turn % 4 == 0 else MUCH)[0])


def one_write(connection: http.client.HTTPConnection, told: dict[str, Any], key: str, number: int, turn: int) -> list[int]:
    """A refusal within a transaction, or a customer written."""
    if turn % 2:
        return marks(call(connection, told, key, "/sa/cartValidation", CART)[0])
    profile = {"customerId": f"K-{number}-{turn}", "firstName": "A", "lastName": "B"}
    body = call(connection, told, key, "/sa/customers", {"profile": profile})[0]
    if body["profile"]["customerId"] != profile["customerId"]:
        raise ValueError(body)
    return []


def marks(body: dict[str, Any]) -> list[int]:
    """The numbers in a reply."""
    if "mark" in body:
        return [body["mark"]]
    texts = [body["errorMessage"], *(one["errorMessage"] for one in body.get("errors", ()))]
    return [*map(int, texts), *(one["availableQuantity"] for one in body.get("productList", ()))]


def call(
    connection: http.client.HTTPConnection, told: dict[str, Any], key: str, path: str, body: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """One call: its JSON, and what the header says of the files."""
    key = told["apiKey"] if key == "staging" else key
    connection.request("POST", f"{urlsplit(told['baseUrl']).path}{path}?api_key={key}", json.dumps(body), JSON)
    reply = connection.getresponse()
    raw = reply.read()
    if reply.status != 200:
        raise ValueError(f"{reply.status} {raw[:200]!r}")
    return json.loads(raw), reply.headers.get("Mockspi-Fixtures", "")


# --- the server


@contextmanager
def served(folder: Path, fixtures: Path, workers: int) -> Iterator[dict[str, Any]]:
    """A server of its own."""
    ready = folder / "ready.json"
    words = ["--fixtures", str(fixtures), "--port", "0", "--state", str(folder / "state"), "--ready-file", str(ready)]
    words += ["--workers", str(workers), "--log-calls", "off"]
    environ = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "mockspi", "serve", *words]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environ)
    try:
        while not ready.exists():
            if process.poll() is not None:
                sys.exit((folder / "log").read_text())
            time.sleep(0.05)
        yield read(ready)
    finally:
        process.terminate()
        process.wait(30)


def connect(told: dict[str, Any]) -> http.client.HTTPConnection:
    """A connection to the data port."""
    found = urlsplit(told["baseUrl"])
    return http.client.HTTPConnection(found.hostname or "", found.port, timeout=60)


def admin(told: dict[str, Any], method: str, path: str, body: dict[str, Any] | None = None) -> str:
    """One call to the admin port."""
    found = urlsplit(told["adminUrl"])
    connection = http.client.HTTPConnection(found.hostname or "", found.port, timeout=60)
    headers = {"Authorization": f"Bearer {told['adminToken']}", **(JSON if body is not None else {})}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    return connection.getresponse().read().decode()


def judged(found: Found, options: argparse.Namespace, waits: list[float], took: float, left: tuple[int, str]) -> int:
    """Print the figures; 0 where everything holds."""
    broken = sum(1 for number in range(2, options.count + 2) if number % 5 == 0)
    good = [wait for number, wait in enumerate(waits, start=2) if number % 5]
    files, metrics = left
    print(f"{options.count} saves ({broken} broken), {options.workers} workers: {took:.0f} s")
    print(f"calls: {dict(found.calls)}, {sum(found.calls.values()) / took:.0f}/s; wrong: {len(found.wrong)}")
    print(f"from save to served: median {statistics.median(good) * 1000:.0f} ms, longest {max(good) * 1000:.0f} ms")
    print(f"stale header seen {found.stale} times; compiled files left: {files}")
    print("\n".join(line for line in metrics.splitlines() if line.startswith("mockspi_reloads_total")))
    for one in found.wrong[:20]:
        print(f"  {one}")
    return 1 if found.wrong or found.stale != broken else 0


if __name__ == "__main__":
    sys.exit(main())
