"""Which rule acts on a call: the sandbox's own in order, then its scenarios, then the magic values; the first that fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import count
from math import ceil
from typing import NoReturn, Protocol

from mockspi.errors import Failure, WouldWait
from mockspi.exchange import JSON_TYPE, Json, Reply, Request, Trouble, encode
from mockspi.rules.book import Book
from mockspi.rules.known import FAILURES
from mockspi.rules.matching import Asked, Rule
from mockspi.sandbox import Sandbox, fraction

_ANSWERLESS = ("reset", "empty", "garbage", "timeout")
_CONSTANT = {"reply", "status", "retryAfter", "delay"}
_JSON = (("Content-Type", JSON_TYPE),)


class Ledger(Protocol):
    """What the store keeps for rules, exact across processes."""

    def active(self, sandbox: str, book: Book) -> tuple[Rule, ...]:
        """The rules of a sandbox, then those of its scenarios in a book."""

    def hit(self, sandbox: str, rule: str) -> int:
        """1, 2, 3, ... for each rule."""

    def take(self, sandbox: str, rule: str, window: int, now: int) -> tuple[int, int]:
        """Count a call into the window that is open now: how many those are, and since when."""


@dataclass(frozen=True, slots=True)
class _Uncounted:
    """A ledger that counts nothing, for that may have to wait."""

    ledger: Ledger

    def active(self, sandbox: str, book: Book) -> tuple[Rule, ...]:
        return self.ledger.active(sandbox, book)

    def hit(self, *_: object) -> NoReturn:
        raise WouldWait

    def take(self, *_: object) -> NoReturn:
        raise WouldWait


@dataclass(frozen=True, slots=True)
class Ruling:
    """A rule that acts on a call; ``wait`` is until a quota's window ends, both in milliseconds."""

    rule: Rule
    delay: float = 0.0
    wait: int = 0

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return self.rule.name

    def reply(self, asked: Asked) -> Reply | None:
        """The reply that stands for the contract's answer, a refusal raised; None where the contract answers."""
        then = self.rule.then
        if "reply" in then:
            return _told(then["reply"])
        if "error" in then:
            raise _refusal(then["error"], then.get("extra", {}), asked)
        if "status" in then:
            return refused(then["status"], then.get("retryAfter"))
        if "quota" in then:
            return refused(429, ceil(self.wait / 1000))
        return Reply(200, headers=_JSON) if then.get("fault") in _ANSWERLESS else None

    def spoil(self, reply: Reply) -> Reply:
        """The reply with what happens to it on its way."""
        then = self.rule.then
        if "dribble" in then:
            trouble = Trouble(self.delay, "dribble", then["dribble"]["bytes"], then["dribble"]["interval"])
            return replace(reply.whole(), trouble=trouble)
        if fault := then.get("fault", ""):
            return replace(reply.whole(), trouble=Trouble(self.delay, fault))
        return replace(reply, trouble=Trouble(self.delay)) if self.delay else reply


@dataclass(frozen=True)
class Judge:
    """Finds the rule that acts."""

    ledger: Ledger

    def at_once(self) -> Judge:
        """The same where nobody may wait: rules that count raise WouldWait before anything was counted."""
        return Judge(_Uncounted(self.ledger))

    def ruling(self, asked: Asked, sandbox: Sandbox, request: Request, book: Book, real: int) -> Ruling | None:
        """What happens to a call at a real time; mostly nothing."""
        if sandbox.quota and (found := self._acting(_quota_of(sandbox), sandbox, real)):
            return found
        if (active := self.ledger.active(sandbox.space, book)) and (found := self._first(active, asked, sandbox, real)):
            return found
        if request.body and "content-encoding" not in request.headers and not book.maybe_magic(request.body):
            asked.magic = (book.magic_in(Asked(asked.contract, asked.path, asked.query, lambda: None)),)
        magic = book.magic_in(asked)
        return self._first((magic,), asked, sandbox, real) if magic else None

    def rests(self, asked: Asked, sandbox: Sandbox, book: Book) -> bool:
        """Whether the same happens to every call that looks so, as long as no rule comes or goes."""
        if sandbox.quota or book.magic_in(asked):
            return False
        return all(rule.steady for rule in self.ledger.active(sandbox.space, book) if asked.contract in rule.contracts)

    def stands(self, ruling: Ruling, asked: Asked, sandbox: Sandbox, book: Book) -> bool:
        """Whether a rule's own reply goes to every call with this URL, whatever body it has, as long as no rule comes or goes."""
        if sandbox.quota or ruling.rule.then.keys() - _CONSTANT:
            return False
        for rule in self.ledger.active(sandbox.space, book):
            if asked.contract in rule.contracts and (rule.match or not rule.lasts):
                return False
            if rule is ruling.rule:
                return True
        return False

    def _first(self, rules: Iterable[Rule], asked: Asked, sandbox: Sandbox, real: int) -> Ruling | None:
        for rule in rules:
            if rule.fits(asked, real) and (found := self._acting(rule, sandbox, real)):
                return found
        return None

    def _acting(self, rule: Rule, sandbox: Sandbox, real: int) -> Ruling | None:
        number = self.ledger.hit(sandbox.space, rule.key) if rule.times or rule.drawn else 1
        draws = count()

        def chance() -> float:
            return fraction(f"{sandbox.seed}:{rule.key}:{number}:{next(draws)}")

        if (rule.times and not rule.due(number)) or (rule.probability < 1 and chance() >= rule.probability):
            return None
        wait = 0
        if quota := rule.then.get("quota"):
            now = sandbox.timing.now(real)
            taken, since = self.ledger.take(sandbox.space, rule.key, quota["window"], now)
            if taken <= quota["limit"]:
                return None
            wait = since + quota["window"] - now
        return Ruling(rule, rule.delay(chance), wait)


def _quota_of(sandbox: Sandbox) -> Rule:
    """The sandbox's own quota, which comes before every rule and counts every call."""
    return Rule("quota", "quota of the sandbox", frozenset(), {"quota": sandbox.quota})


def _refusal(code: str, extra: Json, asked: Asked) -> Failure:
    """The failure with a code; its message is filled from the call."""
    facts: Json = {}
    for name, value in [*extra.items(), *asked.members()]:
        facts.setdefault(name, value)
    for reserved in ("errors", "extra", "headers", "self"):
        facts.pop(reserved, None)
    return FAILURES[code](extra=extra, **facts)


def refused(status: int, retry_after: int | None = None) -> Reply:
    """A reply that says no more than its status; a 401 is empty, as the vendor's are."""
    headers = [("Retry-After", str(retry_after))] if retry_after is not None else []
    if status == HTTPStatus.UNAUTHORIZED:
        return Reply(status, headers=tuple(headers))
    known = {one.value: one for one in HTTPStatus}.get(status)
    code, phrase = (known.name, known.phrase) if known else (f"STATUS_{status}", f"Status {status}")
    return Reply.of({"errorCode": code, "errorMessage": phrase}, status, headers)


def _told(reply: Json) -> Reply:
    """The reply that a rule holds: its headers exactly, and a content type where it names none."""
    body, headers = reply.get("body"), [(name, value) for name, value in reply.get("headers", {}).items()]
    raw = b"" if "body" not in reply else body.encode() if isinstance(body, str) else encode(body)
    if raw and not any(name.lower() == "content-type" for name, _ in headers):
        kind = "text/plain" if isinstance(body, str) else "application/json"
        headers.append(("Content-Type", f"{kind}; charset=utf-8"))
    return Reply(int(reply.get("status", 200)), raw, tuple(headers))
