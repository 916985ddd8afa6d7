"""``mockspi received``: the events that a sandbox received, from the admin port of a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from mockspi.adminclient import at
from mockspi.cli.adminclient import connect, with_admin
from mockspi.cli.options import table
from mockspi.cli.sandbox import moment
from mockspi.exchange import Json
from mockspi.masking import printable

_PAGE = 500
_TOLD = 3  #: errors of one event in a line
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
    elif found:
        rows = [[moment(one["at"]), one["event"], one.get("orderId", one.get("cartId", "-")), one["status"]] for one in found]
        told = [[*map(printable, row), printable("; ".join(_said(one)))] for row, one in zip(rows, found, strict=True)]
        lines = table(told, ["at", "event", "order or cart", "status", ""]).split("\n")
        states = ["", "", *(one["status"] for one in found)]
        for line, state in zip(lines, states, strict=True):
            click.secho(line, fg=_COLOURS.get(state))
    else:
        click.echo("nothing of this kind was received" if event or status or order else "nothing was received yet")
    sys.exit(1 if any(one["status"] in ("refused", "held") for one in found) else 0)


def _said(one: Json) -> Iterator[str]:
    """Why it ended so, what is wrong with it, and how often it came again."""
    yield from filter(None, [one.get("errorCode"), one.get("reason")])
    errors = one.get("errors", ())
    for wrong in errors[:_TOLD]:
        yield f"{wrong.get('path', '')}: {wrong['message']}".removeprefix(": ")
    if more := len(errors) - len(errors[:_TOLD]):
        yield f"and {more} more (--json tells all)"
    if many := one["duplicates"]:
        yield f"came {many} more time{'s' * (many != 1)}"
