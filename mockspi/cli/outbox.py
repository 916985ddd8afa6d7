"""The outbox in the state folder, and the commands that look into it: list, show, repost."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mockspi.cli.options import chosen, table, with_settings
from mockspi.cli.sandbox import epoch, moment
from mockspi.clock import system_now
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.sandbox import Sandbox
from mockspi.settings import MEMORY, Settings
from mockspi.testing.telling import printable

if TYPE_CHECKING:
    from mockspi.fixtures.reading import FixtureSet
    from mockspi.store.control import SandboxStore
    from mockspi.store.outbox_log import Delivery, Wanted
    from mockspi.webhooks.sender import Sender

Function = TypeVar("Function", bound=Callable[..., Any])
_SETTINGS = ("fixtures", "state", "api_key", "outbox_entries", "allow_outbound", "webhook_schedule", "webhook_option")
_COLOURS = {"delivered": "green", "failed": "red", "waiting": "yellow"}


@dataclass(frozen=True)
class Office:
    """The outbox of a state folder, whether a server runs over it or not; ``name`` is the sandbox that is meant."""

    settings: Settings
    name: str

    @cached_property
    def sender(self) -> Sender:
        """What sends, here and now."""
        from mockspi import building  # heavy: only where it is needed

        made = building.sender(self.settings, building.overlay(self.settings))
        made.outbox.prepare()
        made.outbox.free()
        return made

    @cached_property
    def sandboxes(self) -> SandboxStore:
        """Which there are."""
        from mockspi import building  # heavy: only where it is needed

        return building.sandboxes(self.settings, building.overlay(self.settings))

    def sandbox(self) -> Sandbox:
        """The one that is meant: the first that is given at start unless one is named."""
        name = self.name or next(iter(self.settings.keys))
        if (found := self.sandboxes.named(name)) is None:
            known = ", ".join(one.name for one in self.sandboxes.all())
            raise UsageError(f"no sandbox is called {name!r}; there are {known}")
        return found

    def now(self, sandbox: Sandbox) -> int:
        """The time in a sandbox, whose clock may be moved meanwhile."""
        return (self.sandboxes.named(sandbox.name) or sandbox).timing.now(system_now())

    def space(self) -> str | None:
        """Where to look: everywhere unless a sandbox is named."""
        return self.sandbox().space if self.name else None

    def fixtures(self) -> FixtureSet:
        """Whose examples are sent."""
        from mockspi.fixtures.reading import open_set  # heavy: only where it is needed

        return open_set(self.settings.fixtures)

    def told(self, ids: Sequence[str], space: str) -> list[Json]:
        """Deliveries for people and programs."""
        from mockspi.store.outbox_log import Wanted  # heavy: only where it is needed

        return [told(one) for one in self.sender.outbox.search(Wanted(space=space, ids=tuple(ids)))]

    def one(self, id_: str) -> Delivery:
        """The delivery with an id, or with the only id that begins so."""
        found = self.sender.outbox.named(id_, self.space())
        if not found:
            raise UsageError(f"no webhook has the id {id_}; 'mockspi webhook list' tells them")
        if len(found) > 1:
            where = ", ".join(f"{one.id} in {name_of(one)}" for one in found)
            raise UsageError(f"{id_} may be one of several webhooks: {where}; name more of the id, or --sandbox")
        return found[0]

    def waiting(self) -> Iterator[Sandbox]:
        """The sandboxes in which something waits, or the one that is meant; not those that are gone."""
        wanted = self.space()
        for space in self.sender.outbox.next_due():
            name, _, serial = space.partition("~")
            found = self.sandboxes.named(name)
            found = Sandbox(name, "") if found is None and not serial else found  # given at start to a server of other keys
            if found and found.space == space and wanted in (None, space):
                yield found

    def sent(self, sandbox: Sandbox) -> Iterator[Json]:
        """Everything that is due in a sandbox, as it is sent."""
        for one in self.sender.send_due(sandbox.space, lambda: self.now(sandbox)):
            yield {name: value for name, value in one.told().items() if value is not None}

    def enable(self, urls: Sequence[str]) -> None:
        """Send to addresses again that had wanted nothing any more."""
        disabled = self.sender.outbox.disabled(self.space())
        for url in urls:
            mine = [one["space"] for one in disabled if one["url"] == url]
            if not mine:
                known = ", ".join(one["url"] for one in disabled) or "none"
                raise UsageError(f"--enable {url}: this target is not disabled; disabled are {known}")
            for space in mine:
                self.sender.outbox.enable(space, url)


def with_outbox(function: Function) -> Any:
    """The options that say which outbox is meant; the command gets an ``Office``."""

    @with_settings(*_SETTINGS)
    @click.option("--sandbox", metavar="NAME", default="", help="In this sandbox, by name or api_key.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    @functools.wraps(function)
    def command(config: str, sandbox: str, **given: Any) -> Any:
        settings = chosen(config, {name: given.pop(name) for name in _SETTINGS})
        if settings.state == MEMORY:
            raise UsageError("--state memory keeps nothing; name a folder")
        return function(Office(settings, sandbox), **given)

    return command


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
    return click.option("--failed", is_flag=True, help="Only those that failed for good.")(function)


@click.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, help="So many of the newest; 100 unless given.")
@with_filters
@with_outbox
def list_(office: Office, /, as_json: bool, limit: int, **given: Any) -> None:
    """What was sent, oldest first."""
    found = office.sender.outbox.search(wanted(office, given), limit, newest=True)
    shown = [told(one) for one in found]
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    rows = [
        [one["id"], moment(one["at"]), one["event"], one["status"], str(one["attempts"]), printable(one["target"]), why(one)]
        for one in shown
    ]
    click.echo(table(rows, ["id", "at", "event", "status", "attempts", "target", "reason"]))


@click.command()
@click.argument("id", metavar="ID")
@with_outbox
def show(office: Office, /, id: str, as_json: bool) -> None:  # noqa: A002  # the argument's name
    """Everything that is kept of one, with every attempt; the beginning of an ID will do."""
    from mockspi.webhooks import telling  # heavy: only where it is needed

    one = office.one(id)
    found = telling.whole(office.sender.outbox, one, name_of(one))
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else details(found))


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--secret", metavar="S", default="", help="Given again, where it was not a ${NAME}: it was not kept.")
@with_filters
@with_outbox
def repost(office: Office, /, ids: tuple[str, ...], as_json: bool, secret: str, **given: Any) -> None:
    """Send finished webhooks again, each under a new id; exit 1 if one is not delivered.

    With --failed and the filters of 'list': every failed one that was not sent again yet.
    """
    from mockspi.cli.webhook import report

    if bool(ids) is given["failed"]:
        raise UsageError("name the webhooks to be sent again, or say --failed for all that have failed")
    meant = [office.one(id_) for id_ in ids] or office.sender.outbox.search(replace(wanted(office, given), once=True))
    made = []
    for one in meant:
        sandbox = office.sandboxes.named(name_of(one)) or Sandbox(name_of(one), "")
        new = office.sender.outbox.repost(one.space, one.id, office.now(sandbox), {"secret": secret} if secret else None)
        if new is None:
            raise UsageError(f"{one.id} is still under way; only what is delivered or has failed can be sent again")
        office.sender.try_now(one.space, functools.partial(office.now, sandbox), [new])
        made += office.told([new], one.space)
    if not made and not as_json:
        click.echo("nothing has failed that was not sent again")
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
        space=office.space(), state=state, events=names, endpoint=given["endpoint"], store=given["store"], since=since,
        until=until, text=given["text"],
    )  # fmt: skip


def told(one: Delivery) -> Json:
    """A delivery in short."""
    from mockspi.webhooks import telling  # heavy: only where it is needed

    return telling.told(one, name_of(one))


def name_of(one: Delivery) -> str:
    """The sandbox of a delivery."""
    return one.space.partition("~")[0]


def coloured(status: str) -> str:
    """A status for a terminal."""
    return click.style(status, fg=_COLOURS[status])


def why(one: Json) -> str:
    """Why it is not delivered, and what comes next."""
    parts = [printable(one.get("reason", ""))]
    parts += [f"next {moment(one['due'])}"] if one["status"] == "waiting" else []
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
