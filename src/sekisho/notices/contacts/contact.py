"""One subscriber's contact; it never shows itself in a log, a traceback or an error."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from sekisho.measures.model import Language

if TYPE_CHECKING:
    from sekisho.notices.delivery import Skipped

MAX_FIELD = 300
"""Characters of one field; a postal address has about a hundred."""

FIELDS = ("name", "mail", "telephone", "postal_code", "address", "language", "channel")
"""As the header of a contacts file names them, after ``line_id``."""


class Preferred(StrEnum):
    """How a subscriber wants to be reached."""

    MAIL = "mail"
    LETTER = "letter"
    TELEPHONE = "telephone"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Contact:
    """One contact; "" where something is not known.

    Attributes:
        address: lines of the postal address without the name, separated by line ends.
        channel: preferred one.
    """

    name: str
    mail: str
    telephone: str
    postal_code: str
    address: str
    language: Language
    channel: Preferred

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Contact(…)"

    def reached_by(self, channel: str) -> str:
        """Where a channel reaches the subscriber; "" where it cannot. A webhook or a drop goes by the line."""
        match channel:
            case "letter":
                return self._postal() if self.address else ""
            case _:
                return self.mail

    def _postal(self) -> str:
        honoured = f"{self.name} 様" if self.language is Language.JA else self.name
        code = f"〒{self.postal_code}" if self.postal_code else ""
        return "\n".join(line for line in (code, self.address, honoured if self.name else "") if line)


class ContactSource(Protocol):
    """Where contacts come from; one line at a time is asked for."""

    def find(self, line_id: str) -> Contact | Skipped:
        """The contact of a line.

        Raises:
            Unavailable: the source does not answer now.
        """
        ...


def contact_from(values: object) -> Contact:
    """A contact of named values.

    Raises:
        ValueError: names the field and what was expected, never what was found.
    """
    if not isinstance(values, dict):
        raise ValueError("expected an object")  # noqa: TRY004 (a value of the other side, not a mistake of ours)
    given = {field: _text(field, values.get(field)) for field in FIELDS}
    language, channel = given["language"] or Language.JA, given["channel"] or Preferred.MAIL
    if language not in set(Language):
        raise ValueError("language: expected ja or en")
    if channel not in set(Preferred):
        raise ValueError(f"channel: expected {', '.join(Preferred)}")
    return Contact(**{**given, "language": Language(language), "channel": Preferred(channel)})  # type: ignore[arg-type]


def as_values(contact: Contact) -> dict[str, str]:
    """The same as text, to be sealed."""
    return {field: str(getattr(contact, field)) for field in FIELDS}


def _text(field: str, value: object) -> str:
    text = "" if value is None else value
    if not isinstance(text, str) or len(text) > MAX_FIELD:
        raise ValueError(f"{field}: expected text of at most {MAX_FIELD} characters")
    lines = text.splitlines() if field == "address" else [" ".join(text.split())]
    return "\n".join("".join(c for c in line if c.isprintable()).strip() for line in lines)
