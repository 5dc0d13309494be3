"""How a reader wants to see pages: language, colours, size of text; asked for in the address, kept in a cookie."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sekisho.measures.model import Language, Reader

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Theme(StrEnum):
    """Light or dark; ``auto`` follows the device."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class TextSize(StrEnum):
    """Size of the text."""

    NORMAL = "normal"
    LARGE = "large"


COOKIE_PREFIX = "sekisho_"
KEPT_S = 365 * 86_400

MAX_LANGUAGES = 20
"""Browsers list a handful; what comes after is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What holds for one request.

    Attributes:
        chosen: what the address of this request asked for, by the name of its parameter.
    """

    language: Language
    theme: Theme
    size: TextSize
    reader: Reader
    chosen: dict[str, str]

    @classmethod
    def of(cls, request: Request) -> Preferences:
        """From ``?lang=``, ``?theme=``, ``?text=``, ``?reader=``, else the cookies, else what the browser says."""
        chosen = {
            name: value for name, values in _ALLOWED.items() if (value := request.query_params.get(name, "")) in values
        }
        kept = {
            name: value
            for name, values in _ALLOWED.items()
            if (value := request.cookies.get(COOKIE_PREFIX + name, "")) in values
        }
        found = kept | chosen
        language = found.get("lang") or accepted(request.headers.get("accept-language", ""))
        return cls(
            language=Language(language),
            theme=Theme(found.get("theme", Theme.AUTO)),
            size=TextSize(found.get("text", TextSize.NORMAL)),
            reader=Reader(found.get("reader", Reader.ANYONE)),
            chosen=chosen,
        )

    def keep(self, request: Request, response: Response) -> None:
        """Have the browser remember what was chosen."""
        for name, value in self.chosen.items():
            response.set_cookie(
                COOKIE_PREFIX + name,
                value,
                max_age=KEPT_S,
                httponly=True,
                samesite="lax",
                secure=request.url.scheme == "https",
            )


_ALLOWED: dict[str, frozenset[str]] = {
    "lang": frozenset(Language),
    "theme": frozenset(Theme),
    "text": frozenset(TextSize),
    "reader": frozenset(Reader),
}
"""Parameter -> what it may be; the cookie has the same name behind the prefix."""


def accepted(header: str) -> Language:
    """The language that an ``Accept-Language`` (RFC 9110, 12.5.4) prefers of ours; Japanese where it names none."""
    best, weight = Language.JA, 0.0
    for entry in header.split(",")[:MAX_LANGUAGES]:
        tag, _, parameter = entry.partition(";")
        primary = tag.strip().partition("-")[0].lower()
        quality = _quality(parameter)
        if primary in set(Language) and quality > weight:
            best, weight = Language(primary), quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
