"""Many sandboxes at once: mixed writes, resets, snapshots and clock jumps from many threads, and nobody sees anybody.

Each sandbox goes through a plan that follows from a seed of Hypothesis, beside all the others; a model says what it must answer.
``MOCKSPI_TEST_SANDBOXES=500 MOCKSPI_TEST_THREADS=32 pytest tests/test_isolation.py`` is the large run.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from conftest import Server, serving
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

BOXES = int(os.environ.get("MOCKSPI_TEST_SANDBOXES", "60"))
THREADS = int(os.environ.get("MOCKSPI_TEST_THREADS", "16"))
ROUNDS = int(os.environ.get("MOCKSPI_TEST_ROUNDS", "2"))
NOON = 1_800_000_000_000

#: What a sandbox may go through, and how far numbers go. All use the same few ids, so that whatever leaks is seen.
STEPS = {
    "create": 3, "rename": 3, "read": 3, "search": 0, "hold": 3, "jump": 10**9, "reset": 0, "keep": 0, "back": 0, "remake": 0,
}  # fmt: skip


def plan(seed: int, number: int) -> list[tuple[str, int]]:
    """What one sandbox goes through."""
    chance = random.Random(f"{seed}:{number}")
    return [(step, chance.randint(0, STEPS[step])) for step in chance.choices(list(STEPS), k=14)]


@pytest.fixture(scope="module", params=["1", "2"], ids=lambda workers: f"{workers} workers")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path_factory.mktemp("many"), "--workers", request.param) as one:
        yield one


@dataclass
class Box:
    """One sandbox and what it must hold: customer id to first name, and its clock."""

    server: Server
    session: requests.Session
    name: str
    key: str = ""
    now: int = NOON
    customers: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] | None = None
    done: Counter[str] = field(default_factory=Counter)

    def admin(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One call of the admin port, which must do well."""
        headers = {"Authorization": f"Bearer {self.server.token}"}
        answer = self.session.request(method, self.server.admin_url + path, json=body, headers=headers, timeout=60)
        assert answer.ok, (self.name, path, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One SPI."""
        answer = self.session.request(method, self.server.base + path, params={"api_key": self.key}, json=body, timeout=60)
        assert answer.status_code == 200, (self.name, path, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def make(self) -> None:
        """The sandbox, new."""
        wanted = {"name": self.name, "api_key": f"key-of-{self.name}", "seed": self.name, "clock": {"frozen": NOON}}
        self.key = self.admin("POST", "/sandboxes", wanted)["api_key"]
        self.customers, self.now = {}, NOON

    def run(self, plan: list[tuple[str, int]]) -> Counter[str]:
        """Go through a plan; every answer must be the model's."""
        self.make()
        for step, number in plan:
            getattr(self, step)(number)
            self.done[step] += 1
        self.search(0)
        self.admin("DELETE", f"/sandboxes/{self.name}")
        return self.done

    def create(self, number: int) -> None:
        """A customer of this sandbox's; only once."""
        id_ = f"K-{number}"
        profile = {"customerId": id_, "firstName": self.name, "lastName": "Isolated"}
        found = self.call("POST", "/sa/customers", {"profile": profile})
        assert ("errorCode" in found) == (id_ in self.customers), (self.name, found)
        self.customers.setdefault(id_, self.name)

    def rename(self, number: int) -> None:
        """Another first name, still telling whose it is."""
        id_, name = f"K-{number}", f"{self.name} {self.done['rename']}"
        found = self.call("PUT", "/sa/customers", {"profile": {"customerId": id_, "firstName": name, "lastName": "Isolated"}})
        assert ("errorCode" in found) == (id_ not in self.customers), (self.name, found)
        if id_ in self.customers:
            self.customers[id_] = name

    def read(self, number: int) -> None:
        """One customer."""
        found = self.call("GET", f"/sa/customers/K-{number}")
        assert found.get("profile", {}).get("firstName") == self.customers.get(f"K-{number}"), (self.name, found)

    def search(self, _: int) -> None:
        """All customers that were made here."""
        found = self.call("GET", "/sa/customers?lastName=Isolated&pageSize=50").get("customers", [])
        seen = {one["profile"]["customerId"]: one["profile"]["firstName"] for one in found}
        assert seen == self.customers, self.name

    def hold(self, number: int) -> None:
        """Stock held until fifteen minutes after this sandbox's time."""
        line = {"orderItemId": "1", "productId": "P-1001", "quantity": 1, "price": 24}
        cart = {"cartId": f"CART-{number}", "storeId": "S-102", "currency": "USD", "productList": [line]}
        found = self.call("POST", "/sa/cartValidation", cart)
        assert found["reservation"]["expiresAt"] == self.now + 900_000, (self.name, found)

    def jump(self, number: int) -> None:
        """Time passes here."""
        self.now += number
        assert self.admin("POST", f"/sandboxes/{self.name}/clock", {"advance": number})["now"] == self.now

    def reset(self, _: int) -> None:
        """Back to the beginning."""
        self.admin("POST", f"/sandboxes/{self.name}/reset", {})
        self.customers, self.now = {}, NOON

    def keep(self, _: int) -> None:
        """A snapshot."""
        self.admin("POST", f"/sandboxes/{self.name}/snapshot", {"name": f"of-{self.name}"})
        self.kept = dict(self.customers)

    def remake(self, _: int) -> None:
        """Deleted, and made again with the same name and key."""
        self.admin("DELETE", f"/sandboxes/{self.name}")
        self.make()

    def back(self, _: int) -> None:
        """What the last snapshot held."""
        if self.kept is not None:
            self.admin("POST", f"/sandboxes/{self.name}/restore", {"name": f"of-{self.name}"})
            self.customers = dict(self.kept)


_local = threading.local()
_runs = itertools.count()


def session() -> requests.Session:
    """This thread's connections."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    found: requests.Session = _local.session
    return found


@settings(
    max_examples=ROUNDS,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32))
def test_no_sandbox_sees_what_another_does(house: Server, seed: int) -> None:
    run = next(_runs)

    def drive(number: int) -> Counter[str]:
        return Box(house, session(), f"box-{run}-{number}").run(plan(seed, number))

    with ThreadPoolExecutor(THREADS) as pool:
        done = sum(pool.map(drive, range(BOXES)), Counter[str]())
    print(f"{BOXES} sandboxes, {THREADS} threads, {done.total()} steps: {dict(done)}")
    assert [one["name"] for one in house.admin("GET", "/sandboxes").json()["sandboxes"]] == ["staging"]
