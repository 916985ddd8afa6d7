"""``mockspi events``: the table of events, and one of them with its examples."""

from __future__ import annotations

import json
from textwrap import shorten
from typing import Any

import click

from mockspi.cli.options import chosen, table, with_settings
from mockspi.event import PLATFORMS

_WIDE = 72  #: letters of what an event is about; all of them where it is named


@click.command()
@click.argument("name", required=False)
@click.option("--platform", type=click.Choice(PLATFORMS), default=None, help="Only this one's.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings("fixtures")
def events(name: str | None, platform: str | None, as_json: bool, config: str, **given: Any) -> None:
    """List the events that can be sent and received, or show the one called NAME with its examples."""
    from mockspi import describing  # heavy: only where it is needed
    from mockspi.fixtures.reading import open_set
    from mockspi.webhooks import making

    settings = chosen(config, given)
    if name is None:
        found = [one for one in describing.events() if platform in (None, one["platform"])]
        rows = [
            [one["name"], one["platform"], one["version"], one["source"], shorten(one["about"], _WIDE, placeholder=" ...")]
            for one in found
        ]
        heading = ["event", "platform", "version", "source", ""]
        click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else table(rows, heading))
        return
    shown = describing.event_details(making.chosen(name, platform or ""), open_set(settings.fixtures))
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False) if as_json else describing.event_as_text(shown))
