"""Next Commerce: ``cart.abandoned`` in its two published versions. Money is a decimal text, and what is empty is null."""

from __future__ import annotations

from typing import Any

from mockspi.event import NEXT_COMMERCE, Event
from mockspi.schema import ASSUMED, PUBLIC, SEED, Anything, Choice, Flag, Id, Integer, Many, Part, Shape, Text, validate

CURRENT, OLD = "2024-04-01", "2023-02-10"


class Decimal(Text):
    """An amount as a decimal text, such as "24.50"."""

    def __init__(self, **options: Any) -> None:
        pattern = validate.Regexp(r"^-?\d{0,10}(?:\.\d{0,2})?\Z", error='a decimal text is expected, such as "24.50"')
        super().__init__(validate=pattern, **options)


class _Seed(Shape):
    SOURCE, OPEN = SEED, True


class _Public(Shape):
    SOURCE, OPEN = PUBLIC, True


class NextAgent(_Seed):
    """Who worked on the cart."""

    email = Text(allow_none=True)
    first_name = Text()
    id = Integer(required=True)
    last_name = Text()


class NextAttribution(_Seed):
    """What brought the customer."""

    affiliate = Text(allow_none=True)
    agent = Part(NextAgent, required=True)
    funnel = Text(allow_none=True)
    gclid = Text(allow_none=True, about="Google's click identifier")
    metadata = Anything(allow_none=True)
    subaffiliate1 = Text(allow_none=True)
    subaffiliate2 = Text(allow_none=True)
    subaffiliate3 = Text(allow_none=True)
    subaffiliate4 = Text(allow_none=True)
    subaffiliate5 = Text(allow_none=True)
    utm_campaign = Text(allow_none=True)
    utm_content = Text(allow_none=True)
    utm_medium = Text(allow_none=True)
    utm_source = Text(allow_none=True)
    utm_term = Text(allow_none=True)


class NextUser(_Seed):
    """The customer."""

    accepts_marketing = Flag()
    email = Text(allow_none=True)
    first_name = Text()
    id = Integer(required=True)
    ip = Text(allow_none=True)
    language = Text(allow_none=True)
    last_name = Text()
    phone_number = Text(allow_none=True)
    user_agent = Text(allow_none=True)


class NextVoucher(_Seed):
    """A voucher."""

    code = Text()
    end_datetime = Text(about="ISO 8601")
    name = Text()
    start_datetime = Text(about="ISO 8601")


class NextVoucherDiscount(_Seed):
    """What a voucher takes off."""

    amount = Decimal()
    description = Text()
    name = Text()
    voucher = Part(NextVoucher)


class NextLineReport(_Seed):
    """The money of a line in the currency of reports."""

    currency = Text()
    price_excl_tax = Decimal()
    price_incl_tax = Decimal()
    total_cost = Decimal()
    total_discount = Decimal()
    unit_cost = Decimal()


class NextLine(_Seed):
    """A line of a cart."""

    currency = Text()
    id = Integer(required=True)
    interval = Text(allow_none=True, about="of a subscription")
    interval_count = Integer(allow_none=True)
    is_upsell = Flag()
    metadata = Anything(allow_none=True)
    price_excl_tax = Decimal(required=True)
    price_incl_tax = Decimal(required=True)
    product_id = Integer(required=True)
    product_image = Text(required=True)
    product_title = Text(required=True)
    product_url = Text(required=True)
    quantity = Integer(low=0)
    report_values = Part(NextLineReport, required=True)
    sku = Text(required=True)
    total_cost = Decimal(required=True)
    total_discount = Decimal(required=True)
    unit_cost = Decimal(required=True)
    variant_id = Integer(required=True)
    variant_title = Text(required=True)


class NextCartReport(_Seed):
    """The money of a cart in the currency of reports."""

    currency = Text()
    total_cost = Decimal()
    total_discount = Decimal()
    total_excl_tax = Decimal()
    total_incl_tax = Decimal()


