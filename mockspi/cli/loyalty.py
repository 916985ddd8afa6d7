"""``mockspi loyalty``: the points of a customer in a running server, and the ledger that they are the sum of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import click

from mockspi.adminclient import at
from mockspi.cli.adminclient import connect, with_admin


@click.command()
@click.argument("customer")
@click.option("--sandbox", metavar="NAME", required=True, help="Whose, by name or api_key.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_admin
def loyalty(customer: str, sandbox: str, as_json: bool, **admin: str) -> None:
    """Show what a CUSTOMER has earned and spent, oldest first, with the balance after each entry."""
    told = connect(**admin).call("GET", at(sandbox, f"/loyalty/{quote(customer, safe='')}"))
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo(click.style(f"{told['customerId']}: {told['points']} points, {told.get('tier', 'no tier')}", bold=True))
    balance = 0
    for one in told["entries"]:
        balance += one["points"]
        day = datetime.fromtimestamp(one["date"] / 1000, UTC).date()
        of = " ".join(one[name] for name in ("orderId", "returnOrderId") if name in one)
        click.echo(f"  {day}  {one['type']:<6}  {one['points']:>+9}  {balance:>9}  {of}".rstrip())
