"""Magic values: they work in every sandbox with nothing set up, under every contract that the catalogue names."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Sandbox, Server, mockspi

from mockspi.contract import Contract
from mockspi.contracts import SPIS
from mockspi.fixtures.reading import sample_set
from mockspi.rehearsing import book_of
from mockspi.rules.book import FORMS

BOOK = book_of(sample_set())
MEMBERS = {"id": "cartId", "email": "email", "postalCode": "postalCode"}
#: What happens at the socket or takes long is shown once, below.
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


def of(contract: Contract) -> Iterator[Any]:
    """The magic of a contract that answers at once."""
    return (one for one in BOOK.magic if one.contract == contract.id and not SLOW & one.rule.then.keys())


@pytest.mark.parametrize("contract", SPIS, ids=lambda one: one.id)
def test_every_value_of_a_contract_makes_its_answer(contract: Contract, new_sandbox: Any) -> None:
    box = new_sandbox()
    for one in of(contract):
        reply = send(box, contract, one.form, one.value)
        body = reply.json() if reply.content else {}
        assert (reply.status_code, body.get("errorCode")) == expected(one.rule.then), one.value
        if "error" in one.rule.then and reply.status_code == 200:
            assert body.keys() >= contract.refused().keys()


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


def test_slow_is_the_contracts_own_answer_later(sandbox: Sandbox) -> None:
    reply = sandbox("GET", "/sa/customers/MAGIC-SLOW")
    assert reply.json()["errorCode"] == "CUSTOMER_NOT_FOUND"
    assert reply.elapsed.total_seconds() >= 1.9


def test_reset_breaks_the_connection(sandbox: Sandbox) -> None:
    with pytest.raises(requests.ConnectionError, match="reset"):
        sandbox("GET", "/sa/customers/MAGIC-RESET")


def test_a_timeout_never_answers(server: Server, sandbox: Sandbox) -> None:
    with pytest.raises(requests.Timeout):
        requests.get(server.url("/sa/customers/MAGIC-TIMEOUT"), params={"api_key": sandbox.key}, timeout=1)


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
