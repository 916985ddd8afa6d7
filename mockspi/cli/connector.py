"""``mockspi connector``: a connectors file checked, shown and tried out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mockspi.cli.adminclient import at, connect, with_admin
from mockspi.cli.options import chosen, table, with_settings
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.masking import printable
from mockspi.settings import Settings


@click.group()
def connector() -> None:
    """Check a connectors file, see what is in it, and try out what it names."""


@connector.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def lint(file: Path, as_json: bool) -> None:
    """Check FILE: every name, URL and event, and that no secret stands in it. Exit 1 with findings."""
    from mockspi import connectors  # heavy: only where it is needed

    findings = connectors.lint(file)
    if as_json:
        click.echo(_json([one.to_json() for one in findings]))
    else:
        for one in findings:
            click.echo(str(one))
        many = len(findings)
        word = f"{many} finding{'s' * (many != 1)}" if findings else f"{file}: nothing to report"
        click.secho(word, fg="red" if findings else "green", err=bool(findings))
    sys.exit(1 if findings else 0)


@connector.command("list")
@click.option("--sandbox", metavar="NAME", default="", help="Those of a sandbox of a running server, by name or api_key.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings("connectors")
@with_admin
def list_(sandbox: str, as_json: bool, config: str, **given: Any) -> None:
    """List the connectors of the file, or of a sandbox; secrets are masked."""
    from mockspi import connectors  # heavy: only where it is needed
    from mockspi.connectors.references import masked

    admin = {name: given.pop(name) for name in ("admin_url", "admin_token", "ready_file")}
    if sandbox:
        found = connect(**admin).call("GET", at(sandbox, "/connectors"))["connectors"]
    else:
        found = [masked(one) for one in connectors.loaded(_file(chosen(config, given)))]
    rows = [[one["connectorType"], one["endpointName"], one["apiEndpoint"], ", ".join(_told(one))] for one in found]
    shown = [list(map(printable, row)) for row in rows]
    click.echo(_json(found) if as_json else table(shown, ["type", "endpoint", "URL", "with"]))


@connector.command()
@click.argument("name", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings("connectors", "allow_outbound")
def test(name: str, as_json: bool, config: str, **given: Any) -> None:
    """Try out every connector of the file, or the one called NAME. Exit 1 where something did not go well.

    A webhook's URL gets HEAD, OPTIONS and an empty object, with the connector's headers, signature and token; a token
    endpoint is asked for a token; an SPI's URL is called in a mockspi of its own.
    """
    from mockspi import trying  # heavy: only where it is needed

    settings = chosen(config, given)
    found = list(trying.tried(_file(settings), name, settings.allow_outbound))
    if as_json:
        click.echo(_json([one.told() for one in found]))
    else:
        for one in found:
            word = click.style("ok    ", fg="green") if one.ok else click.style("failed", fg="red")
            click.echo(f"{word}  " + printable(f"{one.connector}  {one.check}: {one.said}"))
    sys.exit(0 if all(one.ok for one in found) else 1)


def _file(settings: Settings) -> Path:
    if not settings.connectors:
        raise UsageError("no connectors file is named: give --connectors FILE")
    return Path(settings.connectors).expanduser()


def _told(one: Json) -> list[str]:
    """What is worth a word in a table."""
    found = list(one.get("events", ()))
    found += [f"{one['platform']}'s"] if "platform" in one else []
    found += [word for name, word in (("oauthConfig", "OAuth"), ("secret", "signed")) if name in one]
    return found + ([f"over {one['latencyThreshold']} ms told"] if "latencyThreshold" in one else [])


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
