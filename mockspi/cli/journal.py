"""``mockspi journal``: what happened, from the admin port of a running server."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import click

from mockspi.cli.adminclient import AdminClient, at, connect, with_admin
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.masking import printable
from mockspi.testing.telling import outcome, troubles

Function = TypeVar("Function", bound=Callable[..., Any])
_PAGE = 500


@click.group()
def journal() -> None:
    """See what was called and what was answered."""


def with_journal(function: Function) -> Function:
    """The options that say whose journal is meant."""
    of = "Its journal: a sandbox's name or api_key; the only one unless given.  [MOCKSPI_API_KEY]"
    function = click.option("--refused", is_flag=True, help="The calls whose api_key opened no sandbox.")(function)
    function = click.option("--sandbox", metavar="NAME", default="", help=of)(function)
    return with_admin(function)


def with_filters(function: Function) -> Function:
    """The options that say which entries are meant."""
    for flag, metavar, text in (
        ("--equals", "VALUE", "What stands at the pointer, as text or JSON."),
        ("--pointer", "POINTER", "JSON pointer into the entry, such as /body/email or /reply/body/errorCode."),
        ("--since", "NUMBER", "Only entries after this number."),
        ("--status", "STATUS", "Only replies with this status."),
        ("--path", "PATH", "Only calls of exactly this path."),
        ("--contract", "NAME", "Only calls of this endpoint; none for calls that met no contract."),
    ):
        kind = int if flag in ("--since", "--status") else str
        function = click.option(flag, metavar=metavar, type=kind, default=None, help=text)(function)
    return function


@journal.command()
@click.option("-n", "--lines", "many", type=click.IntRange(0, _PAGE), default=20, help="How many of the newest; 20 unless given.")
@click.option("-f", "--follow", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object a line.")
@with_filters
@with_journal
def tail(many: int, follow: bool, as_json: bool, admin_url: str, admin_token: str, ready_file: str, **given: Any) -> None:
    """The newest entries, one line each; and where a journal had to drop older ones, how many."""
    client = connect(admin_url, admin_token, ready_file)
    path, query = place(client, given), chosen(given)
    with suppress(KeyboardInterrupt):
        found = client.call("GET", path, query={**query, "last": max(many, 1)})
        if found["dropped"]:
            click.echo(
                f"mockspi: {found['dropped']} older entries were dropped; raise --journal-entries or --journal-bytes", err=True
            )
        write(found["entries"] if many else [], as_json)
        more = {**query, "since": found["lastNumber"], "format": "ndjson", "follow": "true"}
        for line in client.lines(path, more) if follow else ():
            write([json.loads(line)] if line else [], as_json)
        if follow:
            raise UsageError(f"the server at {client.url} has ended, and with it what came")


@journal.command()
@click.argument("number", type=click.IntRange(1))
@with_journal
def show(number: int, admin_url: str, admin_token: str, ready_file: str, **given: Any) -> None:
    """One entry with everything that is kept of it, as JSON."""
    client = connect(admin_url, admin_token, ready_file)
    found = client.call("GET", place(client, given), query={"since": number - 1, "pageSize": 1})
    entries = [one for one in found["entries"] if one["number"] == number]
    if not entries:
        raise UsageError(f"there is no entry {number}; the last is {found['lastNumber']}, and {found['dropped']} older ones went")
    click.echo(json.dumps(entries[0], indent=2, ensure_ascii=False))


@journal.command()
@click.option("--har", "form", flag_value="har", help="An HTTP archive, for browsers' network panels and other tools.")
@click.option("--json", "form", flag_value="json", default="json", help="A JSON array; this unless another is named.")
@click.option("--ndjson", "form", flag_value="ndjson", help="Newline-delimited JSON.")
@click.option("-o", "--output", metavar="FILE", default="", help="Where to; standard output unless given.")
@with_filters
@with_journal
def export(form: str, output: str, admin_url: str, admin_token: str, ready_file: str, **given: Any) -> None:
    """Every entry, or those that are meant, for other tools."""
    client = connect(admin_url, admin_token, ready_file)
    asked = {**chosen(given), "format": "har" if form == "har" else "ndjson"}
    lines = client.lines(place(client, given), asked)
    lines = as_array(lines) if form == "json" else lines
    if not output:
        for line in lines:
            click.echo(line)
        return
    try:
        with Path(output).open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise UsageError(f"--output {output} cannot be written: {error.strerror}") from error


@journal.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--fixtures/--no-fixtures", default=None, help="Pack the fixture set too; unless given, where it is not the sample."
)
@click.option("--sandbox", metavar="NAME", default="", help="Whose calls, by name or api_key; the only one unless given.")
@with_admin
def bundle(file: str, fixtures: bool | None, sandbox: str, **admin: str) -> None:
    """Pack everything that 'mockspi replay' needs to make the calls again into FILE, such as failed.bundle.gz."""
    from mockspi.bundle import saved  # heavy: only where it is wanted

    client = connect(**admin)
    path = place(client, {"refused": False, "sandbox": sandbox}).removesuffix("/journal") + "/bundle"
    lines = client.lines(path, {"fixtures": {None: "auto", True: "yes", False: "no"}[fixtures]})
    click.echo(saved(lines, Path(file)))


@journal.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object a line.")
@with_journal
def findings(as_json: bool, admin_url: str, admin_token: str, ready_file: str, **given: Any) -> None:
    """What is wrong with how the calls were made, such as mixed api_versions; exit 1 where there is something."""
    client = connect(admin_url, admin_token, ready_file)
    found = False
    for line in client.lines(place(client, given), {"findings": "true", "format": "ndjson"}):
        found = True
        entry = json.loads(line)
        for one in entry["findings"]:
            told = f"#{entry['number']} {entry['contract'] or 'no contract'} {one['code']}: {one['message']}"
            click.echo(json.dumps({"number": entry["number"], "contract": entry["contract"], **one}) if as_json else told)
    sys.exit(1 if found else 0)


def place(client: AdminClient, given: Json) -> str:
    """The path of the journal that is meant."""
    if given["refused"]:
        return "/journal"
    named = given["sandbox"] or os.environ.get("MOCKSPI_API_KEY", "").split(",")[0].strip()
    if not named:
        names = [one["name"] for one in client.call("GET", "/sandboxes")["sandboxes"]]
        if len(names) != 1:
            raise UsageError(f"there are {len(names)} sandboxes; name one with --sandbox, such as {', '.join(names[:5])}")
        named = names[0]
    return at(named.partition("=")[2] or named, "/journal")


def chosen(given: Json) -> Json:
    """The filters as the admin port takes them."""
    names = ("contract", "path", "status", "since", "pointer", "equals")
    return {name: given[name] for name in names if given.get(name) is not None}


def write(entries: Iterable[Json], as_json: bool) -> None:
    """Entries on standard output, as they are found."""
    for one in entries:
        click.echo(json.dumps(one, ensure_ascii=False) if as_json else line_of(one))
    sys.stdout.flush()


def line_of(one: Json) -> str:
    """An entry for a person."""
    status, reply = one["reply"]["status"], one["reply"].get("body")
    code = reply.get("errorCode", "") if isinstance(reply, dict) else ""
    came = outcome(one)
    colour = "red" if came != str(status) else "green" if status < 400 and not code else "yellow" if status < 500 else "red"
    query = urlencode({name: value for name, value in one["query"].items() if name != "api_key"}, doseq=True)
    parts = [
        f"{datetime.fromtimestamp(one['time'] / 1000):%H:%M:%S.%f}"[:-3],
        f"#{one['number']}",
        click.style(came, fg=colour),
        click.style(one["contract"] or "no contract", bold=True),
        f"{one['method']} {printable(one['path'])}{'?' if query else ''}{query}",
        f"{one['milliseconds']:.1f} ms",
        *([f"rule {one['rule']}"] if one["rule"] else []),
        *troubles(one),
        *([click.style(code, fg=colour)] if code else []),
        *([problem(reply["errors"][0])] if code and reply.get("errors") else []),
        *(click.style(finding["code"], fg="red") for finding in one["findings"]),
    ]
    return "  ".join(parts)


def problem(one: Any) -> str:
    """The first thing that was wrong with a call, and where it is done right."""
    if not isinstance(one, dict):
        return ""
    example = f" (see {one['example']})" if "example" in one else ""
    return printable(f"{one.get('path') or '/'}: {one.get('message', '')}{example}")


def as_array(lines: Iterator[str]) -> Iterator[str]:
    """Lines of JSON as one JSON array."""
    begin = "["
    for line in lines:
        yield begin + line
        begin = ","
    yield "[]" if begin == "[" else "]"
