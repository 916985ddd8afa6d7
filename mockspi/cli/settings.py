"""``mockspi settings``: every setting, its value, and where the value came from."""

from __future__ import annotations

import json
from typing import Any

import click

from mockspi.cli.options import chosen, table, with_settings
from mockspi.settings import SECRETS, SETTINGS


@click.command()
@with_settings()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def settings(config: str, as_json: bool, **given: Any) -> None:
    """Show every setting and where its value came from. api_keys and the admin token are masked."""
    found = chosen(config, given)
    rows = [(one.name, _masked(one.name, found.values[one.name].value), found.values[one.name].source) for one in SETTINGS]
    if as_json:
        click.echo(json.dumps({name: {"value": value, "source": source} for name, value, source in rows}, indent=2))
    else:
        click.echo(table([[name, _text(value), source] for name, value, source in rows], ["setting", "value", "source"]))


def _masked(name: str, value: Any) -> Any:
    """The value as it is written; of a key no more than the beginning of a long one."""
    if name == "fixture_set":
        return [f"{one}={folder}" for one, folder in value]
    if name == "api_key":
        return [f"{sandbox}={key[:2] if len(key) > 8 else ''}***" for sandbox, key in value]
    return "***" if value and name in SECRETS else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, (list, tuple)) else str(value)
