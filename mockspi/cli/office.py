"""The outbox in the state folder, as commands reach it, with or without a server over it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mockspi.cli.options import chosen, with_settings
from mockspi.clock import system_now
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.sandbox import Sandbox
from mockspi.settings import MEMORY, Settings

if TYPE_CHECKING:
    from mockspi.fixtures.reading import FixtureSet
    from mockspi.store.control import SandboxStore
    from mockspi.store.outbox_log import Delivery
    from mockspi.webhooks.reposting import Given
    from mockspi.webhooks.sender import Sender

Function = TypeVar("Function", bound=Callable[..., Any])
_SETTINGS = ("fixtures", "state", "api_key", "outbox_entries", "allow_outbound", "webhook_schedule", "webhook_option")


@dataclass(frozen=True)
class Office:
    """The outbox of a state folder, whether a server runs over it or not; ``name`` is the sandbox that is meant."""

    settings: Settings
    name: str

    @cached_property
    def sender(self) -> Sender:
        """What sends, here and now."""
        from mockspi import building, folders  # heavy: only where it is needed
        from mockspi.store import outbox_tables

        written = folders.overlay(self.settings)
        outbox_tables.prepare(building.outbox_file(written))
        made = building.sender(self.settings, written, self.sandboxes)
        made.outbox.free()
        return made

    @cached_property
    def sandboxes(self) -> SandboxStore:
        """Which there are."""
        from mockspi import building, folders  # heavy: only where it is needed

        return building.sandboxes(self.settings, folders.overlay(self.settings))

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

    def of(self, space: str) -> Sandbox:
        """The sandbox of that name; one that was given at start to a server of other keys is not known here."""
        return self.sandboxes.of_space(space) or Sandbox(space.partition("~")[0], "", served=tuple(self.served))

    @cached_property
    def served(self) -> list[Json]:
        """The connectors of the file."""
        from mockspi import building  # heavy: only where it is needed

        return building.sent_to(self.settings)

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

    def near(self, endpoint: str) -> str:
        """The connector that is meant, where something was sent for it but nothing to this endpoint; empty for none."""
        from mockspi.schema import did_you_mean  # heavy: only where it is needed
        from mockspi.store.outbox_log import Wanted

        search = self.sender.outbox.search
        if not endpoint or search(Wanted(space=self.space(), endpoint=endpoint), 1):
            return ""
        return did_you_mean(endpoint, {one.endpoint for one in search(Wanted(space=self.space()), newest=True) if one.endpoint})

    def one(self, id_: str) -> Delivery:
        """The delivery with an id, or with the only id that begins so."""
        found = self.sender.outbox.named(id_, self.space()) if id_ else []
        if not found:
            raise UsageError(f"no webhook has the id {id_!r}; 'mockspi webhook list' tells them")
        if len(found) > 1:
            where = ", ".join(f"{one.id} in {name_of(one)}" for one in found)
            raise UsageError(f"{id_} may be one of several webhooks: {where}; name more of the id, or --sandbox")
        return found[0]

    def waiting(self) -> Iterator[Sandbox]:
        """The sandboxes in which something waits, or the one that is meant; not those that are gone."""
        wanted = self.space()
        for space in self.sender.outbox.next_due():
            if wanted in (None, space) and (found := self.of(space)).space == space:
                yield found

    def sent(self, sandbox: Sandbox) -> tuple[list[Json], int]:
        """Everything that is due in a sandbox, once it is sent, and how many attempts that took: a duplicate is one more."""
        from mockspi.store.outbox_log import WAITING, Wanted  # heavy: only where it is needed

        space, search = sandbox.space, self.sender.outbox.search
        before = {one.id: one.attempts for one in search(Wanted(space=space, state=WAITING))}
        made = [one.told() for one in self.sender.send_due(space, lambda: self.now(sandbox))]
        after = search(Wanted(space=space, ids=tuple(one["id"] for one in made)))
        told = [{name: value for name, value in one.items() if value is not None} for one in made]
        return told, sum(one.attempts - before.get(one.id, 0) for one in after)

    def sent_again(self, found: Sequence[Delivery], given: Given) -> list[Json]:
        """Finished webhooks sent once more; UsageError before any is, where one cannot be."""
        from mockspi.webhooks import reposting  # heavy: only where it is needed

        spaces, ready = dict.fromkeys(one.space for one in found), []
        if given.parts and len(spaces) > 1:
            names = ", ".join(dict.fromkeys(map(name_of, found)))
            raise UsageError(
                f"secrets are given for one target, but these webhooks are of several sandboxes ({names}); say --sandbox"
            )
        for space in spaces:
            sandbox = self.of(space)
            mine = [one for one in found if one.space == space]
            ready.append((sandbox, space, reposting.ready(mine, sandbox.connectors, self.sender, self.now(sandbox), given)))
        made = []
        for sandbox, space, messages in ready:
            ids = self.sender.outbox.repost(space, messages, self.now(sandbox))
            self.sender.try_now(space, functools.partial(self.now, sandbox), ids)
            made += self.told(ids, space)
        return made

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


def with_outbox(*more: str, makes: bool = False) -> Callable[[Function], Any]:
    """The options that say which outbox is meant, and more settings; the command gets an ``Office``.

    A folder that is named must be there, unless the command ``makes`` it.
    """
    names = (*_SETTINGS, *more)

    def decorate(function: Function) -> Any:
        @with_settings(*names)
        @click.option("--sandbox", metavar="NAME", default="", help="In this sandbox, by name or api_key.")
        @click.option("--json", "as_json", is_flag=True, help="For programs.")
        @functools.wraps(function)
        def command(config: str, sandbox: str, **given: Any) -> Any:
            settings = chosen(config, {name: given.pop(name) for name in names})
            if settings.state == MEMORY:
                raise UsageError("--state memory keeps nothing; name a folder")
            if settings.state and not makes and not (folder := Path(settings.state).expanduser()).is_dir():
                raise UsageError(f"there is no state folder {folder}, so nothing was sent from it; --state names another")
            return function(Office(settings, sandbox), **given)

        return command

    return decorate


def told(one: Delivery) -> Json:
    """A delivery in short."""
    from mockspi.webhooks import telling  # heavy: only where it is needed

    return telling.told(one, name_of(one))


def name_of(one: Delivery) -> str:
    """The sandbox of a delivery."""
    return one.space.partition("~")[0]
