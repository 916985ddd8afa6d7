"""``mockspi serve``: the SPI server, its banner, and the file that says it is ready."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from shlex import quote as quoted
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from mockspi.cli.options import chosen, with_settings
from mockspi.cli.progress import Progress
from mockspi.errors import UsageError

if TYPE_CHECKING:
    from mockspi.building import House
    from mockspi.server.ports import Ports

_LARGEST_PID = 4_194_304
SHOWN = ("GET_CUSTOMER", "SEARCH_CUSTOMERS", "TAX_SERVICE.calculateTax")


@click.command()
@with_settings()
def serve(config: str, **given: Any) -> None:
    """Serve every SPI from a fixture set, until Ctrl-C."""
    settings = chosen(config, given)
    from mockspi import building, examples  # noqa: F401  # heavy: only where it is needed, and before processes fork that need it
    from mockspi.server import launch, rsgi  # noqa: F401  # the same

    quiet = settings.log_format == "json"
    house = building.build(settings, *([] if quiet else [Progress("mockspi: reading the fixture set ...")]))
    clear(settings.ready_file)
    try:
        launch.serve(house, lambda ports: announce(house, ports))
    finally:
        if settings.ready_file and owner(Path(settings.ready_file)) == os.getpid():
            clear(settings.ready_file)


def announce(house: House, ports: Ports) -> None:
    """Say that requests are answered: in the ready file, then on standard output."""
    from mockspi.routes import RECEIVING, TOKENS  # heavy: only where it is needed
    from mockspi.server.launch import admin_url, base_url

    settings = house.settings
    base, admin = base_url(house, ports), admin_url(house, ports)
    name, key = next(iter(settings.keys.items()))
    document = {"baseUrl": base, "apiKey": key, "pid": os.getpid(), "fixtures": str(house.fixtures.resolve())}
    document |= {"adminUrl": admin, "adminToken": house.admin_token}
    root = base.removesuffix(f"/{settings.api_version[0]}")
    document |= {"webhookUrl": f"{root}/{RECEIVING}", "tokenUrl": f"{root}/{TOKENS}"}
    if settings.ready_file:
        write_atomically(Path(settings.ready_file), json.dumps(document) + "\n")
    click.echo(json.dumps(document) if settings.log_format == "json" else banner(house, base, admin, name, key))
    if sys.stdout:
        sys.stdout.flush()


def banner(house: House, base: str, admin: str, name: str, key: str) -> str:
    """What a newcomer needs on one screen."""
    where = "nowhere (memory)" if house.ephemeral else str(house.overlay.parent)
    rows = {
        "SPI base URL": base,
        "api_key": f"{key}  (sandbox {name})",
        "admin": f"{admin}  (token {house.admin_token})",
        "fixtures": str(house.fixtures),
        "changes kept": where,
        "docs": f"'mockspi contracts NAME', {base}/openapi.json, docs/ in the repository",
    }
    facts = "\n".join(f"  {click.style(title.ljust(13), bold=True)} {value}" for title, value in rows.items())
    lines = "\n".join(f"  {line}" for line in curls(house, base, key))
    return f"\n{click.style('mockspi is ready.', fg='green', bold=True)}  Ctrl-C stops it.\n\n{facts}\n\n  Try:\n{lines}\n"


def curls(house: House, base: str, key: str) -> list[str]:
    """Three calls that work when pasted: the first example of three contracts."""
    from mockspi import contracts, examples  # heavy: only where it is needed
    from mockspi.fixtures.reading import FixtureSet

    found = FixtureSet(house.fixtures)
    lines = []
    for one in (contract for contract in contracts.SPIS if contract.id in SHOWN):
        mine = examples.of(one, {one.id: found.one_example_file(one.id)})
        lines += [examples.curl(example, base, key) for example in mine[:1]]
    return lines or [f"curl {quoted(base + path)}" for path in plain_calls(house, key)]


def plain_calls(house: House, key: str) -> list[str]:
    """Three reads of a set that has no examples: of what its records hold first."""
    records, asked = house.editions()().store.read(""), urlencode({"api_key": key})
    first = {name: next(iter(records.find(name, limit=1).records), None) for name in ("customers", "orders")}
    paths = ["/taxEngine/downloadTaxRates", "/taxEngine/getTaxExemptions", "/openapi.json"]
    if order := first["orders"]:
        paths.insert(0, f"/sa/orders/{quote(order['orderId'])}")
    if customer := first["customers"]:
        paths.insert(0, f"/sa/customers/{quote(customer['profile']['customerId'])}")
    return [f"{path}?{asked}" for path in paths[:3]]


def write_atomically(path: Path, text: str) -> None:
    """A reader sees the whole text or no file; only its owner may read it, for there is a key in it."""
    write_beside(path, text).replace(path)


def write_beside(path: Path, text: str) -> Path:
    """The same folder, another name."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return beside


def clear(ready_file: str) -> None:
    """Take an old ready file away, for it would speak for a server that is gone; and see that a new one can be written.

    That of another server which is running is its own.
    """
    from mockspi.server.launch import is_alive  # heavy: only where it is needed

    if ready_file:
        path = Path(ready_file)
        if os.name == "posix" and (pid := owner(path)) not in (0, os.getpid()) and is_alive(pid):
            raise UsageError(
                f"{ready_file} is the ready file of another server, process {pid}; choose another --ready-file, "
                "or delete it if that process is none"
            )
        try:
            path.unlink(missing_ok=True)
            write_beside(path, "").unlink()  # never under its own name: somebody waits for that
        except OSError as error:
            raise UsageError(f"the ready file {ready_file} cannot be written: {error.strerror}") from error


def owner(ready_file: Path) -> int:
    """The process that a ready file speaks for; 0 where it says nothing of the kind."""
    try:
        pid = json.loads(ready_file.read_text("utf-8"))["pid"]
    except (OSError, ValueError, TypeError, KeyError):
        return 0
    return pid if type(pid) is int and 0 < pid <= _LARGEST_PID else 0
