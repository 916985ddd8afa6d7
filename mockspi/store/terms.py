"""How a value is folded before it is indexed or looked for; both sides use the same function."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

Fold = Callable[[Any], str]

_SHORT_PHONE = 7
_NO_DIGITS = bytes(set(range(128)) - set(b"0123456789"))
_SHORT = 64  #: longer texts are not remembered
#: Letters that Unicode does not take apart into a base letter and a mark.
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


def exact(value: Any) -> str:
    """As it is."""
    return str(value)


def folded(value: Any) -> str:
    """Case and accents aside: "Zoë" and "ZOE" are the same."""
    text = str(value)
    return _often(text) if len(text) <= _SHORT else folded_anew(text)


def folded_anew(value: Any) -> str:
    """The same for what does not come again, such as addresses of mail: nothing is remembered."""
    text = str(value)
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
        text = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return " ".join(text.lower().split())


_often = lru_cache(4096)(folded_anew)  #: places and names come again and again


def compact(value: Any) -> str:
    """Folded and without blanks or hyphens, as postal codes are compared."""
    text = str(value)
    return _compact_often(text) if len(text) <= _SHORT else _compact(text)


def _compact(text: str) -> str:
    return folded_anew(text).replace(" ", "").replace("-", "")


_compact_often = lru_cache(4096)(_compact)


def phone(value: Any) -> str:
    """The digits, last first, so that a number's last digits are a prefix."""
    text = str(value)
    return _digits_often(text) if len(text) <= _SHORT else _digits(text)


def _digits(text: str) -> str:
    if text.isascii():
        return text.encode().translate(None, _NO_DIGITS)[::-1].decode()
    return "".join(filter(str.isdigit, text))[::-1]


_digits_often = lru_cache(256)(_digits)  #: a record is found by the same number in two ways


def is_phone_ending(value: str) -> bool:
    """Whether there are enough digits to look for numbers that end with them."""
    return len(phone(value)) >= _SHORT_PHONE


def moment(value: Any) -> str:
    """Epoch milliseconds as text that sorts like the number."""
    return f"{int(value):016d}"


def newest_first(value: Any) -> str:
    """Epoch milliseconds as text that sorts the latest first."""
    return f"{10**16 - int(value):016d}"


@cache
def each(fold: Fold) -> Callable[[Sequence[Any]], list[str]]:
    """What folds many values at once."""
    together = _TOGETHER.get(fold)

    def folds(values: Sequence[Any]) -> list[str]:
        if together is None or not values:
            return list(map(fold, values))
        return together(list(map(str, values))) or list(map(fold, values))

    return folds


def _short(often: Fold) -> Callable[[list[str]], list[str]]:
    """What may be remembered is looked up without asking each how long it is."""
    return lambda texts: list(map(often, texts)) if max(map(len, texts)) <= _SHORT else []


def _simple(texts: list[str]) -> list[str]:
    """Where all are without accents and blanks."""
    whole = "\n".join(texts)
    simple = whole.isascii() and " " not in whole and "".join(texts).isprintable()
    return whole.lower().split("\n") if simple else []


def _lines(texts: list[str]) -> list[str]:
    """Where each is a line, of which digits are left."""
    whole = "\n".join(texts)
    if not whole.isascii() or whole.count("\n") != len(texts) - 1:
        return []
    return whole.encode().translate(None, _NOT_OF_LINES)[::-1].decode().split("\n")[::-1]


_NOT_OF_LINES = _NO_DIGITS.replace(b"\n", b"")
_TOGETHER: dict[Fold, Callable[[list[str]], list[str]]] = {
    exact: lambda texts: texts,
    folded: _short(_often),
    folded_anew: _simple,
    compact: _short(_compact_often),
    phone: _lines,
}
