"""What was sent, made ready to be sent once more: as its connector is now, with what is given again."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mockspi.connectors.shapes import WEBHOOK
from mockspi.contracts.events import EVENTS
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.masking import is_secret_header, masked_path
from mockspi.store.outbox_log import UNDER_WAY, WAITING, Delivery, NotAgain
from mockspi.webhooks.message import Message, Target
from mockspi.webhooks.sender import Sender
from mockspi.webhooks.subscriptions import target, trimmed


@dataclass(frozen=True, slots=True)
class Given:
    """Secrets that are given again, because they were spelt out and so not kept."""

    secret: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> set[str]:
        """What is given, as people are told of it."""
        return {f"the header {name.lower()}" for name in self.headers} | ({"the secret"} if self.secret else set())


def ready(
    finished: Iterable[Delivery], connectors: Sequence[Json], sender: Sender, now: int, given: Given
) -> list[tuple[str, Message]]:
    """Each with the id of what it repeats; NotAgain names all that could not be sent, and what is to be given.

    One that is named twice is sent once. What is given goes where it was withheld and nowhere else, and to one target only.
    """
    made, reasons = list[tuple[str, Message]](), dict[str, str]()
    targets, left = dict[str, list[str]](), given.parts
    for one in {each.number: each for each in finished}.values():
        try:
            where, filled = _where(one, connectors, given)
            made.append((one.id, _again(one, where, connectors, sender, now)))
        except UsageError as error:
            reasons[one.id] = str(error)
            continue
        left -= filled
        if filled:
            targets.setdefault(where.url, []).append(one.id)
    if len(targets) > 1:
        urls = ", ".join(map(masked_path, targets))
        why = f"what is given would go to {len(targets)} targets ({urls}): name them one by one"
        reasons |= dict.fromkeys(itertools.chain(*targets.values()), why)
    elif left and not reasons:
        reasons = {id_: f"{' and '.join(sorted(left))} would fill nothing that was withheld" for id_, _ in made}
    if reasons:
        raise NotAgain(reasons)
    return made


def _again(one: Delivery, where: Target, connectors: Sequence[Json], sender: Sender, now: int) -> Message:
    if gone := [each for each in sender.outbox.disabled(one.space) if each["url"] == where.url]:
        raise UsageError(f"the target is disabled ({gone[0]['reason']}): enable it first")
    body = trimmed(connectors, one.endpoint, json.loads(one.body))
    message = Message(str(uuid.uuid4()), one.event, body, where, now, one.ordered)
    sender.composed(message, now)
    return message


def _where(one: Delivery, connectors: Sequence[Json], given: Given) -> tuple[Target, set[str]]:
    """The target of the connector as it is now; else the one that is kept, and the parts of what is given that fill it."""
    if one.state == WAITING:
        raise UsageError(UNDER_WAY)
    connector = next(
        (each for each in connectors if each["connectorType"] == WEBHOOK and each["endpointName"] == one.endpoint), None
    )
    if connector is not None:
        event = next((each for each in EVENTS if each.id == one.event), None)
        return target(connectors, connector, event), set()
    kept = json.loads(one.target)
    withheld = kept.pop("withheld")
    where, again = Target(**kept), {name.lower(): text for name, text in given.headers.items()}
    headers = {name: again[name.lower()] for name in _gaps(where, withheld) if name.lower() in again}
    secret = given.secret if "secret" in withheld else ""
    where = replace(where, headers={**where.headers, **headers}, secret=where.secret or secret)
    if missing := list(_missing(where, withheld)):
        back = f", or put its connector {one.endpoint} back (--connectors FILE)" if one.endpoint else ""
        wanted = " and ".join(missing)
        raise UsageError(f"secrets that were spelt out are not kept once it is finished: give {wanted}, best as ${{NAME}}{back}")
    return where, Given(secret, headers).parts


def _missing(where: Target, withheld: Sequence[str]) -> Iterator[str]:
    """What of the parts that were not kept has not been given again."""
    if "secret" in withheld and not where.secret:
        yield "--secret"
    yield from (f"--header '{name}: ...'" for name in _gaps(where, withheld))
    if "oauth" in withheld:
        yield "the client of its token"


def _gaps(where: Target, withheld: Sequence[str]) -> Iterator[str]:
    """The headers that were not kept."""
    if "headers" in withheld:
        yield from (name for name, text in where.headers.items() if not text and is_secret_header(name))
