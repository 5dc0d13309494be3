"""security.txt (RFC 9116): where a maker wants reports, and until when the file is meant to hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_LINES = 1000


@dataclass(frozen=True, slots=True)
class SecurityTxt:
    """Contacts in order of preference, and Expires."""

    contacts: tuple[str, ...]
    expires: datetime

    def holds(self, now: datetime) -> bool:
        """Whether the file may still be relied on."""
        return now < self.expires


def read(text: str) -> SecurityTxt:
    """The fields of a file; a PGP frame around it is passed over.

    Raises:
        ValueError: no Contact, or not exactly one Expires (both are required, RFC 9116 sections 2.5.3 and 2.5.5).
    """
    fields = [_field(line) for line in text.splitlines()[:_LINES] if not line.startswith("#")]
    contacts = tuple(value for name, value in fields if name == "contact" and value)
    expires = [value for name, value in fields if name == "expires"]
    if not contacts or len(expires) != 1:
        raise ValueError("security.txt needs a Contact and exactly one Expires")
    return SecurityTxt(contacts, datetime.fromisoformat(expires[0]))


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
