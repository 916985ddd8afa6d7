"""The quick look at a body and the masking of it agree: what needs no masking is not masked, what does is."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from mockspi import masking
from mockspi.masking import MASK, masked_body

WORDS = ["api_key", "Api-Key", "apikey", "cookie", "set-cookie", "secret", "clientSecret", "pass_word", "passWord", "credentials",
         "authorization", "Proxy-Authorization", "to-ken", "refresh_token", "cardAcquisitionToken", "card_acquisition_token",
         "cardAcquisitionTokens", "Xcard-acquisitionToken", "authorizationCode", "pin", "P-I-N", "cvv", "CVC", "c_v_c", "spin",
         "shippingMethod", "name", "Zo\u00eb", "\u00b5pin"]  # fmt: skip
NAMES = some.one_of(
    some.sampled_from(WORDS), some.builds(str.__add__, some.sampled_from(WORDS), some.sampled_from(WORDS)), some.text(max_size=5)
)
SCRAPS = some.one_of(
    NAMES,
    some.sampled_from(['"', '"', ":", "=", " ", "\n", "{", "[", "}", "]", ",", "\\", "&", '\\"', '":"', "5", "null", "-", "_"]),
)
DOCUMENTS = some.recursive(
    some.none() | some.integers() | some.text(max_size=9) | NAMES | some.builds("{}={}".format, NAMES, NAMES),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
BODIES = some.one_of(
    some.lists(SCRAPS, max_size=14).map(lambda parts: "".join(parts).encode()),
    some.builds(lambda document, raw: json.dumps(document, ensure_ascii=raw).encode(), DOCUMENTS, some.booleans()),
    some.builds(lambda document, end: json.dumps(document).encode()[:end], DOCUMENTS, some.integers(1, 90)),
    some.binary(max_size=30),
)


@given(BODIES)
@example(b'{"cardAcquisitionToken":"A","to_ken":"B"}')
@example(b'{"cardAcquisitionToken":{"token":"B"}}')
@example(b'cardacquisition"token":1')
@example(b'{"a":"x","cv-v":1,"cookies":2}')
@settings(max_examples=800, deadline=None)
def test_a_body_of_which_the_quick_look_says_no_has_nothing_to_mask(body: bytes) -> None:
    assert masked_body(body) == masking._masked(body)


@pytest.mark.parametrize(
    "name",
    [
        "apikey",
        "cookie",
        "secret",
        "password",
        "credential",
        "authorization",
        "token",
        "pin",
        "cvv",
        "cvc",
        "pass_word",
        "to-ken",
    ],
)
def test_each_secret_name_is_masked_alone_as_a_member_and_in_a_pair(name: str) -> None:
    assert json.loads(masked_body(json.dumps({"a": 1, name.upper(): "tell-nobody"}).encode())) == {"a": 1, name.upper(): MASK}
    assert masked_body(f"a=1&{name}=tell-nobody".encode()) == f"a=1&{name}={MASK}".encode()


def test_what_opens_nothing_is_looked_at_once_more_where_something_else_may_be_a_secret() -> None:
    sent = {"cardAcquisitionToken": "CARD-1", "shippingMethod": "spin=1", "authorization": "tell-nobody"}
    assert json.loads(masked_body(json.dumps(sent).encode())) == {**sent, "authorization": MASK}
