"""Customers and their addresses: created, changed in part, found, never doubled."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Sandbox

CUSTOMERS, ADDRESS = "/sa/customers", "/sa/customer/address"


def read(sandbox: Sandbox, customer_id: str = "C-1001") -> dict[str, Any]:
    """A customer as they are now."""
    customer: dict[str, Any] = sandbox("GET", f"{CUSTOMERS}/{customer_id}").json()
    return customer


def create(sandbox: Sandbox, **profile: Any) -> dict[str, Any]:
    """What creating somebody answers."""
    answer: dict[str, Any] = sandbox("POST", CUSTOMERS, json={"profile": profile}).json()
    return answer


def update(sandbox: Sandbox, profile: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """What a change of C-1001 answers."""
    sent = {"profile": {"customerId": "C-1001", **profile}, **rest}
    answer: dict[str, Any] = sandbox("PUT", CUSTOMERS, json=sent).json()
    return answer


def found(sandbox: Sandbox, **criteria: Any) -> list[str]:
    """The ids that a search finds, in its order."""
    return [one["profile"]["customerId"] for one in sandbox("GET", CUSTOMERS, params=criteria).json()["customers"]]


def test_a_new_customer_can_be_read_and_found_at_once(sandbox: Sandbox) -> None:
    made = create(sandbox, firstName="Ada", lastName="Lovelace", email="ada@example.com", phoneMobile="+44 20 7946 0999")
    customer_id = made["profile"]["customerId"]
    assert made["orderCount"] == 0
    assert read(sandbox, customer_id) == made
    for criteria in ({"lastName": "love"}, {"email": "ADA@example.com"}, {"phone": "79460999"}, {"customerId": customer_id}):
        assert found(sandbox, **criteria) == [customer_id]


def test_what_only_the_merchant_knows_is_kept(sandbox: Sandbox) -> None:
    made = create(sandbox, firstName="Ada", shoeSize={"eu": 38.5}, hobbies=["chess", None])
    assert read(sandbox, made["profile"]["customerId"])["profile"]["shoeSize"] == {"eu": 38.5}
    assert read(sandbox, made["profile"]["customerId"])["profile"]["hobbies"] == ["chess"]


def test_the_count_of_orders_cannot_be_written(sandbox: Sandbox) -> None:
    before = read(sandbox)["orderCount"]
    assert update(sandbox, {}, orderCount=99)["orderCount"] == before
    made = sandbox("POST", CUSTOMERS, json={"profile": {"firstName": "Ada"}, "orderCount": 99}).json()
    assert made["orderCount"] == 0


def test_completed_orders_are_counted(sandbox: Sandbox) -> None:
    asked = {"customerId": "C-1001", "orderStatus": ["COMPLETED"]}
    completed = sandbox("POST", "/sa/orders/search", json=asked).json()["totalCount"]
    assert read(sandbox)["orderCount"] == completed == 3


@pytest.mark.parametrize(
    "taken",
    [
        {"email": "zoe.martin@example.com"}, {"email": "ZOE.Martin@Example.COM"}, {"phoneMobile": "+1-312-555-0101"},
        {"phoneMobile": "+1 (312) 5550101"}, {"customerId": "C-1001"},
    ],
    ids=str,
)  # fmt: skip
def test_nobody_is_created_twice(sandbox: Sandbox, taken: dict[str, str]) -> None:
    answer = create(sandbox, lastName="Newcomer", **taken)
    assert answer.keys() == {"errorCode", "errorMessage"}
    assert answer["errorCode"] == "CUSTOMER_ALREADY_EXISTS"
    assert found(sandbox, lastName="newcomer") == []


def test_a_household_may_share_its_phone_at_home(sandbox: Sandbox) -> None:
    assert "errorCode" not in create(sandbox, firstName="Kim", phoneHome="+1-212-555-0149")
    assert len(found(sandbox, phone="2125550149")) == 3


def test_an_update_changes_only_what_is_sent(sandbox: Sandbox) -> None:
    before = read(sandbox)
    after = update(sandbox, {"address": {"city": "Evanston"}}, consents={"smsSignUp": False})
    before["profile"]["address"]["city"] = "Evanston"
    before["consents"]["smsSignUp"] = False
    assert after == before == read(sandbox)


def test_an_update_replaces_a_list_as_a_whole(sandbox: Sandbox) -> None:
    assert update(sandbox, {}, products=[{"productId": "P-1002"}])["products"] == [{"productId": "P-1002"}]
    assert update(sandbox, {}, products=[])["products"] == []


def test_an_update_moves_the_customer_in_the_search(sandbox: Sandbox) -> None:
    update(sandbox, {"lastName": "Ångström", "email": "new@example.com"})
    assert found(sandbox, lastName="angst") == found(sandbox, email="new@example.com") == ["C-1001"]
    assert found(sandbox, lastName="martin") == found(sandbox, email="zoe.martin@example.com") == []


def test_an_email_that_became_free_can_be_taken(sandbox: Sandbox) -> None:
    update(sandbox, {"email": "new@example.com"})
    assert "errorCode" not in create(sandbox, firstName="Ada", email="zoe.martin@example.com")
    assert update(sandbox, {"email": "zoe.martin@example.com"})["errorCode"] == "CUSTOMER_ALREADY_EXISTS"
    assert read(sandbox)["profile"]["email"] == "new@example.com"


def test_an_update_may_repeat_what_is_already_so(sandbox: Sandbox) -> None:
    before = read(sandbox)
    assert sandbox("PUT", CUSTOMERS, json=before).json() == before


def test_nobody_can_be_updated_who_is_not_there(sandbox: Sandbox) -> None:
    answer = sandbox("PUT", CUSTOMERS, json={"profile": {"customerId": "C-9999", "firstName": "Ada"}}).json()
    assert answer["errorCode"] == "CUSTOMER_NOT_FOUND"
    assert read(sandbox, "C-9999")["errorCode"] == "CUSTOMER_NOT_FOUND"


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        ({"firstName": "zoe"}, ["C-1001"]),
        ({"firstName": "ZOË"}, ["C-1001"]),
        ({"lastName": "smi", "firstName": "h"}, ["C-1003"]),
        ({"lastName": "MUELLER"}, []),
        ({"lastName": "muller"}, ["C-1008", "C-1005"]),
        ({"lastName": "grossmann"}, ["C-1019"]),
        ({"lastName": "sørensen"}, ["C-1023"]),
        ({"lastName": "wojcik"}, ["C-1009"]),
        ({"lastName": "соколов"}, ["C-1012"]),
        ({"lastName": "佐"}, ["C-1010"]),
        ({"lastName": "mith"}, []),
        ({"email": "bo.li@example.com"}, ["C-1030"]),
        ({"email": "bo.li@example"}, []),
        ({"phone": "+1-213-555-0130"}, ["C-1030"]),
        ({"phone": "5550130"}, ["C-1030"]),
        ({"phone": "550130"}, []),
        ({"phone": "1213555"}, []),
        ({"phone": "2125550149"}, ["C-1002", "C-1003"]),
        ({"loyaltyId": "L-1024"}, ["C-1024"]),
        ({"loyaltyId": "L-102"}, []),
        ({"postalCode": "SE12XR"}, ["C-1006"]),
        ({"postalCode": "60601"}, ["C-1001"]),
        ({"customerId": "C-1012", "email": "D.Sokolov@example.com"}, ["C-1012"]),
        ({"customerId": "C-1012", "email": "bo.li@example.com"}, []),
        ({"lastName": "%"}, []),
        ({"lastName": "smith' OR '1'='1"}, []),
    ],
    ids=str,
)
def test_a_search_finds_those_who_meet_every_criterion(sandbox: Sandbox, criteria: dict[str, str], ids: list[str]) -> None:
    answer = sandbox("GET", CUSTOMERS, params=criteria).json()
    assert [one["profile"]["customerId"] for one in answer["customers"]] == ids
    assert answer.get("errorCode") == (None if ids else "CUSTOMER_NOT_FOUND")


def test_pages_cover_everybody_once_and_in_order(sandbox: Sandbox) -> None:
    whole = found(sandbox, lastName="smith")
    parts = [found(sandbox, lastName="smith", pageSize=3, pageNumber=number) for number in (1, 2)]
    assert whole == ["C-1002", "C-1003", "C-1006", "C-1016"]
    assert parts == [whole[:3], whole[3:]]


def test_contacts_and_orders_are_told_newest_first(sandbox: Sandbox) -> None:
    contacts = sandbox("GET", f"{CUSTOMERS}/C-1001/interactions").json()["interactions"]
    assert [one["interactionId"] for one in contacts] == ["I-5004", "I-5003", "I-5002", "I-5001"]
    orders = sandbox("GET", f"{CUSTOMERS}/C-1001/orders", params={"pageSize": 2, "pageNumber": 2}).json()
    assert [one["orderId"] for one in orders["orderList"]] == ["O-7038", "O-7028"]
    assert orders["totalCount"] == 7


def test_the_other_paths_of_a_customer_lead_to_the_same(sandbox: Sandbox) -> None:
    assert sandbox("GET", "/customer/C-1001").json() == read(sandbox)
    assert sandbox("GET", f"/merchant/spi/sample/endpoint{CUSTOMERS}/C-1001").json() == read(sandbox)


def addresses(sandbox: Sandbox, customer_id: str = "C-1001") -> list[dict[str, Any]]:
    """The addresses of a customer."""
    listed: list[dict[str, Any]] = sandbox("GET", ADDRESS, params={"customerId": customer_id}).json()["addressList"]
    return listed


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_addresses_that_come_with_a_customer_have_ids_of_their_own(sandbox: Sandbox, method: str) -> None:
    known, id_ = {"POST": {}, "PUT": {"customerId": "C-1001"}}[method], {"addressId": "A-1"}
    sent = {"profile": {"lastName": "Lovelace", **known}, "addressList": [{**NEW, **id_}, {**NEW, **id_}, NEW]}
    made = sandbox(method, CUSTOMERS, json=sent).json()["profile"]["customerId"]
    ids = [one["addressId"] for one in addresses(sandbox, made)]
    assert (ids[0], len(set(ids))) == ("A-1", 3)
    assert all(ids)


def test_an_id_that_fits_into_no_path_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox("POST", CUSTOMERS, json={"profile": {"lastName": "Slash", "customerId": "C/1"}})
    (told,) = answer.json()["errors"]
    assert (answer.status_code, told["path"]) == (400, "/profile/customerId")
    assert found(sandbox, lastName="slash") == []


NEW = {"addressLine1": "1 New Road", "city": "Chicago", "countryCode": "US"}


def test_a_new_address_joins_the_others_and_has_an_id(sandbox: Sandbox) -> None:
    before = addresses(sandbox)
    answer = sandbox("POST", ADDRESS, json={"customerId": "C-1001", "address": NEW}).json()
    assert answer["addressList"] == [*before, {**NEW, "addressId": answer["addressId"]}] == addresses(sandbox)
    assert read(sandbox)["addressList"] == answer["addressList"]
    assert answer["addressId"] not in {one["addressId"] for one in before}


def test_there_is_one_default_address(sandbox: Sandbox) -> None:
    answer = sandbox("POST", ADDRESS, json={"customerId": "C-1001", "address": {**NEW, "isDefault": True}}).json()
    assert [one["addressId"] for one in addresses(sandbox) if one.get("isDefault")] == [answer["addressId"]]
    sandbox("PUT", ADDRESS, json={"customerId": "C-1001", "address": {"addressId": "A-1001-2", "isDefault": True}})
    assert [one["addressId"] for one in addresses(sandbox) if one.get("isDefault")] == ["A-1001-2"]


@pytest.mark.parametrize("lacking", ["addressLine1", "city", "countryCode"])
def test_an_address_without_its_essentials_is_refused(sandbox: Sandbox, lacking: str) -> None:
    address = {name: value for name, value in NEW.items() if name != lacking}
    answer = sandbox("POST", ADDRESS, json={"customerId": "C-1001", "address": address}).json()
    assert answer["errorCode"] == "ADDRESS_INVALID"
    assert len(addresses(sandbox)) == 2


def test_an_address_may_spell_its_country_as_orders_do(sandbox: Sandbox) -> None:
    address = {"addressLine1": "1 New Road", "city": "Chicago", "country": "US"}
    assert "errorCode" not in sandbox("POST", ADDRESS, json={"customerId": "C-1001", "address": address}).json()


def test_a_change_of_an_address_keeps_the_rest_of_it_and_its_place(sandbox: Sandbox) -> None:
    before = addresses(sandbox)
    answer = sandbox("PUT", ADDRESS, json={"customerId": "C-1001", "address": {"addressId": "A-1001-1", "city": "Gary"}}).json()
    assert answer["addressList"] == [{**before[0], "city": "Gary"}, before[1]] == addresses(sandbox)


@pytest.mark.parametrize("where", ["params", "json"])
def test_an_address_is_removed_once(sandbox: Sandbox, where: str) -> None:
    ids: Any = {where: {"customerId": "C-1001", "addressId": "A-1001-1"}}
    left = sandbox("DELETE", ADDRESS, **ids).json()
    assert [one["addressId"] for one in left["addressList"]] == ["A-1001-2"]
    assert left["addressId"] == "A-1001-1"
    assert sandbox("DELETE", ADDRESS, **ids).json()["errorCode"] == "ADDRESS_NOT_FOUND"
    assert addresses(sandbox) == left["addressList"]


def test_the_last_address_can_be_removed(sandbox: Sandbox) -> None:
    ids = {"customerId": "C-1005", "addressId": "A-1005-1"}
    assert sandbox("DELETE", ADDRESS, params=ids).json()["addressList"] == []
    assert addresses(sandbox, "C-1005") == []
    assert (
        sandbox("DELETE", ADDRESS, params={"customerId": "C-1030", "addressId": "A"}).json()["errorCode"] == "ADDRESS_NOT_FOUND"
    )


def test_an_address_of_somebody_else_is_not_found(sandbox: Sandbox) -> None:
    address = {"addressId": "A-1002-1", "city": "Gary"}
    assert sandbox("PUT", ADDRESS, json={"customerId": "C-1001", "address": address}).json()["errorCode"] == "ADDRESS_NOT_FOUND"
    ids = {"customerId": "C-1001", "addressId": "A-1002-1"}
    assert sandbox("DELETE", ADDRESS, params=ids).json()["errorCode"] == "ADDRESS_NOT_FOUND"
    assert len(addresses(sandbox, "C-1002")) == 1
