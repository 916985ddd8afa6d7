"""One sandbox, and a model of it that says what every call of it must answer."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
from conftest import Server

NOON = 1_800_000_000_000
GET, SEARCH, CREATE, UPDATE, CART = "GET_CUSTOMER", "SEARCH_CUSTOMERS", "CREATE_CUSTOMER", "UPDATE_CUSTOMER", "CART_VALIDATION"
SCENARIOS = ("flaky-first-call", "customer-system-read-only")
RESET = "reset at the socket"

#: What a sandbox may go through, and how far numbers go. All use the same few ids, so that whatever leaks is seen.
STEPS = {
    "create": 3, "rename": 3, "read": 3, "search": 0, "hold": 3,
    "advance": 10**9, "freeze": 10**9, "rule": 4, "replace": 4, "scenario": 1, "clear": 0,
    "reset": 0, "reset_records": 0, "reset_journal": 0, "reset_rules": 0, "reset_clock": 0,
    "keep": 0, "back": 0, "remake": 0, "journal": 0, "verify": 3,
}  # fmt: skip


def plan(seed: int, number: int, length: int) -> list[tuple[str, int]]:
    """What one sandbox goes through; mostly calls."""
    chance, calls = random.Random(f"{seed}:{number}"), ("create", "rename", "read", "hold")
    steps = [chance.choice(calls) if chance.random() < 0.4 else chance.choice(list(STEPS)) for _ in range(length)]
    return [(step, chance.randint(0, STEPS[step])) for step in steps]


@dataclass
class Acting:
    """A rule: for these contracts (None is every one), the first so many times, an outcome instead of the contract's own."""

    contracts: set[str] | None
    outcome: Any  #: a status, a body, RESET, or None for the contract's own answer
    first: int = 10**9
    fitted: int = 0

    def acts(self, contract: str) -> bool:
        """Whether it acts on this call; it counts the calls that it fits."""
        if self.contracts is not None and contract not in self.contracts:
            return False
        self.fitted += 1
        return self.fitted <= self.first


def scenario(name: str) -> Acting:
    """A scenario of the sample set as the model knows it."""
    return Acting(None, 503, 1) if name == "flaky-first-call" else Acting({CREATE, UPDATE}, 503)


