"""``mockspi init`` and ``mockspi fixtures``: a set of one's own, checked, and written back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mockspi.cli.options import chosen, with_settings
from mockspi.cli.progress import Progress
from mockspi.errors import UsageError

_LONGEST = 160


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Copy the sample fixture set into FOLDER, to make it your own."""
    from mockspi.fixtures import writing  # heavy: only where it is needed

    count = writing.copy_sample(folder)
    click.echo(
        f"{count} files in {folder}. Edit them, then:\n\n  mockspi fixtures lint {folder}\n"
        f"  mockspi serve --fixtures {folder}\n\n"
        f"{folder / 'examples'} are tests of your data: change them with it, or remove the folder."
    )


@click.group()
def fixtures() -> None:
    """Check, compare and format fixture sets, or write the current records back as one."""


@fixtures.command()
@click.argument("folder", default="sample")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def lint(folder: str, as_json: bool) -> None:
    """Check the set in FOLDER: every file, every reference, every example played. Exit 1 with findings."""
    from mockspi import rehearsing  # heavy: only where it is needed
    from mockspi.fixtures.reading import advice, open_set

    found = open_set(folder)
    findings, records = rehearsing.lint(found, Progress())
    if as_json:
        click.echo(json.dumps([finding.to_json() for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{found.folder}/{finding}")
        if not findings:
            played = sum(len(one) for one in found.examples().values())
            note = f"{played} examples reproduced" if played else "no examples/ folder, so none were played"
            click.secho(f"{found.folder}: nothing to report ({records} records, {note})", fg="green")
        else:
            click.secho(f"{len(findings)} finding{'s' * (len(findings) != 1)}", fg="red", err=True)
            if hint := advice(findings):
                click.echo(hint, err=True)
    sys.exit(1 if findings else 0)


@fixtures.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--sandbox", default="", metavar="NAME", help="Whose records; the first --api-key's unless given.")
@with_settings("fixtures", "fixture_set", "state", "api_key")
def export(folder: Path, sandbox: str, config: str, **given: Any) -> None:
    """Write the current records, with everything that was changed, as a fixture set into FOLDER."""
    from mockspi import building, rehearsing  # heavy: only where it is needed
    from mockspi.fixtures import writing
    from mockspi.fixtures.reading import open_set
    from mockspi.settings import MAIN
    from mockspi.store.sqlite import changed

    settings = chosen(config, given)
    name = sandbox or next(iter(settings.keys))
    house = building.build(settings)
    named = house.sandboxes().named(name)
    if named is None and name not in (known := {*settings.keys, *changed(house.overlay)}):
        raise UsageError(f"no sandbox is called {name!r}; known are {', '.join(sorted(known))}")
    fixtures = named.fixtures if named else MAIN
    if fixtures not in settings.sets:
        raise UsageError(
            f"sandbox {name} was made from the fixture set {fixtures}; say where it is: --fixture-set {fixtures}=DIR"
        )
    records = house.editions()(fixtures).store.read(named.space if named else name)
    count, stale = writing.export(records, open_set(settings.sets[fixtures]), folder, rehearsing.stale_examples)
    left_out = f"; its examples are left out: {stale} of their values are no longer what these records answer" if stale else ""
    click.echo(f"{count} records of sandbox {name} in {folder}{left_out}")


@fixtures.command()
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def diff(old: str, new: str, as_json: bool) -> None:
    """Show what differs from the set in OLD to the one in NEW, record by record. Exit 1 where something does."""
    from mockspi.fixtures import diffing  # heavy: only where it is needed
    from mockspi.fixtures.reading import open_set

    found = diffing.diff(open_set(old), open_set(new))
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=2, ensure_ascii=False))
    else:
        colours = {diffing.ADDED: "green", diffing.REMOVED: "red", diffing.CHANGED: "yellow"}
        for change in found:
            click.secho(" ".join(filter(None, (change.file, change.key, change.kind))), fg=colours[change.kind])
            for one in change.differences if change.kind == diffing.CHANGED else ():
                sides = [click.style(_shown(side), fg=fg) for side, fg in ((one.old, "red"), (one.new, "green"))]
                click.echo(f"  {one.pointer or '/'}: {' -> '.join(sides)}")
        counts = [f"{sum(1 for one in found if one.kind == kind)} {kind}" for kind in colours]
        click.echo(", ".join(counts) if found else "no difference")
    sys.exit(1 if found else 0)


def _shown(side: Any) -> str:
    from mockspi.fixtures.diffing import ABSENT

    text = "(nothing)" if side is ABSENT else json.dumps(side, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


@fixtures.command()
@click.argument("folder", default=".")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and name the files that would change.")
def fmt(folder: str, check: bool) -> None:
    """Write the files of the set in FOLDER (here unless given) in the one format. A file that is not JSON stays as it is."""
    from mockspi.fixtures import formatting  # heavy: only where it is needed
    from mockspi.fixtures.reading import open_set

    found = open_set(folder)
    changed, findings = formatting.formatted(found)
    for name, text in changed.items():
        if not check:
            formatting.write(found.folder, name, text)
        click.echo(f"{found.folder / name}{' would change' if check else ''}")
    for finding in findings:
        click.secho(f"{found.folder}/{finding}", fg="red", err=True)
    sys.exit(1 if findings or (check and changed) else 0)