class NextCart(_Seed):
    """A cart, as version 2024-04-01 has it."""

    abandoned = Flag()
    attribution = Part(NextAttribution, required=True)
    checkout_url = Text(required=True)
    created_at = Text(required=True, about="ISO 8601")
    currency = Text(required=True)
    id = Integer(required=True)
    lines = Many(NextLine, required=True)
    metadata = Anything(allow_none=True)
    report_values = Part(NextCartReport, required=True)
    status = Text(required=True, about="open, in lower case as the documentation writes it")
    total_cost = Decimal(required=True)
    total_discount = Decimal(required=True)
    total_excl_tax = Decimal(required=True)
    total_incl_tax = Decimal(required=True)
    user = Part(NextUser, required=True)
    voucher_discounts = Many(NextVoucherDiscount)


class NextCategory(_Public):
    """A category of a product."""

    id = Integer(required=True)
    name = Text(required=True)
    slug = Text(required=True)


class NextImage(_Public):
    """A picture of a product."""

    attachment = Text(allow_none=True)
    caption = Text()
    display_order = Integer(low=0)
    id = Integer(required=True)


class NextProduct(_Public):
    """The product of a line."""

    categories = Many(NextCategory, required=True)
    id = Integer(required=True)
    images = Many(NextImage, required=True)
    title = Text(required=True)
    upc = Text(allow_none=True)
    url = Text(required=True)


class NextStockRecord(_Public):
    """Stock and price of a product."""

    id = Integer(required=True)
    low_stock_threshold = Integer(low=0)
    num_allocated = Integer(allow_none=True)
    num_in_stock = Integer(allow_none=True)
    partner_sku = Text(allow_none=True)
    price = Decimal(allow_none=True)
    price_currency = Text(allow_none=True)
    price_retail = Decimal(allow_none=True)


class NextLineAttribute(_Public):
    """An option that was chosen."""

    option = Text(required=True)
    value = Anything(required=True)


class NextOldLine(_Public):
    """A line of a cart, as version 2023-02-10 has it."""

    attributes = Many(NextLineAttribute, required=True)
    id = Integer(required=True)
    is_upsell = Flag()
    metadata = Anything(allow_none=True)
    price_currency = Text()
    product = Part(NextProduct, required=True)
    quantity = Integer(low=0)
    stockrecord = Part(NextStockRecord, required=True)


class NextOldCart(_Public):
    """A cart, as version 2023-02-10 has it."""

    abandoned = Flag()
    attribution = Part(NextAttribution, required=True)
    checkout_url = Text(required=True)
    currency = Text(required=True)
    date_created = Text(required=True, about="ISO 8601")
    id = Integer(required=True)
    is_tax_known = Flag(required=True)
    lines = Many(NextOldLine, required=True)
    metadata = Anything(allow_none=True)
    status = Text(required=True)
    total_excl_tax = Decimal(required=True)
    total_excl_tax_excl_discounts = Decimal(required=True)
    total_incl_tax = Decimal(required=True)
    total_incl_tax_excl_discounts = Decimal(required=True)
    total_tax = Decimal(required=True)
    user = Part(NextUser, required=True)
    voucher_discounts = Many(NextVoucherDiscount, source=ASSUMED, about="each as in version 2024-04-01")


class NextWebhook(_Seed):
    """The subscription that the event goes to."""

    events = Many(Text())
    id = Integer()
    store = Text()
    target = Text()


class _Envelope(_Seed):
    """What every event of Next Commerce comes in."""

    api_version = Choice(CURRENT, required=True)
    data = Part(NextCart, required=True)
    event_id = Id(required=True, about="a UUID; the same event has the same")
    event_type = Choice("cart.abandoned", required=True)
    object = Choice("cart", required=True)
    webhook = Part(NextWebhook)


class NextCartAbandoned(_Envelope):
    """A cart that was abandoned, in its envelope."""


class NextOldCartAbandoned(_Envelope):
    """A cart that was abandoned, in its envelope, as version 2023-02-10 has it."""

    SOURCE = PUBLIC

    api_version = Choice(OLD, required=True)
    data = Part(NextOldCart, required=True)


def _abandoned(body: type[Shape], version: str, source: str, note: str = "") -> Event:
    about = f"A cart was left open for half an hour without an order.{note}"
    return Event(name="cart.abandoned", platform=NEXT_COMMERCE, about=about, body=body, source=source, version=version)


EVENTS = (
    _abandoned(NextCartAbandoned, CURRENT, SEED),
    _abandoned(NextOldCartAbandoned, OLD, PUBLIC, " Deprecated by the vendor."),
)
