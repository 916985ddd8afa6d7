"""Emporix: the whole cart, as ``cart.updated`` carries it. Every member is the vendor's; which must come is not stated."""

from __future__ import annotations

from mockspi.schema import SEED, Anything, Flag, Id, Integer, Many, Number, Part, Shape, Text

MIXINS = "custom attributes, by name"


class _Seed(Shape):
    SOURCE, OPEN = SEED, True


class EmporixMetadata(_Seed):
    """When it was made and changed."""

    createdAt = Text(about="RFC 3339")
    modifiedAt = Text(about="RFC 3339")
    version = Number(about="of the optimistic lock")


class EmporixCartMetadata(EmporixMetadata):
    """When it was made and changed, and the schemas of its custom attributes."""

    mixins = Anything(about="URLs of schemas, by name")


class EmporixMixinSchemas(_Seed):
    """The schemas of custom attributes."""

    mixins = Anything(about="URLs of schemas, by name")


class EmporixDeliveryWindow(_Seed):
    """When it is to arrive."""

    id = Text()
    slotId = Text()
    deliveryDate = Text()


class EmporixAddress(_Seed):
    """A billing or shipping address."""

    origin = Text()
    siteCode = Text()
    legalEntityId = Text()
    legalEntityLocationId = Text()
    customerAddressId = Text()
    contactName = Text()
    companyName = Text()
    street = Text()
    streetNumber = Text()
    streetAppendix = Text()
    zipCode = Text()
    city = Text()
    country = Text()
    state = Text()
    contactPhone = Text()
    type = Text()
    metadata = Part(EmporixMixinSchemas)
    mixins = Anything(about=MIXINS)


class EmporixChannel(_Seed):
    """Where the cart comes from."""

    name = Text()
    source = Text()


class EmporixDiscountDetails(_Seed):
    """Why a discount is not valid."""

    message = Text()
    details = Many(Text())


class EmporixLink(_Seed):
    """A link."""

    rel = Text()
    title = Text()
    href = Text()
    type = Text()


class EmporixDiscount(_Seed):
    """A discount of the cart."""

    id = Text()
    yrn = Text()
    couponYrn = Text()
    code = Text()
    amount = Number()
    currency = Text()
    discountRate = Number()
    name = Text()
    calculationType = Text()
    discountCalculationType = Text()
    valid = Flag()
    discountValidationDetails = Part(EmporixDiscountDetails)
    links = Many(EmporixLink)
    discountIndex = Integer()


class EmporixExternalDiscount(_Seed):
    """A discount of the cart that another system gave."""

    id = Text()
    discountType = Text()
    value = Number()
    discountCalculationType = Text()
    sequence = Number()


class EmporixItemDiscount(_Seed):
    """A discount of an item that another system gave."""

    id = Text()
    discountType = Text()
    value = Number()
    includeFees = Flag()
    sequence = Number()


class EmporixImage(_Seed):
    """A picture."""

    id = Text()
    url = Text()


class EmporixVendor(_Seed):
    """Who sells it."""

    id = Text()
    name = Text()


class EmporixProduct(_Seed):
    """The product of an item."""

    id = Text()
    sku = Text()
    code = Text()
    yrn = Text()
    name = Text()
    localizedName = Anything(about="language, then name")
    description = Text()
    images = Many(EmporixImage)
    metadata = Part(EmporixMixinSchemas)
    mixins = Anything(about=MIXINS)
    vendor = Part(EmporixVendor)


class EmporixUnitPrice(_Seed):
    """The price of one unit."""

    netValue = Number()
    grossValue = Number()
    taxValue = Number()
    taxCode = Text()
    taxRate = Number()


class EmporixMeasurementUnit(_Seed):
    """What the price is for."""

    quantity = Number()
    unitCode = Text()


class EmporixPrice(_Seed):
    """The price of an item."""

    priceId = Text()
    priceListId = Text()
    yrn = Text()
    originalAmount = Number()
    effectiveAmount = Number()
    currency = Text()
    measurementUnit = Part(EmporixMeasurementUnit)


class EmporixAmount(_Seed):
    """An amount of money."""

    currency = Text()
    amount = Number()


class EmporixFeeTax(_Seed):
    """A tax of a fee."""

    name = Text()
    rate = Number()
    taxable = Number(about="a number, as the vendor has it")
    value = Part(EmporixAmount)


class EmporixFee(_Seed):
    """A fee that another system set."""

    id = Text()
    name = Anything()
    yrn = Text()
    feeType = Text()
    feePercentage = Number()
    feeAbsolute = Part(EmporixAmount)
    taxable = Flag()
    taxCode = Text()
    taxValues = Many(EmporixFeeTax)


class EmporixLinePrice(_Seed):
    """The price of a line."""

    effectiveAmount = Number()
    originalAmount = Number()
    currency = Text()


class EmporixLineTax(_Seed):
    """The tax of a line."""

    name = Text()
    rate = Number()
    grossValue = Number()
    netValue = Number()
    quantity = Number()


class EmporixItemTax(_Seed):
    """One tax of an item."""

    name = Text()
    value = Part(EmporixAmount)
    rate = Number()
    grossValue = Number()
    netValue = Number()


class EmporixItem(_Seed):
    """An item of the cart."""

    id = Text()
    keepAsSeparateLineItem = Flag()
    yrn = Text()
    product = Part(EmporixProduct)
    itemYrn = Text()
    type = Text()
    quantity = Number()
    effectiveQuantity = Number()
    unitPrice = Part(EmporixUnitPrice)
    totalTax = Number()
    mixins = Anything(about=MIXINS)
    externalDiscounts = Many(EmporixItemDiscount)
    price = Part(EmporixPrice)
    externalFees = Many(EmporixFee)
    linePrice = Part(EmporixLinePrice)
    lineTax = Part(EmporixLineTax)
    itemTaxInfo = Many(EmporixItemTax)


class EmporixCart(_Seed):
    """The whole cart."""

    id = Id(required=True)
    yrn = Text()
    restriction = Text()
    customerId = Text()
    legalEntityId = Text()
    status = Text()
    orderId = Text()
    quoteId = Text()
    currency = Text()
    deliveryWindow = Part(EmporixDeliveryWindow)
    type = Text()
    countryCode = Text()
    addresses = Many(EmporixAddress)
    channel = Part(EmporixChannel)
    discounts = Many(EmporixDiscount)
    externalDiscounts = Many(EmporixExternalDiscount)
    sessionId = Text()
    siteCode = Text()
    items = Many(EmporixItem)
    mixins = Anything(about=MIXINS)
    metadata = Part(EmporixCartMetadata)
