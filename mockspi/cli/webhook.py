"""``mockspi webhook``: events sent from the command line, with or without a running server."""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import click

from mockspi.cli import outbox
from mockspi.cli.office import Office, with_outbox
from mockspi.cli.outbox import header, report
from mockspi.cli.sandbox import moment
from mockspi.errors import UsageError
from mockspi.event import PLATFORMS
from mockspi.exchange import Json


@click.group()
def webhook() -> None:
    """Send events to a webhook, see what came of it, and send again what failed."""


@webhook.command()
@click.argument("event")
@click.option("--to", metavar="URL", required=True, help="Where to; ${NAME} stands for a variable of the environment.")
@click.option("--platform", type=click.Choice(PLATFORMS), default=None, help="Where several have an event of this name.")
@click.option("--profile", metavar="NAME", default="", help="Deliver it the way of another platform.")
@click.option("--example", metavar="NAME", default="", help="Which example; the first unless given.")
@click.option(
    "--set", "sets", metavar="POINTER=VALUE", multiple=True, help="Change the body, such as /reasonCode=SYS_CASH_EVENT."
)
@click.option("--data", metavar="FILE|-", default="", help="A body of one's own, from a file or standard input.")
@click.option("--raw", is_flag=True, help="Send it even if it breaks the event's shape.")
@click.option("--method", type=click.Choice(["POST", "PUT"]), default=None, help="The event's first unless given.")
@click.option("--secret", metavar="S", default="", help="What it is signed with; best as ${NAME}, which is never kept.")
@click.option("--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="A header; best with ${NAME} for a secret.")
@click.option(
    "--trouble", metavar="WORDS", default="", help="What is wrong with it on purpose: duplicate, reorder, delay, stale, ..."
)
@click.option("--count", type=click.IntRange(1, 10_000), default=1, help="So many of them.")
@click.option("--shuffle", is_flag=True, help="Not in their order.")
@with_outbox(makes=True)
def send(office: Office, /, as_json: bool, count: int, shuffle: bool, **given: Any) -> None:
    """Send EVENT; exit 0 if it is delivered, 1 if it is not, 2 if it could not be tried.

    It is kept in the state folder, with every attempt, until it is delivered: 'mockspi webhook list' and 'show' tell of
    it. What a platform tries again is due by the sandbox's clock; a running server does so, or 'mockspi webhook resume'.
    """
    from mockspi.webhooks.asking import Wanted, message_of, remarks  # heavy: only where it is needed

    sandbox = office.sandbox()
    wanted = Wanted(
        event=given["event"], to=given["to"], platform=given["platform"] or "", profile=given["profile"], raw=given["raw"],
        example=given["example"], data=read_body(given["data"]), sets=dict(pair(one) for one in given["sets"]),
        method=given["method"] or "", secret=given["secret"], headers=dict(header(one) for one in given["headers"]),
        trouble=words(given["trouble"]), order="" if shuffle else None,
    )  # fmt: skip
    now = office.now(sandbox)
    messages = [message_of(wanted, office.sender, now + place, office.fixtures()) for place in range(count)]
    for sentence in remarks(messages[0]):
        click.secho(f"mockspi: {sentence}", fg="yellow", err=True)
    if shuffle:
        random.Random(sandbox.seed).shuffle(messages)  # noqa: S311  # no secret hangs on it
    ids = [office.sender.accept(sandbox.space, one, now) for one in messages]
    office.sender.try_now(sandbox.space, lambda: office.now(sandbox), ids)
    told = office.told(ids, sandbox.space)
    report(told, as_json=as_json, alone=count == 1)


@webhook.command()
@click.option("--enable", "urls", metavar="URL", multiple=True, help="Send to this address again, which had answered 410.")
@with_outbox()
def resume(office: Office, /, as_json: bool, urls: tuple[str, ...]) -> None:
    """Send what is due by now and nobody sent, such as after a kill; exit 1 if something is not delivered.

    Without --sandbox in every sandbox. Two at once, or one beside a running server, share the work.
    """
    office.enable(urls)
    fired: list[Json] = []
    many = 0
    for sandbox in office.waiting():
        told, attempts = office.sent(sandbox)
        fired, many = fired + told, many + attempts
    left = office.sender.outbox.waiting()
    if as_json:
        click.echo(json.dumps(fired, indent=2))
    else:
        for one in fired[: outbox.SHOWN]:
            click.echo(f"{moment(one['at'])}  {outbox.coloured(one['status'])}  {one['id']}  {one.get('reason') or ''}".rstrip())
        more = f", {len(fired) - outbox.SHOWN} lines not shown" if len(fired) > outbox.SHOWN else ""
        click.echo(f"{many} attempt{'s' * (many != 1)}{more}; {left} still wait{'s' * (left == 1)}")
    sys.exit(1 if any(one["status"] != "delivered" for one in fired) else 0)


for command in (outbox.list_, outbox.show, outbox.repost):
    webhook.add_command(command)


def read_body(file: str) -> Json | None:
    """A JSON object from a file, or standard input."""
    if not file:
        return None
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        if not text.strip():
            raise UsageError(f"--data {file} is empty: a JSON object is expected")
        found = json.loads(text)
    except OSError as error:
        raise UsageError(f"--data {file} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise UsageError(f"--data {file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"--data {file} is no JSON object")
    return found


def words(text: str) -> tuple[str, ...]:
    """What is wrong on purpose."""
    found = tuple(filter(None, text.split(",")))
    for one in found:
        if one.startswith("delay:") and not re.fullmatch(r"[0-9]{1,9}", one.removeprefix("delay:")):
            raise UsageError(f"--trouble {one}: delay:SECONDS is expected, such as delay:60")
    return found


def pair(text: str) -> tuple[str, str]:
    """A JSON pointer and a value."""
    pointer, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set is {text!r}: POINTER=VALUE is expected, such as /reasonCode=SYS_CASH_EVENT")
    return pointer, value
