"""Magic values: they work in every sandbox with nothing set up, under every contract that the catalogue names."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Sandbox, Server, mockspi, serving

from mockspi.contract import Contract
from mockspi.contracts import SPIS
from mockspi.fixtures.reading import sample_set
from mockspi.rehearsing import book_of
from mockspi.rules.book import FORMS, Magic

BOOK = book_of(sample_set())
MEMBERS = {"id": "cartId", "email": "email", "postalCode": "postalCode"}
#: What happens at the socket or takes long is shown by many calls at once, below.
SLOW = {"delay", "fault"}


def send(box: Sandbox, contract: Contract, form: str, value: str, **options: Any) -> requests.Response:
    """A call of a contract with nothing but a value in one member."""
    path = contract.path
    for name in contract.parameters:
        path = path.replace(f"{{{name}}}", value if form == "id" else "X")
    if contract.body:
        return box(contract.method, path, json={"nested": [{MEMBERS[form]: value}]}, **options)
    return box(contract.method, path, params={} if "X" not in path and contract.parameters else {MEMBERS[form]: value}, **options)


def expected(then: dict[str, Any]) -> tuple[int, Any]:
    """Status and errorCode."""
    codes = {"REQUEST_INVALID": 400, "INTERNAL_ERROR": 500}
    if "error" in then:
        return codes.get(then["error"], 200), then["error"]
    if "reply" in then:
        return then["reply"]["status"], None
    return then["status"], {503: "SERVICE_UNAVAILABLE"}.get(then["status"])


def outcome(reply: requests.Response) -> tuple[int, Any]:
    """The same of a reply."""
    return reply.status_code, reply.json().get("errorCode") if "json" in reply.headers.get("Content-Type", "") else None


def of(contract: Contract) -> Iterator[Any]:
    """The magic of a contract that answers at once."""
    return (one for one in BOOK.magic if one.contract == contract.id and not SLOW & one.rule.then.keys())


@pytest.mark.parametrize("contract", SPIS, ids=lambda one: one.id)
def test_every_value_of_a_contract_makes_its_answer(contract: Contract, new_sandbox: Any) -> None:
    box = new_sandbox()
    for one in of(contract):
        reply = send(box, contract, one.form, one.value)
        assert outcome(reply) == expected(one.rule.then), one.value
        if "error" in one.rule.then and reply.status_code == 200:
            assert reply.json().keys() >= contract.refused().keys()


@pytest.mark.parametrize("contract", SPIS, ids=lambda one: one.id)
def test_every_error_and_every_trouble_of_a_contract_has_a_value(contract: Contract) -> None:
    mine = [one for one in BOOK.magic if one.contract == contract.id]
    told = [one.rule.then for one in mine if one.form == "id"]
    assert {one.get("error") for one in told} >= {failure.code for failure in contract.fails} | {
        "REQUEST_INVALID",
        "INTERNAL_ERROR",
    }
    assert {one.get("status") for one in told} >= {401, 503}
    assert {one.get("fault") for one in told} >= {"timeout", "reset"}
    assert any("delay" in one for one in told)
    assert any(one.get("reply", {}).get("body", {}).keys() == {"errorMessage"} for one in told)
    if any(isinstance(value, list) for value in contract.refused().values()):
        assert f"MAGIC-{'EMPTY_LIST'}" in {one.value for one in mine}


def test_an_email_means_the_same_under_its_own_member(sandbox: Sandbox) -> None:
    reply = sandbox("POST", "/sa/customers", json={"profile": {"email": "customer_already_exists@magic.example"}})
    assert reply.json()["errorCode"] == "CUSTOMER_ALREADY_EXISTS"


def test_the_401_is_empty(sandbox: Sandbox) -> None:
    reply = sandbox("GET", "/sa/customers/MAGIC-401")
    assert (reply.status_code, reply.content, reply.headers.get("Content-Type")) == (401, b"", None)


@pytest.fixture(scope="module", params=["1", "2"], ids=lambda workers: f"{workers} workers")
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of a server whose connections can be broken."""
    with serving(tmp_path_factory.mktemp("magic"), "--workers", request.param) as one:
        yield Sandbox(one, one.key)


def all_at_once(work: Callable[[Magic, Contract], None], member: str, value: Any = None) -> int:
    """Do this with every magic value of every contract that has such a member; how many there were."""
    chosen = [one for one in BOOK.magic if member in one.rule.then and value in (None, one.rule.then[member])]
    contracts = {one.id: one for one in SPIS}
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(lambda one: work(one, contracts[one.contract]), chosen))
    return len({one.contract for one in chosen})


