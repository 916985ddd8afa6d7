"""What is due goes out: composed, written to the log, sent, judged, and tried again when the platform would."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from mockspi.clock import random_id, system_now
from mockspi.contracts.events import EVENTS
from mockspi.errors import UsageError
from mockspi.event import RETAIL_CLOUD
from mockspi.exchange import Json
from mockspi.masking import MASK, is_secret_header, maskable, masked_body, masked_header, sound, unechoed
from mockspi.sandbox import Sandbox
from mockspi.store.letters import whole
from mockspi.store.outbox import Came, OutboxStore, Result, Sent
from mockspi.store.outbox_log import DELIVERED, FAILED, WAITING, Delivery, Wanted
from mockspi.webhooks import emitting, monitoring, trouble
from mockspi.webhooks.addresses import NotAllowed
from mockspi.webhooks.message import Heard, Message, Target, Verdict, Wire
from mockspi.webhooks.oauth import NoToken, authorization
from mockspi.webhooks.outbound import Outbound
from mockspi.webhooks.profiles import PROFILES, Profile
from mockspi.webhooks.references import resolved

MARGIN = 30_000  #: milliseconds that a lease is longer than two attempts may take
_LONGEST_BODY, _LONGEST_REPLY = 262_144, 20_000
_PAUSE = 0.02
_MONITORED = frozenset(one.id for one in EVENTS if one.platform == RETAIL_CLOUD and one.name != monitoring.NAME)
log = logging.getLogger("mockspi")


@dataclass(frozen=True, slots=True)
class Fired:
    """One attempt, or a delivery that failed without one: when, and how the delivery stands after it."""

    id: str
    at: int
    state: str
    reason: str

    def told(self) -> Json:
        """For the admin port."""
        return {"kind": "WEBHOOK_ATTEMPT", "id": self.id, "at": self.at, "status": self.state, "reason": self.reason or None}


@dataclass(frozen=True)
class Sender:
    """Sends what is in an outbox. Several may, in threads and processes; each delivery is held by one of them at a time."""

    outbox: OutboxStore
    outbound: Outbound
    profiles: Mapping[str, Profile] = field(default_factory=lambda: PROFILES)
    sandbox_of: Callable[[str], Sandbox | None] = lambda space: None  #: of a space of the outbox
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    stopping: Callable[[], bool] = lambda: False

    def accept(self, space: str, message: Message, due: int, *, wait: bool = True) -> str:
        """Keep a message with what is wrong with it on purpose; its id. UsageError where it could never be sent."""
        self.profile(message.target.profile)
        plan = trouble.plan(trouble.known(message.trouble))
        return self.outbox.add(space, message, due + plan.delay, behind=plan.after_next, wait=wait)

    def profile(self, name: str) -> Profile:
        """The way of delivering with a name."""
        if name not in self.profiles:
            raise UsageError(f"no profile is called {name!r}; there are {', '.join(self.profiles)}")
        return self.profiles[name]

    def composed(self, message: Message, now: int) -> tuple[Wire, Target]:
        """What would go out at a moment, and where to, with everything that was looked up; UsageError where nothing can."""
        target = resolved(message.target, self.environ)
        self.outbound.check(target.url)
        wire = trouble.compose(self.profile(target.profile), replace(message, target=target), now, target.secret)
        self.outbound.fit(wire)
        return wire, target

    def idle(self, message: Message, now: int) -> list[tuple[str, str]]:
        """The words of a message's trouble that would change nothing, each with the reason."""
        target = resolved(message.target, self.environ)
        return list(trouble.idle(self.profile(target.profile), replace(message, target=target), now, target.secret))

    def send_due(self, space: str, clock: Callable[[], int], *, ids: Collection[str] | None = None) -> Iterator[Fired]:
        """Everything that is due in a sandbox at its clock, one after another: each is sent at the time at which it was taken."""
        while not self.stopping() and (held := self.claim(space, now := clock(), ids)):
            yield self.send(held, now)

    def try_now(self, space: str, clock: Callable[[], int], ids: Collection[str]) -> None:
        """Make the attempts of these that are due, and wait for those that somebody else is making."""
        while not self.stopping():
            for _ in self.send_due(space, clock, ids=ids):
                pass
            now = clock()
            waiting = self.outbox.search(Wanted(space=space, ids=tuple(ids), state=WAITING))
            if not any(one.due <= now for one in waiting) or not self.outbox.under_way(space, now):
                return
            time.sleep(_PAUSE)

    def send_between(self, space: str, before: int, after: int, owner: str) -> Iterator[Fired]:
        """Everything that falls due while a clock moves, each at its own time; the space is held by ``owner``.

        What others are sending meanwhile is waited for: what follows from it may fall due on the way too.
        """
        now = before
        while not self.stopping() and self.outbox.next_due().get(space, after + 1) <= after:
            self.keep(space, owner)
            if held := self.outbox.claim(space, after, self._lease, owner=owner):
                now = max(now, held.due)
                yield self.send(held, now)
            elif self.outbox.under_way(space, after):
                time.sleep(_PAUSE)
            else:
                return

    def keep(self, space: str, owner: str) -> bool:
        """Keep others from sending what is in a sandbox, as long as one attempt may take; False where somebody else does."""
        self.outbox.free()
        return self.outbox.hold(space, self._lease, owner)

    @property
    def _lease(self) -> int:
        return 2 * max(profile.timeout for profile in self.profiles.values()) + MARGIN

    def claim(self, space: str, until: int, ids: Collection[str] | None = None) -> Delivery | None:
        """What is due next and nobody else sends; it is ours as long as an attempt may take."""
        return self.outbox.claim(space, until, self._lease, ids=ids)

    def send(self, held: Delivery, now: int) -> Fired:
        """One delivery that we hold; whatever goes wrong, it is settled."""
        try:
            return self._sent(held, now)
        except UsageError as error:  # nothing went out: a secret that is not there, an address that is not allowed
            return self._settled(held, now, FAILED, str(error))
        except Exception:
            error_id = f"ERR-{random_id()}"
            log.exception("%s: webhook %s could not be sent", error_id, held.id)
            return self._settled(held, now, FAILED, f"a defect of mockspi, see the log: {error_id}")

    def _sent(self, held: Delivery, now: int) -> Fired:
        if gone := [one for one in self.outbox.disabled(held.space) if one["url"] == held.url]:
            return self._settled(held, now, FAILED, f"the target is disabled: {gone[0]['reason']}")
        message = restored(held)
        profile = self.profile(message.target.profile)
        copies, made = trouble.plan(message.trouble).copies if not held.attempts else 1, held.attempts
        while True:
            result, verdict = self._attempt(held, message, now, profile)
            if result.came.status == HTTPStatus.UNAUTHORIZED and message.target.oauth:  # a token may end before its time
                self.outbox.attempted(result)
                result, verdict = self._attempt(held, message, now, profile, again=True)
                made += 1
            made, copies = made + 1, copies - 1
            if not verdict.delivered or not copies:
                break
            self.outbox.attempted(result)
        if verdict.disables:
            self.outbox.disable(held.space, held.url, now, verdict.reason)
        due = None if verdict.delivered else profile.again(message, made, now, verdict, self._seed(held.space))
        state = DELIVERED if verdict.delivered else FAILED if due is None else WAITING
        return self._settled(held, now, state, verdict.reason, due=due or 0, result=result)

    def _seed(self, space: str) -> str:
        return sandbox.seed if (sandbox := self.sandbox_of(space)) else ""

    def _authorized(self, message: Message, *, again: bool = False) -> Message:
        """The message with the token that its target wants, another where the last one was refused."""
        found = authorization(message.target, self.outbound, system_now(), again=again)
        return replace(message, target=replace(message.target, headers={**message.target.headers, **found})) if found else message

    def _attempt(
        self, held: Delivery, message: Message, now: int, profile: Profile, *, again: bool = False
    ) -> tuple[Result, Verdict]:
        """One attempt, in the log before its bytes leave; what came of it is kept by who asks. One without a token sends none."""
        try:
            authorized = self._authorized(message, again=again)
        except NoToken as refusal:
            attempt, verdict = self.outbox.begin(held, now, Sent(message.target.method, (), b"", 0)), Verdict(False, str(refusal))
            return Result(attempt, came(Heard(None, error=verdict.reason)), delivered=False, reason=verdict.reason), verdict
        wire, target = self.composed(authorized, now)
        secrets = secrets_of(target, json.loads(held.target))
        attempt = self.outbox.begin(held, now, logged(wire, secrets))
        try:
            heard = replace(self.outbound.send(wire, target.url, profile.timeout), secrets=secrets)
        except NotAllowed as refusal:
            reason = str(refusal)
            self.outbox.attempted(Result(attempt, came(Heard(None, error=reason)), delivered=False, reason=reason))
            raise
        self._monitor(held, message.target, heard, now)
        verdict = profile.judge(heard)
        return Result(attempt, came(heard), verdict.delivered, verdict.reason), verdict

    def _monitor(self, held: Delivery, target: Target, heard: Heard, now: int) -> None:
        """Tell who listens to monitoring how it went with an event of a connector; of monitoring itself nobody is told."""
        if not held.endpoint or held.event not in _MONITORED or (sandbox := self.sandbox_of(held.space)) is None:
            return
        known = sandbox.connectors
        alarms = monitoring.alarms_of_webhook(target, heard, now, known)
        found = emitting.safely(lambda: list(emitting.monitored(alarms, known, now)), sandbox, held.event)
        emitting.enqueue(found, sandbox, self.accept)

    def _settled(self, held: Delivery, now: int, state: str, reason: str, *, due: int = 0, result: Result | None = None) -> Fired:
        if not self.outbox.settle(held, state, reason, due=due, result=result):
            log.warning("webhook %s took longer than its lease; another sender has it", held.id)
        return Fired(held.id, now, state, reason)


