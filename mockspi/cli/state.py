"""``mockspi state``: what was written beside the fixture set, and dropping it."""

from __future__ import annotations

import json
from typing import Any

import click

from mockspi.cli.options import chosen, with_settings
from mockspi.errors import UsageError


@click.group()
def state() -> None:
    """See or drop what calls have changed. The fixture files are never touched."""


@state.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings("fixtures", "state")
def show(as_json: bool, config: str, **given: Any) -> None:
    """Where the changes are, and how many records each sandbox has changed."""
    from mockspi import building  # heavy: only where it is needed
    from mockspi.store.sqlite import changed

    house = building.build(_kept(config, given))
    file = house.overlay
    names = {one.space: one.name for one in house.sandboxes().all()}
    counts = {names.get(space, space): count for space, count in changed(file).items()}
    if as_json:
        click.echo(json.dumps({"state": str(file.parent), "changed": counts}, indent=2))
    else:
        click.echo(str(file.parent))
        for name, count in counts.items():
            click.echo(f"  {name}: {count} changed record{'s' * (count != 1)}")


@state.command()
@click.option("--sandbox", default="", metavar="NAME", help="Only this one's; every one's unless given.")
@with_settings("fixtures", "state", "api_key")
def reset(sandbox: str, config: str, **given: Any) -> None:
    """Drop the changes; a running server shows the fixture set's records again at once."""
    from mockspi import building, folders  # heavy: only where it is needed
    from mockspi.store.sqlite import changed, drop

    settings = _kept(config, given)
    file = folders.overlay(settings)
    sandboxes = building.sandboxes(settings, file)
    named = sandboxes.named(sandbox) if sandbox else None
    known = {*(one.name for one in sandboxes.all()), *changed(file)}
    if sandbox and sandbox not in known:
        raise UsageError(f"no sandbox is called {sandbox!r}; known are {', '.join(sorted(known))}")
    dropped = drop(file, named.space if named else sandbox or None)
    click.echo(f"{dropped} changed record{'s' * (dropped != 1)} dropped in {file.parent}")


def _kept(config: str, given: dict[str, Any]) -> Any:
    settings = chosen(config, given)
    if settings.state == "memory":
        raise UsageError("--state memory keeps nothing, so there is nothing to see or drop")
    return settings