@dataclass
class Box:
    """One sandbox of a server, and the model: what it must hold."""

    server: Server
    session: requests.Session
    name: str
    key: str = ""
    now: int = NOON
    customers: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] | None = None
    rules: list[Acting] = field(default_factory=list)
    scenarios: dict[str, Acting] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)  #: contract and status of each since the journal was emptied
    done: Counter[str] = field(default_factory=Counter)

    def run(self, steps: list[tuple[str, int]]) -> Counter[str]:
        """Go through a plan; every answer must be the model's."""
        self.make()
        for step in steps:
            self.take(*step)
        self.finish()
        return self.done

    def take(self, step: str, number: int) -> None:
        """One step."""
        getattr(self, step)(number)
        self.done[step] += 1

    def finish(self) -> None:
        """All that can be asked, once more; then the sandbox goes."""
        self.reset_rules(0)
        self.search(0)
        self.hold(0)
        self.journal(0)
        self.admin("DELETE", f"/sandboxes/{self.name}")

    def admin(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One call of the admin port, which must do well."""
        headers = {"Authorization": f"Bearer {self.server.token}"}
        answer = self.session.request(method, self.server.admin_url + path, json=body, headers=headers, timeout=60)
        assert answer.ok, (self.name, path, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def call(self, contract: str, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """One SPI: what the contract answers; None where a rule must have acted, and has."""
        acting = next((one for one in [*self.rules, *self.scenarios.values()] if one.acts(contract)), None)
        outcome = acting.outcome if acting else None
        self.done[f"({outcome if isinstance(outcome, int | str) else 'told by a rule' if outcome else 'answered'})"] += 1
        self.calls.append((contract, outcome if isinstance(outcome, int) else 200))
        try:
            answer = self.session.request(method, self.server.base + path, params={"api_key": self.key}, json=body, timeout=60)
        except requests.ConnectionError:
            assert outcome == RESET, (self.name, path, outcome)
            return None
        assert outcome != RESET, (self.name, path, answer.text)
        assert answer.status_code == (outcome if isinstance(outcome, int) else 200), (self.name, path, answer.text)
        found: dict[str, Any] = answer.json()
        if isinstance(outcome, dict):
            assert found == outcome, (self.name, found)
        return found if outcome is None else None

    def make(self) -> None:
        """The sandbox, new."""
        wanted = {"name": self.name, "api_key": f"key-of-{self.name}", "seed": self.name, "clock": {"frozen": NOON}}
        self.key = self.admin("POST", "/sandboxes", wanted)["api_key"]
        self.customers, self.now, self.rules, self.scenarios, self.calls = {}, NOON, [], {}, []

    # --- calls

    def create(self, number: int) -> None:
        """A customer of this sandbox's; only once."""
        id_ = f"K-{number}"
        profile = {"customerId": id_, "firstName": self.name, "lastName": "Isolated"}
        if found := self.call(CREATE, "POST", "/sa/customers", {"profile": profile}):
            assert ("errorCode" in found) == (id_ in self.customers), (self.name, found)
            self.customers.setdefault(id_, self.name)

    def rename(self, number: int) -> None:
        """Another first name, still telling whose it is."""
        id_, name = f"K-{number}", f"{self.name} {self.done['rename']}"
        profile = {"customerId": id_, "firstName": name, "lastName": "Isolated"}
        if found := self.call(UPDATE, "PUT", "/sa/customers", {"profile": profile}):
            assert ("errorCode" in found) == (id_ not in self.customers), (self.name, found)
            if id_ in self.customers:
                self.customers[id_] = name

    def read(self, number: int) -> None:
        """One customer."""
        if found := self.call(GET, "GET", f"/sa/customers/K-{number}"):
            assert found.get("profile", {}).get("firstName") == self.customers.get(f"K-{number}"), (self.name, found)

    def search(self, _: int) -> None:
        """All customers that were made here."""
        if found := self.call(SEARCH, "GET", "/sa/customers?lastName=Isolated&pageSize=50"):
            seen = {one["profile"]["customerId"]: one["profile"]["firstName"] for one in found.get("customers", [])}
            assert seen == self.customers, self.name

    def hold(self, number: int) -> None:
        """Stock held until fifteen minutes after this sandbox's time."""
        line = {"orderItemId": "1", "productId": "P-1001", "quantity": 1, "price": 24}
        cart = {"cartId": f"CART-{number}", "storeId": "S-102", "currency": "USD", "productList": [line]}
        if found := self.call(CART, "POST", "/sa/cartValidation", cart):
            assert found["reservation"]["expiresAt"] == self.now + 900_000, (self.name, found)

    # --- the clock

    def advance(self, number: int) -> None:
        """Time passes here."""
        self.now += number
        assert self.admin("POST", f"/sandboxes/{self.name}/clock", {"advance": number})["now"] == self.now

    def freeze(self, number: int) -> None:
        """Another time."""
        self.now = NOON - number
        assert self.admin("POST", f"/sandboxes/{self.name}/clock", {"frozen": self.now})["now"] == self.now

    # --- rules

    def _rule(self, number: int) -> tuple[dict[str, Any], Acting]:
        """One of five rules, and its model."""
        mine: dict[str, Any] = {"whose": self.name}
        return (
            ({"when": {"contract": GET, "times": {"first": 2}}, "then": {"status": 503}}, Acting({GET}, 503, 2)),
            ({"when": {"contract": SEARCH}, "then": {"reply": {"body": mine}}}, Acting({SEARCH}, mine)),
            ({"when": {"times": {"first": 1}}, "then": {"fault": "reset"}}, Acting(None, RESET, 1)),
            ({"when": {"contract": GET}, "then": {"delay": {"uniform": [1, 30]}}}, Acting({GET}, None)),
            ({"when": {"contract": CREATE, "times": {"first": 1}}, "then": {"reply": {"body": mine}}}, Acting({CREATE}, mine, 1)),
        )[number]

    def rule(self, number: int) -> None:
        """One more rule behind those that are there."""
        document, acting = self._rule(number)
        self.rules.append(acting)
        found = self.admin("POST", f"/sandboxes/{self.name}/rules", {"rules": [document]})
        assert (len(found["rules"]), found["scenarios"]) == (len(self.rules), list(self.scenarios)), self.name

    def replace(self, number: int) -> None:
        """One rule in their place."""
        document, acting = self._rule(number)
        self.rules = [acting]
        assert self.admin("PUT", f"/sandboxes/{self.name}/rules", {"rules": [document]})["rules"] == [document]

    def scenario(self, number: int) -> None:
        """A scenario put on; one that is on begins anew where it stands."""
        self.scenarios[SCENARIOS[number]] = scenario(SCENARIOS[number])
        found = self.admin("POST", f"/sandboxes/{self.name}/scenarios", {"use": [SCENARIOS[number]]})
        assert found["scenarios"] == list(self.scenarios), self.name

    def clear(self, _: int) -> None:
        """Every scenario taken off."""
        self.scenarios = {}
        assert self.admin("DELETE", f"/sandboxes/{self.name}/scenarios")["scenarios"] == []

    # --- back to the beginning

    def reset(self, _: int) -> None:
        """All of it."""
        self.admin("POST", f"/sandboxes/{self.name}/reset", {})
        self.customers, self.now, self.rules, self.scenarios, self.calls = {}, NOON, [], {}, []

    def reset_records(self, _: int) -> None:
        """The records alone."""
        self.admin("POST", f"/sandboxes/{self.name}/reset", {"records": True})
        self.customers = {}

    def reset_journal(self, _: int) -> None:
        """The journal alone."""
        self.admin("POST", f"/sandboxes/{self.name}/reset", {"journal": True})
        self.calls = []

    def reset_rules(self, _: int) -> None:
        """Rules and scenarios alone."""
        self.admin("POST", f"/sandboxes/{self.name}/reset", {"rules": True})
        self.rules, self.scenarios = [], {}

    def reset_clock(self, _: int) -> None:
        """The clock alone."""
        self.admin("POST", f"/sandboxes/{self.name}/reset", {"clock": True})
        self.now = NOON

    def keep(self, _: int) -> None:
        """A snapshot."""
        self.admin("POST", f"/sandboxes/{self.name}/snapshot", {"name": f"of-{self.name}"})
        self.kept = dict(self.customers)

    def back(self, _: int) -> None:
        """What the last snapshot held."""
        if self.kept is not None:
            self.admin("POST", f"/sandboxes/{self.name}/restore", {"name": f"of-{self.name}"})
            self.customers = dict(self.kept)

    def remake(self, _: int) -> None:
        """Deleted, and made again with the same name and key."""
        self.admin("DELETE", f"/sandboxes/{self.name}")
        self.make()

    # --- what happened

    def journal(self, _: int) -> None:
        """Every call since the journal was emptied, and no other."""
        found = self.admin("GET", f"/sandboxes/{self.name}/journal?pageSize=500")["entries"]
        assert [(one["contract"], one["reply"]["status"]) for one in found] == self.calls, self.name

    def verify(self, number: int) -> None:
        """The count of one contract, and no other number."""
        contract = (GET, SEARCH, CREATE, CART)[number]
        count = sum(1 for name, _ in self.calls if name == contract)
        for wanted, holds in ((count, True), (count + 1, False)):
            question = {"contract": contract, "count": {"exactly": wanted}}
            found = self.admin("POST", f"/sandboxes/{self.name}/verify", question)
            assert (found["ok"], found["count"]) == (holds, count), (self.name, found)