def restored(held: Delivery) -> Message:
    """The message as it was put in."""
    target = Target(**whole(json.loads(held.target), json.loads(held.secrets or "{}")))
    troubles = tuple(json.loads(held.trouble))
    return Message(held.id, held.event, json.loads(held.body), target, held.at, held.ordered, troubles)


def logged(wire: Wire, secrets: Collection[str]) -> Sent:
    """What is kept of what goes out."""
    return Sent(wire.method, _headers(wire.headers, secrets), _body(wire.body, secrets)[:_LONGEST_BODY], len(wire.body))


def came(heard: Heard) -> Came:
    """What is kept of what came back."""
    headers, body = _headers(heard.headers, heard.secrets), _body(heard.body, heard.secrets)[:_LONGEST_REPLY]
    return Came(heard.status, headers, body, len(heard.body), heard.error, heard.milliseconds)


def secrets_of(target: Target, shown: Json) -> list[str]:
    """The texts of a target that nobody may read: what was looked up in the environment, and what names tell."""
    found = [target.secret]
    for name, text in target.headers.items():
        if text != shown["headers"].get(name) or is_secret_header(name):
            found += [text, text.partition(" ")[2]]  # what stands behind Bearer is the secret too
    return maskable(found)


def _headers(pairs: Iterable[tuple[str, str]], secrets: Collection[str]) -> list[tuple[str, str]]:
    return [(name, sound(unechoed(masked_header(name, text), secrets))) for name, text in pairs]


def _body(body: bytes, secrets: Collection[str]) -> bytes:
    """Without secrets, also those that somebody echoes, as they are or as JSON writes them."""
    text = masked_body(body)
    for one in secrets:
        written = {one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1]}
        for form in written | {each.replace("/", "\\/") for each in written}:
            text = text.replace(form.encode("utf-8", "replace"), MASK.encode())
    return text