def test_slow_is_every_contracts_own_answer_later(box: Sandbox) -> None:
    def slow(one: Magic, contract: Contract) -> None:
        start = time.monotonic()
        late = send(box, contract, one.form, one.value)
        assert time.monotonic() - start >= one.rule.then["delay"]["fixed"] / 1000, (contract.id, one.value)
        plain = {"email": "nobody@plain.example", "id": "NOT-MAGIC", "postalCode": "99999"}[one.form]
        atonce = send(box, contract, one.form, plain)
        assert outcome(late) == outcome(atonce), contract.id

    assert all_at_once(slow, "delay") == len(SPIS)


def test_reset_breaks_the_connection_of_every_contract(box: Sandbox) -> None:
    def broken(one: Magic, contract: Contract) -> None:
        with pytest.raises(requests.ConnectionError, match="reset"):
            send(box, contract, one.form, one.value)

    assert all_at_once(broken, "fault", "reset") == len(SPIS)


def test_timeout_never_answers_whatever_the_contract(box: Sandbox) -> None:
    def silent(one: Magic, contract: Contract) -> None:
        with pytest.raises(requests.Timeout):
            send(Sandbox(Impatient(box.server), box.key), contract, one.form, one.value)  # type: ignore[arg-type]

    assert all_at_once(silent, "fault", "timeout") == len(SPIS)


@dataclass
class Impatient:
    """A server as seen by someone who waits two seconds."""

    server: Server

    def call(self, method: str, path: str, key: str, **options: Any) -> requests.Response:
        query = {"api_key": key, **options.pop("params", {})}
        return requests.request(method, self.server.url(path), params=query, timeout=2, **options)


def test_a_packed_or_escaped_body_is_read_too(sandbox: Sandbox) -> None:
    packed = gzip.compress(b'{"orderId": "MAGIC-NOT_RETURNABLE"}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert sandbox("POST", "/sa/orders/return", data=packed, headers=headers).json()["errorCode"] == "NOT_RETURNABLE"
    escaped = r'{"orderId": "MAGIC\u002dNOT_RETURNABLE"}'
    headers = {"Content-Type": "application/json"}
    assert sandbox("POST", "/sa/orders/return", data=escaped, headers=headers).json()["errorCode"] == "NOT_RETURNABLE"


@pytest.mark.parametrize("member", ["firstName", "note", "phone"])
def test_a_value_under_another_member_is_only_a_value(sandbox: Sandbox, member: str) -> None:
    assert sandbox("GET", "/sa/customers", params={member: "MAGIC-503", "lastName": "Martin"}).status_code == 200


def test_no_magic_value_stands_in_the_records() -> None:
    told = json.dumps([record for _, _, record in sample_set().records()])
    assert not [one.value for one in BOOK.magic if f'"{one.value}"' in told]


def broken(tmp_path: Path, change: Any) -> str:
    """What lint says of the sample with its catalogue changed."""
    folder = tmp_path / "set"
    assert mockspi("init", str(folder)).returncode == 0
    document = json.loads((folder / "magic.json").read_text())
    change(document)
    (folder / "magic.json").write_text(json.dumps(document))
    done = mockspi("fixtures", "lint", str(folder))
    assert done.returncode == 1, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "C-1001"}, "/values/0/id: 'C-1001' stands in records/customers.json"),
        ({"id": "MAGIC-503"}, "'MAGIC-503' has another meaning for"),
        ({"then": {"error": "CUSTOMER_NOT_FUND"}}, "did you mean 'CUSTOMER_NOT_FOUND'?"),
        ({"contract": "GET_CUSTMER"}, "did you mean 'GET_CUSTOMER'?"),
        ({"mail": "a@b.example"}, "unknown field 'mail'; did you mean 'email'?"),
    ],
)
def test_a_catalogue_with_something_wrong_is_found(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    assert message in broken(tmp_path, lambda document: document["values"][0].update(change))


def test_the_command_line_lists_them() -> None:
    text = mockspi("magic").stdout
    assert all(one[form] in text for one in BOOK.catalogue["values"] for form in FORMS if form in one)
    mine = json.loads(mockspi("magic", "get_customer", "--json").stdout)
    assert {one["contract"] for one in mine} == {"GET_CUSTOMER"}
    assert "MAGIC-CUSTOMER_NOT_FOUND" in [one["value"] for one in mine]
    assert "NOT_RETURNABLE" not in mockspi("magic", "GET_CUSTOMER").stdout
    done = mockspi("magic", "GET_CUSTMER")
    assert done.returncode == 2
    assert "did you mean 'GET_CUSTOMER'?" in done.stderr
