"""What was sent, on the command line: list, show, repost."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mockspi.cli.office import Office, name_of, told, with_outbox
from mockspi.cli.options import table
from mockspi.cli.sandbox import epoch, moment
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.masking import printable

if TYPE_CHECKING:
    from mockspi.store.outbox_log import Wanted

Function = TypeVar("Function", bound=Callable[..., Any])
SHOWN = 20  #: lines of what was sent
_NOTHING_FAILED = "nothing has failed that was not sent again"
_NOTHING = ("nothing was sent yet", "nothing of this kind was sent")
_COLOURS = {"delivered": "green", "failed": "red", "waiting": "yellow"}


def with_filters(function: Function) -> Function:
    """The options that say which webhooks are meant."""
    for flag, metavar, text in (
        ("--event", "NAME", "Only this event."),
        ("--text", "TEXT", "Only those with this text in body, reason or reply."),
        ("--until", "MOMENT", "Only those that happened until then."),
        ("--since", "MOMENT", "Only those that happened since then, by the sandbox's clock, such as 2027-03-01T09:30:00Z."),
        ("--store", "ID", "Only those whose body names this store."),
        ("--endpoint", "NAME", "Only those to this connector, or to addresses with this part."),
    ):
        function = click.option(flag, metavar=metavar, default="", help=text)(function)
    return click.option("--failed", is_flag=True, help="Only those that failed for good and were not sent again.")(function)


@click.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, help="So many of the newest; 100 unless given.")
@with_filters
@with_outbox()
def list_(office: Office, /, as_json: bool, limit: int, **given: Any) -> None:
    """What was sent, in the order in which it was taken on; an alarm may tell of an earlier moment."""
    found = office.sender.outbox.search(wanted(office, given), limit, newest=True)
    shown = [told(one) for one in found]
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    if not shown:
        other = any(value for name, value in given.items() if name != "failed")
        said = _NOTHING_FAILED if given["failed"] and not other else _NOTHING[other or bool(office.name)]
        click.echo(said + office.near(given["endpoint"]))
        return
    rows = [
        [one["id"], moment(one["at"]), one["event"], one["status"], str(one["attempts"]), printable(one["target"]), why(one)]
        for one in shown
    ]
    click.echo(table(rows, ["id", "at", "event", "status", "attempts", "target", "reason"]))


@click.command()
@click.argument("id", metavar="ID")
@with_outbox()
def show(office: Office, /, id: str, as_json: bool) -> None:  # noqa: A002  # the argument's name
    """Everything that is kept of one, with every attempt; the beginning of an ID will do."""
    from mockspi.webhooks import telling  # heavy: only where it is needed

    one = office.one(id)
    found = telling.whole(office.sender.outbox, one, name_of(one))
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else details(found))


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--secret", metavar="S", default="", help="Given again to the one target of which it was not kept.")
@click.option("--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="The same for a header.")
@with_filters
@with_outbox("connectors")
def repost(office: Office, /, ids: tuple[str, ...], as_json: bool, secret: str, headers: tuple[str, ...], **given: Any) -> None:
    """Send finished webhooks again, each under a new id; exit 1 if one is not delivered.

    With --failed and the filters of 'list': every failed one that was not sent again yet. What a connector sent goes as
    that connector is now.
    """
    from mockspi.webhooks.reposting import Given  # heavy: only where it is needed

    if ids and given["failed"]:
        raise UsageError("name the webhooks to be sent again or say --failed, not both")
    if not ids and not given["failed"]:
        raise UsageError("name the webhooks to be sent again, or say --failed for all that have failed")
    found = [office.one(id_) for id_ in ids] or office.sender.outbox.search(wanted(office, given))
    made = office.sent_again(found, Given(secret, dict(header(one) for one in headers)))
    if not made and not as_json:
        click.echo(_NOTHING_FAILED + office.near(given["endpoint"]))
    report(made, as_json=as_json, alone=False)


def wanted(office: Office, given: Json) -> Wanted:
    """The filters as the outbox takes them."""
    from mockspi.store.outbox_log import FAILED, Wanted  # heavy: only where it is needed
    from mockspi.webhooks.asking import events_named
    from mockspi.webhooks.making import chosen as event

    names = events_named(event(given["event"]).name) if given["event"] else None
    since, until = (epoch(given[name]) if given[name] else None for name in ("since", "until"))
    state = FAILED if given["failed"] else ""
    return Wanted(
        space=office.space(), state=state, once=given["failed"], events=names, endpoint=given["endpoint"], store=given["store"],
        since=since, until=until, text=given["text"],
    )  # fmt: skip


def coloured(status: str) -> str:
    """A status for a terminal."""
    return click.style(status, fg=_COLOURS[status])


def why(one: Json) -> str:
    """Why it is not delivered, and what comes next."""
    parts = [printable(one.get("reason", ""))]
    parts += [f"next {moment(one['due'])}"] if one["status"] == "waiting" and "waitsFor" not in one else []
    parts += [f"sent again as {one['repostedAs']}"] if "repostedAs" in one else []
    return "; ".join(filter(None, parts))


def line(one: Json) -> str:
    """A delivery for a person."""
    answer = f"answered {one['httpStatus']}" if one["status"] == "delivered" else why(one)
    return "  ".join([coloured(one["status"]), click.style(one["event"], bold=True), one["id"], printable(one["target"]), answer])


def details(found: Json) -> str:
    """View Details."""
    heads = [name for name in found if name not in ("body", "attemptLog")]
    rows = {name: moment(found[name]) if name in ("at", "due") else printable(str(found[name])) for name in heads}
    lines = [f"{name.ljust(11)} {coloured(text) if name == 'status' else text}" for name, text in rows.items()]
    lines += ["", "body", _indented(json.dumps(found["body"], indent=2, ensure_ascii=False))]
    for one in found["attemptLog"]:
        request, reply = one["request"], one.get("reply", {})
        lines += ["", f"attempt {one['number']}, {moment(one['at'])}: {one['verdict']}" + _because(one)]
        lines += [_indented(f"{request['method']} {printable(found['target'])}"), *_message(request)]
        if reply:
            lines += [_indented(f"answered {reply['status']} in {one['milliseconds']} ms"), *_message(reply)]
    return "\n".join(lines)


def _because(attempt: Json) -> str:
    return f", {printable(attempt['reason'])}" if "reason" in attempt else ""


def _message(part: Json) -> list[str]:
    heads = [_indented(printable(f"{name}: {text}")) for name, text in part["headers"].items()]
    body = "\n".join(map(printable, str(part.get("body", part.get("bodyBase64", ""))).splitlines()))
    return [*heads, "", *([_indented(body), ""] if body else [])]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def report(told: list[Json], *, as_json: bool, alone: bool) -> None:
    """What became of what was sent, and the exit code that says so."""
    if as_json:
        click.echo(json.dumps(told[0] if alone else told, indent=2, ensure_ascii=False))
    else:
        for one in told[:SHOWN]:
            click.echo(line(one))
        if len(told) > SHOWN:
            done = sum(one["status"] == "delivered" for one in told)
            click.echo(f"and {len(told) - SHOWN} more; {done} of {len(told)} are delivered")
    sys.exit(0 if all(one["status"] == "delivered" for one in told) else 1)


def header(text: str) -> tuple[str, str]:
    """A header's name and value."""
    found = re.fullmatch(r"[ \t]*([^:=]*[^:=\s])[ \t]*[:=][ \t]*(.*)", text, re.DOTALL)
    if found is None:
        raise UsageError("--header: 'NAME: VALUE' (or NAME=VALUE) is expected, such as 'Authorization: ${TOKEN}'")
    return found[1], found[2].rstrip(" \t")
