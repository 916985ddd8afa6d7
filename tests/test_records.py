"""The records of a sandbox over the admin port: read, written and removed by tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from conftest import serving

from mockspi.adminclient import AdminClient, Refused
from mockspi.testing.box import Box
from mockspi.testing.serving import Server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("records")) as one:
        yield Server(one.base, one.key, AdminClient(one.admin_url, one.token))


@pytest.fixture
def box(house: Server) -> Iterator[Box]:
    with house.sandbox() as one:
        yield one


def customer(box: Box, **profile: Any) -> Any:
    found = box.records("customers").get("C-1001")
    assert found
    found["profile"] |= {"customerId": "C-NEW", "email": "ada@example.com", "phoneMobile": "+1-312-555-0999", **profile}
    return found


def refused(box: Box, *records: Any, collection: str = "customers") -> list[tuple[str, str]]:
    with pytest.raises(Refused) as error:
        box.records(collection).put(*records)
    assert error.value.status == 400
    return [(one["path"], one["message"]) for one in error.value.body["errors"]]


def test_a_record_that_was_put_is_answered_and_found(box: Box) -> None:
    box.records("customers").put(customer(box, firstName="Ada"))
    assert requests.get(box.url("GET_CUSTOMER", customerId="C-NEW"), timeout=30).json()["profile"]["firstName"] == "Ada"
    found = requests.get(box.url("SEARCH_CUSTOMERS", email="ADA@example.com"), timeout=30).json()["customers"]
    assert [one["profile"]["customerId"] for one in found] == ["C-NEW"]


def test_what_one_sandbox_puts_and_deletes_no_other_sees(box: Box, house: Server) -> None:
    with house.sandbox() as other:
        before = len(other.records("customers"))
        box.records("customers").put(customer(box))
        box.records("customers").delete("C-1002")
        assert len(other.records("customers")) == before == len(list(other.records("customers")))
        assert other.records("customers").get("C-NEW") is None
        assert other.records("customers").get("C-1002")
    assert box.records("customers").get("C-1002") is None
    box.reset("records")
    assert box.records("customers").get("C-1002")


def test_a_key_of_several_parts_is_joined(box: Box) -> None:
    shelf = box.records("stock").get("P-1001|S-101")
    assert shelf
    box.records("stock").put({**shelf, "onHand": 0})
    assert box.records("stock").get("P-1001|S-101") == {**shelf, "onHand": 0}


def test_a_broken_record_is_refused_with_its_place_and_nothing_is_written(box: Box) -> None:
    good, broken = customer(box), customer(box, customerId="C-OTHER", email="other@example.com", phoneMobile="+1-312-555-0888")
    broken["profile"] |= {"frstName": "Ada", "birthday": "1815-12-10"}
    assert refused(box, good, broken) == [
        ("/records/1/profile/birthday", "Not a valid integer"),
        ("/records/1/profile/frstName", "unknown field 'frstName'; did you mean 'firstName'?"),
    ]
    assert box.records("customers").get("C-NEW") is None


def test_what_no_two_records_may_share_is_refused(box: Box) -> None:
    good, twin = customer(box), customer(box, customerId="C-TWIN", phoneMobile="+1-312-555-0888")
    assert refused(box, good, twin) == [("/records/1", "the email 'ada@example.com' is taken by C-NEW")]
    assert box.records("customers").get("C-NEW") is None


def test_what_is_no_record_is_refused(box: Box) -> None:
    assert refused(box, "C-1001") == [("/records/0", "a JSON object is expected")]
    assert refused(box, *[{}] * 1001)[0] == ("/records", "1001 entries; at most 1000 are expected")


def test_what_is_not_there_is_named(box: Box) -> None:
    with pytest.raises(Refused, match="No collection is called 'custmers'; did you mean 'customers'"):
        box.records("custmers").get("C-1001")
    with pytest.raises(Refused, match="There is no record 'C-0' in customers"):
        box.records("customers").delete("C-0")


def test_pages_hold_what_the_whole_holds(box: Box, house: Server) -> None:
    path = f"/sandboxes/{box.name}/records/products"
    first = house.admin.call("GET", path, query={"pageSize": 3})
    second = house.admin.call("GET", path, query={"pageSize": 3, "pageNumber": 2})
    every = list(box.records("products"))
    assert first["records"] + second["records"] == every[:6]
    assert first["totalCount"] == len(every) == len(box.records("products"))
