"""``mockspi received``: the events that a sandbox received, from the admin port of a running server."""

from __future__ import annotations

import json
import sys

import click

from mockspi.adminclient import at
from mockspi.cli.adminclient import connect, with_admin
from mockspi.testing.telling import printable

_PAGE = 500
_COLOURS = {"applied": "green", "held": "yellow", "refused": "red"}


@click.command()
@click.option("--sandbox", metavar="NAME", default="staging", help="Whose, by name or api_key; staging unless given.")
@click.option("--event", metavar="NAME", default="", help="Only this event, such as ORDER.")
@click.option("--status", type=click.Choice(["applied", "held", "refused", "kept"]), help="Only those that ended so.")
@click.option("--order", metavar="ID", default="", help="Only those of this order.")
@click.option("--json", "as_json", is_flag=True, help="For programs: a list.")
@with_admin
def received(sandbox: str, event: str, status: str | None, order: str, as_json: bool, **admin: str) -> None:
    """Say which events were received and what came of them; exit 1 where one was refused or waits."""
    client, found, number = connect(**admin), [], 1
    asked = {"event": event, "status": status or "", "orderId": order, "pageSize": _PAGE}
    query = {name: value for name, value in asked.items() if value}
    while page := client.call("GET", at(sandbox, "/events"), None, {**query, "pageNumber": number})["events"]:
        found += page
        number += 1
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for one in found:
            again = f", {one['duplicates']} duplicates" if one["duplicates"] else ""
            word = click.style(f"{one['status']:8}", fg=_COLOURS.get(one["status"]))
            click.echo(
                printable(f"{one['at']}  {one['event']:22} {one.get('orderId', one.get('cartId', '-')):14} ") + word, nl=False
            )
            click.echo(printable(f"{one.get('reason', '')}{again}"))
    sys.exit(1 if any(one["status"] in ("refused", "held") for one in found) else 0)
