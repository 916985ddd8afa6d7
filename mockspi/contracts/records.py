"""The records of a fixture set: what each may hold.

A record that the POS has written may hold more than its shape declares (shapes are open); one in a fixture file
may not, unless the set declares it in ``custom_attributes.json``.
"""

from __future__ import annotations

from mockspi.contracts.common import OMNI_FULFILLMENT, Address, Reserved, SavedAddress, Tier
from mockspi.schema import ASSUMED, PUBLIC, SEED, Choice, Flag, Id, Integer, Many, Moment, Money, Number, Part, Shape, Text
from mockspi.schema.validate import Length, Regexp, ValidationError

_CLOCK = Regexp(r"([01]\d|2[0-3]):[0-5]\d\Z", error="a time of day such as 14:30 is expected")
_NUMBER = Regexp(r"[1-9]\d{0,14}\Z", error="a number such as 12, as text, is expected")
_DATE = Regexp(r"\d{4}-\d{2}-\d{2}\Z", error="a date such as 2026-12-25 is expected")
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def is_time_zone(name: str) -> None:
    """Refuse a zone that nobody knows: its slots would silently be in another."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # slow to import, and few servers ask for it

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("an IANA time zone such as Europe/Paris is expected") from error


class Record(Shape):
    """The base of what is stored: merchants' own attributes are kept."""

    OPEN = True


class TaxInfo(Record):
    """A customer's tax registration."""

    SOURCE = PUBLIC

    taxId = Text()


class Profile(Record):
    """Who a customer is."""

    SOURCE = PUBLIC

    customerId = Id(source=SEED)
    salutation = Text()
    firstName = Text()
    lastName = Text()
    email = Text()
    gender = Text()
    birthday = Moment()
    preferredLanguage = Text()
    phoneMobile = Text()
    phoneHome = Text()
    address = Part(Address)
    taxInfo = Part(TaxInfo)
    alternateCustomerId = Text()


class SavedProfile(Profile):
    """Who a customer is, once the merchant knows them: they have an id."""

    customerId = Id(required=True, source=SEED)


class CurrentTier(Tier):
    """The tier that a customer has, and until when."""

    expiryDate = Moment(source=SEED)


class LoyaltyProfile(Record):
    """A customer's standing in the loyalty programme."""

    loyaltyId = Id()
    points = Integer(about="below zero where points were spent and what had earned them came back")
    currentStoreCredit = Money(source=PUBLIC)
    currentTier = Part(CurrentTier, source=PUBLIC)


class Consents(Record):
    """What a customer agreed to."""

    SOURCE = PUBLIC

    newsLetterSignUp = Flag()
    eReceipt = Flag()
    smsSignUp = Flag()
    agreeToTC = Flag()
    directMailSignUp = Flag()
    phoneSignUp = Flag()
    loyaltySignUp = Flag()


class Card(Record):
    """A payment card on file; never its number."""

    cardType = Text(source=PUBLIC)
    lastFour = Text(validate=Length(equal=4))
    expiryMonth = Integer(low=1, high=12)
    expiryYear = Integer(low=2000, high=2100)
    cardHolderName = Text()
    cardAcquisitionToken = Id()


class WishedProduct(Record):
    """One product of a wish list."""

    productId = Id(required=True)


class Customer(Record):
    """A customer; ``orderCount`` is not here because it is counted, not kept."""

    SOURCE = PUBLIC

    profile = Part(SavedProfile, required=True)
    addressList = Many(SavedAddress)
    loyaltyProfile = Part(LoyaltyProfile)
    consents = Part(Consents)
    cardList = Many(Card)
    products = Many(WishedProduct, about="the wish list")


class Product(Record):
    """Something that is sold."""

    productId = Id(required=True, source=PUBLIC)
    gtin = Text(required=True, source=PUBLIC, validate=Regexp(r"\d{8,14}\Z", error="8 to 14 digits are expected"))
    name = Text(required=True, source=PUBLIC)
    variantGroupId = Text(source=PUBLIC)
    productClass = Text(required=True, source=PUBLIC)
    productTaxCode = Id(required=True, source=PUBLIC)
    price = Money(low=0, required=True, source=PUBLIC)
    currency = Text(required=True, source=PUBLIC)
    color = Text(source=PUBLIC)
    size = Text(source=PUBLIC)
    imageURL = Text(source=PUBLIC)
    returnable = Flag(required=True)
    weight = Number(low=0, about="kilograms")
    omniFulfillmentTypes = Many(Choice(*OMNI_FULFILLMENT), about="the ways it can reach a customer; any unless said")


class Shop(Record):
    """A store."""

    storeId = Id(required=True, source=PUBLIC)
    name = Text(required=True)
    address = Part(Address, required=True)
    latitude = Number(low=-90, high=90)
    longitude = Number(low=-180, high=180)
    timeZone = Text(required=True, validate=is_time_zone, about="IANA name")
    currency = Text(required=True)
    pickup = Flag(required=True)


