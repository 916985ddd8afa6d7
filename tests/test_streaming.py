"""Record files read piece by piece, held against the way that reads them whole."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mockspi.fixtures.files import Files
from mockspi.fixtures.layout import layout
from mockspi.fixtures.reading import parsed, rows, sample_set
from mockspi.fixtures.streaming import Doubt, texts, values

RECORDS = [
    {"id": "1", "name": 'Thảo "the },\n{\\"quick" / M\u00e1rta', "list": [{"a": 1}, {"a": 2}], "open": True},
    {"id": "2", "amount": 12.5, "none": None, "empty": {}, "words": ["x", "y"]},
    {"name": "another first member", "id": "3", "list": [{"a": [{"b": "]"}]}]},
    {"id": "4", "large": 10**25, "small": 1e-7, "minus": -3},
]
LAYOUTS = {
    "a line each": lambda found: "[" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in found) + "]",
    "indented": lambda found: json.dumps(found, indent=2),
    "no blanks": lambda found: json.dumps({"records": found}, separators=(",", ":")),
    "one line": lambda found: json.dumps({"$schema": "../schemas/x.json", "records": found}, ensure_ascii=False),
    "as fmt writes": lambda found: layout({"$schema": "../schemas/x.json", "records": found}),
    "a comma in front": lambda found: "\ufeff [" + "\n, ".join(json.dumps(one, indent=1) for one in found) + " ] \n",
}


def chunked(text: bytes, size: int) -> Iterator[bytes]:
    """A text as it comes from a file."""
    return (text[place : place + size] for place in range(0, len(text), size))


def read(text: bytes, size: int) -> list[Any]:
    """The records of a file, each held against its JSON."""
    found = []
    for piece in texts(chunked(text, size)):
        some_, bodies = values(piece)
        assert json.loads(b"[%b]" % piece) == some_
        assert [json.loads(one) for one in bodies] == some_
        assert not any(byte in one for one in bodies for byte in b"\r\n\t")
        found += some_
    return found


@pytest.mark.parametrize("size", [1, 7, 64, 300, 1 << 16])
@pytest.mark.parametrize("name", LAYOUTS)
def test_sound_files_are_read_in_pieces_however_they_are_laid_out(name: str, size: int) -> None:
    many = [one | {"id": f"{one['id']}-{number}"} for number in range(5) for one in RECORDS]
    text = LAYOUTS[name](many).encode()
    opening = 60  # the sign that opens the list is looked for in the first piece
    first = text[:opening], *chunked(text[opening:], size)
    assert [one for piece in texts(iter(first)) for one in values(piece)[0]] == many
    for few in ([], many[:1], many[:2]):
        assert read(LAYOUTS[name](few).encode(), max(size, opening)) == few


def test_texts_with_brackets_do_not_hide_where_records_end() -> None:
    many = [{"id": str(number), "text": ":-} ]" + "x" * 1000} for number in range(2000)]
    assert read(json.dumps(many).encode(), 1 << 16) == many


def test_files_of_large_records_are_read_too() -> None:
    many = [{"id": str(number), "texts": ["x" * 1000] * 200} for number in range(20)]
    assert read(json.dumps(many, indent=1).encode(), 1 << 12) == many


def test_what_is_nested_deeply_is_read_too() -> None:
    deep: list[Any] = []
    for _ in range(400):
        deep = [deep]
    assert read(json.dumps([{"id": 1, "deep": deep}]).encode(), 1 << 12) == [{"id": 1, "deep": deep}]


def test_the_records_of_the_sample_are_read_in_pieces() -> None:
    found = sample_set()
    for path in found.record_files:
        assert read(found.content(path.as_posix()), 1 << 12) == rows(found.document(path).value)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{}", "{", "[", "[}", '{"records": [}', '{"records": []', '[{"a": 1},]', '[{"a": 1}{"a": 2}]', "[,]",
        '[{"a":1}] []', '{"records": [], "records": []}', '{"records": [], "more": 1}', '{"records": {}}', '[{"a": 1, "a": 2}]',
        '[{"a": [1, 01]}]', '[{"a": NaN}]', '[{"a": 1e999}]', '[{"a": "\\ud800"}]', '[{"a": "\t"}]', "[" * 3000, '[{"a":' * 3000,
        '[{"a": {"b": 1, "b": 1}}]', '[{"a" : 1, "b":1, "b":1}]', '[{"a":"\\u0022:","b":1,"b":1}]',
        '[{"a": "\\ud800", "b": 12345678901234567890}]',
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", '{"id": 1},\n'])
def test_what_is_not_sound_json_is_in_doubt(text: str, before: str) -> None:
    text = text.replace("[", f"[{before}", 1) if before and "}" in text else text
    with pytest.raises(Doubt):
        read(text.encode(), 1 << 16)
    with pytest.raises(Doubt):
        read(b'[{"id":"\xff"}]', 1 << 16)


def test_a_record_that_does_not_end_is_in_doubt_before_all_is_read() -> None:
    def endless() -> Iterator[bytes]:
        yield b'[{"a":1},{"a":"'
        while True:
            yield b"x" * (1 << 20)

    with pytest.raises(Doubt):
        list(texts(endless()))


VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
FOUND = some.lists(some.dictionaries(some.text(max_size=4), VALUES, max_size=4), max_size=4)
SEPARATORS = some.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
STRAY = some.sampled_from([*'{}[]",: \\\n0e.-x', '"a":1,', '"",', "\\u0022", "\\ud83d", "é", ""])


@given(
    FOUND, SEPARATORS, some.booleans(), some.sampled_from([None, 1]), some.integers(30, 90),
    some.lists(some.tuples(some.integers(0, 200), some.integers(0, 2), STRAY), max_size=2),
)  # fmt: skip
def test_both_ways_read_the_same(
    found: list[Any], separators: tuple[str, str], plain: bool, indent: int | None, size: int, edits: list[tuple[int, int, str]]
) -> None:
    text = json.dumps({"records": found}, ensure_ascii=plain, separators=separators, indent=indent)
    for place, gone, stray in edits:
        text = text[:place] + stray + text[place + gone :]
    try:
        told = read(text.encode(), size)
    except Doubt:
        return
    whole = parsed("", text)
    assert (whole.broken, whole.doubled) == (None, False)
    assert json.dumps(told) == json.dumps(rows(whole.value))


def test_a_large_file_is_never_in_memory_whole(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    path = tmp_path / "records" / "many.json"
    path.write_text(LAYOUTS["indented"]([{"id": number, "text": "x" * 500} for number in range(40_000)]))
    tracemalloc.start()
    try:
        assert sum(len(values(one)[0]) for one in texts(Files(tmp_path).chunks(path.relative_to(tmp_path)))) == 40_000
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 5
    finally:
        tracemalloc.stop()
