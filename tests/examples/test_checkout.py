"""Ten tests as a developer would write them for ``checkout_client``; run them with ``pytest -n 4``."""

import pytest
import requests
from checkout_client import Checkout, SoldOut

from mockspi.testing import responses_mock

CHICAGO = {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"}


@pytest.fixture
def checkout(mockspi):
    return Checkout(mockspi.base_url, mockspi.api_key, pause=lambda seconds: None)


def test_a_customer_is_looked_up_once(checkout, mockspi):
    assert checkout.customer("C-1001")["firstName"] == "Zoë"
    mockspi.verify("GET_CUSTOMER", path={"customerId": "C-1001"}, exactly=1)
    mockspi.verify("SEARCH_CUSTOMERS", never=True)


def test_a_customer_of_our_own(checkout, mockspi):
    somebody = mockspi.records("customers").get("C-1001")
    somebody["profile"] |= {
        "customerId": "C-NEW",
        "firstName": "Ada",
        "email": "ada@example.com",
        "phoneMobile": "+1-312-555-0999",
    }
    mockspi.records("customers").put(somebody)
    assert checkout.customer("C-NEW")["firstName"] == "Ada"
    mockspi.records("customers").delete("C-NEW")
    assert checkout.customer("C-NEW") is None


def test_sold_out_at_the_last_moment(checkout, mockspi):
    mockspi.use("sold-out-at-checkout")
    with pytest.raises(SoldOut):
        checkout.reserve("CART-1", "P-1001", 1, "S-102")


def test_the_till_estimates_when_the_tax_service_is_down(checkout, mockspi):
    assert checkout.tax("P-1001", 24, CHICAGO) == pytest.approx(2.46)
    mockspi.use("tax-service-down")
    assert checkout.tax("P-1001", 24, CHICAGO) is None
    mockspi.verify("TAX_SERVICE.calculateTax", status=503, exactly=3)


def test_a_flaky_call_is_tried_again(checkout, mockspi):
    mockspi.rule("GET_CUSTOMER", status=503, retryAfter=1, times={"first": 2})
    assert checkout.customer("C-1001")
    mockspi.verify(order=[{"contract": "GET_CUSTOMER", "status": 503}, {"contract": "GET_CUSTOMER", "status": 200}])


def test_a_torn_connection_is_an_error(checkout, mockspi):
    mockspi.rule("GET_CUSTOMER", fault="reset")
    with pytest.raises(requests.ConnectionError):
        checkout.customer("C-1001")


def test_a_reservation_ends_after_fifteen_minutes(checkout, mockspi):
    mockspi.clock.freeze("2027-03-01T09:30:00Z")
    assert checkout.reserve("CART-1", "P-1001", 2, "S-102") == 1803893400000 + 900_000
    fired = mockspi.clock.advance(901)
    assert ("RESERVATION_EXPIRED", "CART-1") in [(one["kind"], one["id"]) for one in fired]


@pytest.mark.mockspi(strict=True)
def test_the_booking_goes_out_behind(checkout, mockspi):
    lines = [{"productId": "P-1001", "quantity": 1, "price": 24, "tax": 2.46}]
    checkout.book_tax_later({"orderId": "O-9001", "destinationAddress": CHICAGO, "productList": lines})
    mockspi.wait_for("TAX_SERVICE.finalizeTaxSubmission", match={"/orderId": "O-9001"}, status=200)


def test_without_a_server_and_without_a_change():
    with responses_mock(base_url="https://pos-merchant.example/spi/1.0", api_key="key-from-our-config") as box:
        box.rule("GET_CUSTOMER", fault="timeout", times={"first": 1})
        checkout = Checkout("https://pos-merchant.example/spi/1.0", "key-from-our-config")
        with pytest.raises(requests.Timeout):
            checkout.customer("C-1001")
        assert checkout.customer("C-1001")["lastName"] == "Martin"


def test_without_a_socket(mockspi_app):
    found = mockspi_app.client.get(mockspi_app.url("SEARCH_CUSTOMERS", email="zoe.martin@example.com")).json
    assert [one["profile"]["customerId"] for one in found["customers"]] == ["C-1001"]
    mockspi_app.verify("SEARCH_CUSTOMERS", query={"email": "zoe.martin@example.com"})
