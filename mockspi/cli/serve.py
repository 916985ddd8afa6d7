"""``mockspi serve``: the SPI server, its banner, and the file that says it is ready."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockspi.cli.options import chosen, with_settings
from mockspi.errors import UsageError

if TYPE_CHECKING:
    from mockspi.building import House
    from mockspi.server.launch import Ports

SHOWN = ("GET_CUSTOMER", "SEARCH_CUSTOMERS", "TAX_SERVICE.calculateTax")
DOCS = "docs/quickstart.md in the repository; 'mockspi contracts' lists every endpoint"


@click.command()
@with_settings()
def serve(config: str, **given: Any) -> None:
    """Serve every SPI from a fixture set, until Ctrl-C."""
    settings = chosen(config, given)
    from mockspi import building  # heavy: only where it is needed
    from mockspi.server import launch, rsgi  # noqa: F401  # rsgi: imported before the workers fork

    try:
        house = building.build(settings, progress=lambda text: None)
    except building.BrokenSet as broken:
        refuse(broken)
    forget(settings.ready_file)
    try:
        launch.serve(house, lambda ports: announce(house, ports))
    finally:
        forget(settings.ready_file)


def refuse(broken: Any) -> None:
    """The findings of a set that must not be served, and exit 2."""
    for finding in broken.findings:
        click.echo(f"{broken.folder}/{finding}", err=True)
    many = len(broken.findings)
    click.secho(f"mockspi: {broken.folder} is not served: {many} finding{'s' * (many != 1)} (above)", fg="red", err=True)
    sys.exit(2)


def announce(house: House, ports: Ports) -> None:
    """Say that requests are answered: in the ready file, then on standard output."""
    from mockspi.server.launch import admin_url, base_url  # heavy: only where it is needed

    settings = house.settings
    base, admin = base_url(house, ports), admin_url(house, ports)
    name, key = next(iter(settings.keys.items()))
    document = {"baseUrl": base, "apiKey": key, "pid": os.getpid(), "fixtures": str(house.fixtures.resolve())}
    document |= {"adminUrl": admin, "adminToken": house.admin_token}
    if settings.ready_file:
        write_atomically(Path(settings.ready_file), json.dumps(document) + "\n")
    click.echo(json.dumps(document) if settings.log_format == "json" else banner(house, base, admin, name, key))
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
        "docs": DOCS,
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
    return lines or [f"curl '{base}/openapi.json?api_key={key}'"]


def write_atomically(path: Path, text: str) -> None:
    """A reader sees the whole text or no file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds the admin token
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"the ready file {path} cannot be written: {error.strerror}") from error


def forget(ready_file: str) -> None:
    """Take an old ready file away: it would speak for a server that is gone."""
    if ready_file:
        if not (folder := Path(ready_file).parent).is_dir():
            raise UsageError(f"the ready file {ready_file} cannot be written: there is no folder {folder}")
        try:
            Path(ready_file).unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"the ready file {ready_file} cannot be written: {error.strerror}") from error
