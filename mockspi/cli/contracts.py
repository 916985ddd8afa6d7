"""``mockspi contracts``: the table of endpoints, and one of them with its examples."""

from __future__ import annotations

import json
from typing import Any

import click

from mockspi.cli.options import chosen, table, with_settings
from mockspi.errors import UsageError


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings("fixtures", "base_path", "api_version", "connectors")
def contracts(name: str | None, as_json: bool, config: str, **given: Any) -> None:
    """List the endpoints, or show the one called NAME with its examples."""
    from mockspi import describing  # heavy: only where it is needed

    settings = chosen(config, given)
    if name is None:
        found = describing.overview(settings)
        rows = [[one["id"], one["integrationType"], one["path"], one["samplePath"], one["source"]] for one in found]
        heading = ["endpoint", "integration", "path", "sample path", "source"]
        click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else table(rows, heading))
        return
    shown = describing.details(name, settings)
    if not shown:
        raise UsageError(f"no endpoint is called {name!r}{describing.near(name)}")
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False) if as_json else "\n\n".join(map(describing.as_text, shown)))
