"""``mockspi settings``: every setting, its value, and where the value came from."""

from __future__ import annotations

import json
from typing import Any

import click

from mockspi.cli.options import chosen, table, with_settings
from mockspi.settings import SETTINGS


@click.command()
@with_settings()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def settings(config: str, as_json: bool, **given: Any) -> None:
    """Show every setting and where its value came from. api_keys are masked."""
    found = chosen(config, given)
    rows = [[one.name, _shown(one.name, found.values[one.name].value), found.values[one.name].source] for one in SETTINGS]
    if as_json:
        click.echo(json.dumps({name: {"value": value, "source": source} for name, value, source in rows}, indent=2))
    else:
        click.echo(table(rows, ["setting", "value", "source"]))


def _shown(name: str, value: Any) -> str:
    if name == "api_key":
        return ", ".join(f"{sandbox}={key[:2]}***" for sandbox, key in value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)
