"""Shapes that several contracts share: addresses, product lines, errors, paging."""

from __future__ import annotations

from mockspi.schema import (
    ASSUMED,
    PUBLIC,
    SEED,
    Anything,
    Choice,
    Flag,
    Id,
    Integer,
    Many,
    Money,
    Part,
    Shape,
    Text,
)

FULFILLMENT = ("IN_STORE", "ONLINE")
OMNI_FULFILLMENT = ("IN_STORE", "SHIP_TO_HOME", "SHIP_TO_HOME_CURRENT_STORE", "BOPIS", "ROPIS", "BOFIS")


class Address(Shape):
    """A postal address; ``countryCode`` in customer data, ``country`` in orders, either is understood."""

    SOURCE, OPEN = PUBLIC, True

    firstName = Text()
    lastName = Text()
    addressLine1 = Text()
    addressLine2 = Text()
    city = Text()
    state = Text()
    postalCode = Text()
    countryCode = Text(about="ISO 3166-1 alpha-2")
    country = Text(about="ISO 3166-1 alpha-2, as the order sample spells it")
    phone = Text(source=ASSUMED)


class CustomerAddress(Address):
    """One entry of a customer's addressList."""

    addressId = Id(source=ASSUMED)
    isDefault = Flag(source=ASSUMED)


class SavedAddress(CustomerAddress):
    """An address as the merchant keeps it: it has an id."""

    addressId = Id(required=True, source=ASSUMED)


class Tier(Shape):
    """A loyalty tier as a customer sees it."""

    SOURCE, OPEN = PUBLIC, True

    name = Text(required=True)
    title = Text()
    subTitle = Text()


class LineRequest(Shape):
    """One product line of a request; it names its product by ``productId`` or ``gtin``."""

    SOURCE, OPEN, ONE_OF = PUBLIC, True, ("productId", "gtin")

    orderItemId = Id()
    productId = Id()
    gtin = Id()
    quantity = Integer(low=1, high=100_000, required=True)
    price = Money(low=0)
    discount = Money(low=0)
    fulfillmentType = Choice(*FULFILLMENT)
    fulfillmentSubType = Text()
    omniFulfillmentType = Choice(*OMNI_FULFILLMENT)
    fulfillmentLocation = Id()
    storeId = Id(source=ASSUMED)
    shippingAddress = Part(Address, source=ASSUMED)
    shippingMethodId = Id(source=ASSUMED)


class CartRequest(Shape):
    """What requests about a cart have in common."""

    SOURCE, OPEN = ASSUMED, True

    cartId = Id()
    storeId = Id()
    registerId = Id()
    associateId = Id()
    customerId = Id()
    currency = Text(about="ISO 4217")
    productList = Many(LineRequest, required=True)
    shippingAddress = Part(Address)


class PageQuery(Shape):
    """Paging, as query parameters."""

    pageNumber = Integer(low=1, high=1_000_000, about="from 1; 1 unless given")
    pageSize = Integer(low=1, high=100, about="25 unless given")


class PageReply(Shape):
    """Where in the whole a page stands."""

    totalCount = Integer(required=True, about="how many there are in all")
    pageNumber = Integer(required=True)
    pageSize = Integer(required=True)


class Where(Shape):
    """One place at which a request breaks the contract."""

    path = Text(required=True, about="JSON pointer; a query parameter is /name")
    message = Text(required=True)
    contract = Text(about="endpoint name of the contract, or of the nearest one")
    expected = Text(about="what should stand there")
    got = Anything(about="what came, unless nothing did; secrets are masked")
    example = Text(about="file and line of the fixture set where an example does it right")
    orderItemId = Id(about="of the line, where a tax of a line differs")


class BrokenReply(Shape):
    """The body of a 4xx or 5xx answer."""

    errorCode = Id(required=True, source=SEED)
    errorMessage = Text(required=True, source=SEED)
    errors = Many(Where)
    errorId = Text(about="found in the server's log, where the fault is ours")


class RefusalReply(Shape):
    """The body of a business "no": HTTP 200, these two, and an empty list where the reply is a list."""

    errorCode = Id(required=True, source=SEED)
    errorMessage = Text(required=True, source=SEED)
    errors = Many(Where)


class Reserved(Shape):
    """Units of one line, held for a cart."""

    orderItemId = Id()
    productId = Id(required=True)
    locationId = Id(required=True, about="a storeId, or ONLINE")
    quantity = Integer(low=0, required=True)
