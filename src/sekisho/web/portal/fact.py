"""The one fact beside the code: who found a letter has the code, and does not know whose it is."""

from __future__ import annotations

import hmac
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sekisho.notices.contacts.contact import Contact

DIGITS_ASKED = 4
"""Of the end of the telephone number."""

MAX_TYPED = 40
"""Characters; a telephone number or a postal code has fewer than half."""


def facts_of(contact: Contact) -> tuple[str, ...]:
    """What may be typed: the end of the telephone number, the whole of it, the postal code; nothing where unknown."""
    telephone, postal_code = as_typed(contact.telephone), as_typed(contact.postal_code)
    known = (telephone[-DIGITS_ASKED:] if len(telephone) >= DIGITS_ASKED else "", telephone, postal_code)
    return tuple(fact for fact in known if len(fact) >= DIGITS_ASKED)


def fits(typed: str, facts: tuple[str, ...]) -> bool:
    """Whether one of the facts was typed."""
    given = as_typed(typed[:MAX_TYPED]).encode()
    return any(hmac.compare_digest(given, fact.encode()) for fact in facts)


def as_typed(text: str) -> str:
    """Letters and digits alone, full-width ones as the others."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isalnum())
