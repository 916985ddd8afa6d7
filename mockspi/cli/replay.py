"""``mockspi replay``: the calls of a bundle made again."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockspi.errors import UsageError

if TYPE_CHECKING:
    from mockspi.bundle import Header, Part
    from mockspi.replaying import Report

_SHOWN = 25


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--against", metavar="URL", default="", help="Call what answers at this base URL instead of a fresh mockspi.")
@click.option("--api-key", metavar="KEY", default="", help="With --against: the key to call with.")
@click.option("--fixtures", metavar="DIR", default="", help="Folder with the fixture set, where it is not in the bundle.")
@click.option("--anyway", is_flag=True, help="Replay on another fixture set too.")
@click.option("--ignore", metavar="POINTER", multiple=True, help="A place that may differ, such as /body/profile/createdAt.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def replay(file: str, against: str, api_key: str, fixtures: str, anyway: bool, ignore: tuple[str, ...], as_json: bool) -> None:
    """Make the calls of a bundle again, in order, and tell the first that is answered otherwise; then exit 1."""
    if bool(against) is not bool(api_key):
        raise UsageError("--against and --api-key go together")
    if strange := [one for one in ignore if not one.startswith("/")]:
        raise UsageError(f"--ignore {strange[0]}: a JSON pointer such as /body/profile/createdAt is expected")
    from mockspi import bundle, replaying  # heavy: only where they are needed

    parts = bundle.read(Path(file))
    header = next(parts)
    assert isinstance(header, bundle.Header)  # noqa: S101  # read sees to it
    if against:
        from mockspi.replaying.over import Over

        report = replaying.replay(header, parts, Over(header, against, api_key), ignore)
    else:
        report = inside(header, parts, fixtures, ignore, anyway=anyway)
    click.echo(json.dumps(report.told(), indent=2, ensure_ascii=False) if as_json else told(report))
    sys.exit(1 if report.first else 0)


def inside(header: Header, parts: Iterator[Part], fixtures: str, ignore: tuple[str, ...], *, anyway: bool) -> Report:
    """Replay on a fresh mockspi."""
    from mockspi.bundle import File
    from mockspi.replaying import replay as run
    from mockspi.replaying.inside import Inside, fixture_set

    files = []
    first: Part | None = None
    for first in parts:
        if not isinstance(first, File):
            break
        files.append(first)
    rest = (part for source in ([first] if first and not isinstance(first, File) else [], parts) for part in source)
    with fixture_set(header, files, fixtures, anyway=anyway) as found, tempfile.TemporaryDirectory(prefix="mockspi-") as folder:
        return run(header, rest, Inside(header, found, Path(folder)), ignore)


def told(report: Report) -> str:
    """The report for a person."""
    lines = [f"note: {one}" for one in report.notes]
    many = f"{report.same} call{'s' * (report.same != 1)}"
    if report.first is None:
        return "\n".join([*lines, f"{many} answered the same"])
    call = report.told()["first"]
    lines.append(
        f"call {call['number']} is answered otherwise: {call['method']} {call['path']} ({call['contract'] or 'no contract'})"
    )
    lines += [f"  {one.path}: {one.message}" for one in report.differences[:_SHOWN]]
    lines += [f"  and {more} more"] if (more := len(report.differences) - _SHOWN) > 0 else []
    return "\n".join([*lines, f"{many} before it answered the same"])