class Stock(Record):
    """How much of a product lies at a place."""

    productId = Id(required=True)
    locationId = Id(required=True, about="a storeId, or ONLINE")
    onHand = Integer(low=0, required=True)


class Employee(Record):
    """Somebody who may have an employee discount."""

    employeeId = Id(required=True)
    firstName = Text(required=True)
    lastName = Text(required=True)
    email = Text()
    storeId = Id()
    active = Flag(required=True)
    discountPercent = Number(low=0, high=100, required=True)
    discountLimit = Money(low=0, required=True, about="what their purchases may come to in a period, in their store's currency")
    discountPeriod = Choice("MONTH", "YEAR", source=ASSUMED, about="of the calendar at their store; for ever unless said")


class Reward(Record):
    """Something that a customer can use as a tender."""

    rewardId = Id(required=True)
    customerId = Id(required=True)
    name = Text(required=True)
    amount = Money(low=0, required=True)
    currency = Text(required=True)
    expiryDate = Moment(required=True)
    status = Choice("AVAILABLE", "USED", required=True)
    orderId = Id(about="where it was used")


class WeightBand(Record):
    """What heavy things cost to send."""

    over = Number(low=0, required=True, about="kilograms; the price holds for what weighs more")
    price = Money(low=0, required=True)


class ShippingMethod(Record):
    """A way to send things."""

    SOURCE = ASSUMED

    shippingMethodId = Id(required=True)
    name = Text(required=True)
    carrier = Text(required=True)
    price = Money(low=0, required=True)
    currency = Text(required=True)
    freeOver = Money(low=0)
    countries = Many(Id(), required=True)
    states = Many(Id(), about="only these of the countries; all unless said")
    postalPrefixes = Many(Id(), about="only postal codes that begin so; all unless said")
    maxWeight = Number(low=0, about="kilograms; heavier things do not go this way")
    weightBands = Many(WeightBand, about="prices of what is heavier; the highest that is exceeded counts")
    minDays = Integer(low=0, high=365, required=True, about="working days from the day on which the order is in time")
    maxDays = Integer(low=0, high=365, required=True)
    pickup = Flag(required=True)


class WeeklySlot(Record):
    """One slot of a week."""

    day = Choice(*DAYS, required=True)
    startTime = Text(required=True, validate=_CLOCK)
    endTime = Text(required=True, validate=_CLOCK)
    capacity = Integer(low=0, required=True)


class SlotPattern(Record):
    """When a store (or ONLINE) delivers or hands over by one shipping method."""

    storeId = Id(required=True, about="a storeId, or ONLINE")
    shippingMethodId = Id(required=True)
    cutOff = Text(required=True, validate=_CLOCK, about="after it the first day moves on by one")
    leadDays = Integer(low=0, high=365, required=True)
    horizonDays = Integer(low=1, high=365, required=True)
    weekly = Many(WeeklySlot, required=True)
    blackoutDates = Many(Text(validate=_DATE))
    timeZone = Text(validate=is_time_zone, source=ASSUMED, about="IANA name; the store's unless said, UTC for ONLINE")


class Interaction(Record):
    """A contact with a customer."""

    interactionId = Id(required=True)
    customerId = Id(required=True)
    type = Text(required=True)
    date = Moment(required=True)
    storeId = Id()
    associateId = Id()
    note = Text()


class LoyaltyTier(Tier):
    """A tier of the programme: from how many points, and what a point costs."""

    SOURCE = ASSUMED

    threshold = Integer(low=0, required=True)
    multiplier = Number(low=0, required=True)
    pointsPerUnit = Integer(low=0, required=True, about="points for one unit of currency")
    validDays = Integer(low=1, high=36_500, about="how long it is kept once it is reached; 365 unless said")
    pointsValidDays = Integer(low=1, high=36_500, about="how long points are valid that were earned in it; for ever unless said")


class LoyaltyEntry(Record):
    """One line of a customer's ledger of points."""

    customerId = Id(required=True)
    entryId = Text(required=True, validate=_NUMBER, about="1, 2, 3, ... in the order of booking")
    type = Choice("EARN", "REDEEM", "EXPIRE", "ADJUST", required=True)
    points = Integer(required=True, about="below zero where they go")
    date = Moment(required=True)
    orderId = Id(about="the order that earned them or that they paid")
    returnOrderId = Id(about="the return that took them or gave them back")
    rate = Number(low=0, about="points for one unit of currency, where an order earned them")
    expiresAt = Moment(about="when what is left of them expires")
    expiredEntryId = Id(about="the entry whose points have expired")


class Reservation(Record):
    """Stock held for a cart until it is sold, reverted or expired."""

    cartId = Id(required=True)
    status = Choice("HELD", "SOLD", "REVERTED", "EXPIRED", required=True)
    orderId = Id(about="what it was sold as")
    expiresAt = Moment(required=True)
    productList = Many(Reserved, required=True)
