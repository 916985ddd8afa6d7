"""``mockspi invariants``: whether the records of a running server keep the merchant's rules."""

from __future__ import annotations

import json
import sys

import click

from mockspi.cli.adminclient import at, connect, with_admin


@click.command()
@click.option("--sandbox", metavar="NAME", default="", help="Only this one's, by name or api_key; every one's unless given.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_admin
def invariants(sandbox: str, as_json: bool, **admin: str) -> None:
    """Say which rules hold, and the records that break one; exit 1 where there are such."""
    client = connect(**admin)
    names = [sandbox] if sandbox else [one["name"] for one in client.call("GET", "/sandboxes")["sandboxes"]]
    found = {name: client.call("GET", at(name, "/invariants")) for name in names}
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for name, told in found.items():
            click.echo(click.style(name, bold=True))
            for one in told["invariants"]:
                word = click.style("holds ", fg="green") if one["holds"] else click.style("broken", fg="red")
                click.echo(f"  {word}  {one['name']}: {one['about']}")
                for fault in one["faults"]:
                    click.echo(f"            {fault['collection']} {fault['key']} {fault['path']}: {fault['message']}")
    sys.exit(0 if all(told["holds"] for told in found.values()) else 1)
