"""``mockspi scenario`` and ``mockspi magic``: what can go wrong on purpose, and making it so in a running sandbox."""

from __future__ import annotations

import json
from typing import Any

import click

from mockspi.cli.adminclient import AdminClient, at, connect, with_admin
from mockspi.cli.options import chosen, table, with_settings
from mockspi.errors import UsageError

_SANDBOX = click.option("--sandbox", default="", metavar="NAME", help="Name or api_key; the first --api-key's unless given.")
_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def scenario() -> None:
    """Named sets of rules: see them, put them on in a sandbox, take them off."""


@scenario.command("list")
@_JSON
@with_settings("fixtures")
def list_(config: str, as_json: bool, **given: Any) -> None:
    """Every scenario of the fixture set, and what it shows."""
    found = [{"name": name, **document} for name, document in _book(config, given).scenarios.items()]
    rows = [[str(one["name"]), one["about"]] for one in found]
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else table(rows, ["scenario", "what it shows"]))


@scenario.command()
@click.argument("name")
@with_settings("fixtures")
def show(name: str, config: str, **given: Any) -> None:
    """The rules of the scenario NAME, as JSON."""
    from mockspi.fixtures.layout import layout  # heavy: only where it is needed
    from mockspi.schema import did_you_mean

    found = _book(config, given).scenarios
    if name not in found:
        raise UsageError(f"no scenario is called {name!r}{did_you_mean(name, found)}; 'mockspi scenario list' lists them")
    click.echo(layout(found[name]), nl=False)


@scenario.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_SANDBOX
@with_admin
def use(names: tuple[str, ...], sandbox: str, **admin: Any) -> None:
    """Put scenarios on, behind those that are on; the first rule that fits a call acts."""
    client = connect(**admin)
    _say(client.call("POST", _path(client, sandbox), {"use": list(names)}))


@scenario.command()
@click.argument("name", required=False)
@_SANDBOX
@with_admin
def clear(name: str | None, sandbox: str, **admin: Any) -> None:
    """Take the scenario NAME off, or all of them."""
    client = connect(**admin)
    _say(client.call("DELETE", _path(client, sandbox), query={"scenario": name} if name else None))


@click.command()
@click.argument("contract", required=False)
@_JSON
@with_settings("fixtures")
def magic(contract: str | None, config: str, as_json: bool, **given: Any) -> None:
    """Values that make a call fail in every sandbox, with nothing set up; of one CONTRACT, or all."""
    from mockspi.schema import did_you_mean  # heavy: only where it is needed

    book = _book(config, given)
    wanted = book.known.ids(contract and (contract if contract in book.known.names else contract.upper()))
    if not wanted:
        raise UsageError(f"no endpoint is called {contract!r}{did_you_mean(str(contract), book.known.names)}")
    if as_json:
        found = [one for one in book.told() if one["contract"] in wanted]
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    rows = [
        [", ".join(sorted(wanted & set(one["contracts"]))) if len(one["contracts"]) < len(book.known.fails) else "every contract",
         *one["values"], one["about"]]
        for one in book.told_by_value() if wanted & set(one["contracts"])
    ]  # fmt: skip
    click.echo(table([[*row[1:4], row[4], row[0]] for row in rows], ["id", "e-mail", "postal code", "what happens", "where"]))
    forms = (("id", "an id"), ("email", "an e-mail"), ("postalCode", "a postal code"))
    click.echo("\n" + "\n".join(f"{title} goes into: {', '.join(book.fields(form))}" for form, title in forms))


def _book(config: str, given: dict[str, Any]) -> Any:
    from mockspi.fixtures.reading import open_set
    from mockspi.rehearsing import book_of  # heavy: only where it is needed

    return book_of(open_set(chosen(config, given).fixtures))


def _path(client: AdminClient, sandbox: str) -> str:
    if not sandbox:
        found = client.call("GET", "/sandboxes")["sandboxes"]
        sandbox = next(one["name"] for one in found if one["fixed"])
    return at(sandbox, "/scenarios")


def _say(state: dict[str, Any]) -> None:
    click.echo(f"on: {', '.join(state['scenarios']) or 'no scenario'}")
