"""What a failure says, in the caller's language: the fixture set's ``messages/``, filled with facts.

A message is plain text with {names}; nothing in it is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockspi.exchange import Request
from mockspi.fixtures.reading import sample_texts

FALLBACK = "en"
_WITH_REGION = 3
_PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Messages:
    """Language, then code, then text."""

    texts: Mapping[str, Mapping[str, str]]

    def language(self, request: Request, own: str = "") -> str:
        """The first language that is asked for and known: ``locale``, else Accept-Language, else the sandbox's own."""
        for locale in request.values("locale"):
            if spoken := self.spoken(locale):
                return spoken
        for locale in accepted(request.headers.get("accept-language", "")):
            if (part := locale.partition("-")[0]) in self.texts:
                return part
        return self.spoken(own) or FALLBACK

    def spoken(self, locale: str) -> str:
        """The language of a locale (fr, fr_CA, cb-en-us), if it is known."""
        parts = re.split(r"[-_]", locale.lower())
        wanted = parts[1] if len(parts) == _WITH_REGION else parts[0]
        return wanted if wanted in self.texts else ""

    def speak(self, request: Request, own: str = "") -> Callable[..., str]:
        """``text(code, **facts)`` in the request's language."""

        def text(code: str, **facts: object) -> str:
            language = self.language(request, own)
            template = self.texts.get(language, {}).get(code) or self.texts.get(FALLBACK, {}).get(code) or code
            return _PLACEHOLDER.sub(lambda found: str(facts.get(found[1], "")), template)

        return text


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the most wanted first."""
    wanted = []
    for index, part in enumerate(header.lower().split(",")[:20]):
        name, _, weight = "".join(part.split()).partition(";q=")
        try:
            wanted.append((-float(weight or 1), index, name))
        except ValueError:
            continue
    return [name for weight, _, name in sorted(wanted) if weight < 0]


def messages(own: Mapping[str, Mapping[str, str]]) -> Messages:
    """A set's texts by language, with the sample's where it has none."""
    texts = {language: dict(texts) for language, texts in sample_texts().items()}
    for language, mine in own.items():
        texts.setdefault(language, {}).update(mine)
    return Messages(texts)
