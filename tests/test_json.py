"""JSON is read and written as the standard library does it, to the byte and to the word of what is wrong."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from mockspi import contract
from mockspi.errors import JsonUnreadable
from mockspi.exchange import Request, decode, encode, encode_each

NUMBERS = some.one_of(
    some.floats(),
    some.floats(min_value=-1e-3, max_value=1e-3),
    some.floats(min_value=1e14, max_value=1e19),
    some.decimals(min_value=0, max_value=1000, places=2).map(float),
    some.integers(),
    some.integers(min_value=2**62, max_value=2**66),
    some.sampled_from([1e16, 1e-4, 9.9e-5, 1e-5, 1e-7, 5e-324, -0.0, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1]),
)
TEXTS = some.one_of(
    some.text(max_size=9),
    some.sampled_from(["null", "e-1", "0e-0", "\x1b\x7f\u2028/", "\ud800", "\ud83d\ude00", 'a"\\\b\f\n\r\t\0']),
)
PLAIN = some.none() | some.booleans() | NUMBERS | TEXTS
DOCUMENTS = some.recursive(
    PLAIN, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
SCRAPS = some.sampled_from(
    [*'{}[]:,"\\ \t\n\r0123456789.-+eE', "true", "null", "NaN", "\\ud800", "\\udc00", "\\u0000", "\x01", "\ufeff"]
)


@some.composite
def bodies(draw: some.DrawFn) -> bytes:
    """JSON in many spellings, and what is nearly JSON."""
    raw = draw(some.booleans())
    text = json.dumps(draw(DOCUMENTS), ensure_ascii=raw, indent=draw(some.sampled_from([None, 1])))
    for scrap in draw(some.lists(SCRAPS, max_size=2)):
        at = draw(some.integers(0, len(text)))
        text = text[:at] + scrap + text[at + draw(some.integers(0, 1)) :]
    return text.encode("utf-8", "surrogatepass")


def tried(does: Any, value: Any) -> str:
    """What comes of it, with types, order and signs of zeros; or what is wrong."""
    try:
        return repr(does(value))
    except JsonUnreadable as failure:
        return repr(failure.errors)
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def library(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


@given(DOCUMENTS)
@example([21.0, 1e16, 1e-5, 1.234e-05, 1e-7, 1e22, -0.0])
@settings(max_examples=800, deadline=None)
def test_what_is_written_are_the_bytes_of_the_standard_library(document: Any) -> None:
    assert tried(encode, document) == tried(library, document)
    assert tried(encode_each, [document, 1]) == tried(lambda both: [library(one) for one in both], [document, 1])


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**64,
        {1: 2},
        {None: 1},
        (1, 2),
        "\ud800",
        object,
        date(2026, 1, 1),
        Request("GET", "/"),
        1e-5,
    ],
    ids=str,
)
def test_so_are_its_refusals(value: Any) -> None:
    assert tried(encode, [value]) == tried(library, [value])


@given(bodies())
@example(b'{"a":1,"b":2,"a":-0}')
@example(b"[18446744073709551615, 18446744073709551616, -9223372036854775809, 1e999]")
@settings(max_examples=800, deadline=None)
def test_what_is_read_quickly_is_read_the_same_slowly(body: bytes) -> None:
    assert tried(contract.parse, body) == tried(contract._read, body)


@pytest.mark.parametrize("body", [b'{"a": [1, 2.50, "\\u00eb", null, true]}', b'{"id": "123456789012345678"}'])
def test_what_most_send_is_read_quickly(body: bytes) -> None:
    assert decode(body) == json.loads(body)
