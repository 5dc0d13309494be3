"""The one place where a line gets a name: at its case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases.states import JA, OPEN, State
from sekisho.core.errors import Refused
from sekisho.notices.contacts.book import ContactBook
from sekisho.notices.contacts.http import HttpContacts
from sekisho.notices.delivery import Skipped, SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.cases.model import Case
    from sekisho.core.config import Config
    from sekisho.notices.contacts.contact import Contact, ContactSource

MAY_BE_WRITTEN_TO = OPEN | {State.RESOLVED, State.WITHDRAWN}
"""A resolved case is told to be over, and who was told of another line's traffic is told that it was not theirs. A case
that was dismissed concerns somebody whom we do not look up."""


def contact_of(case: Case, source: ContactSource) -> Contact | Skipped:
    """The contact of a case's line; a line without one, or whom nothing reaches, is for a person.

    Raises:
        Refused: the case is none in which anybody may be written to.
        Unavailable: the source does not answer now.
    """
    if case.state not in MAY_BE_WRITTEN_TO:
        raise Refused(
            f"case {case.number}: expected an open, resolved or withdrawn case, found one that is {case.state}",
            f"ケース {case.number} は「{JA[case.state]}」です。このケースでは連絡先を調べません",
        )
    found = source.find(case.line_id)
    if isinstance(found, Skipped) or found.mail or found.address or found.telephone:
        return found
    return Skipped(SkipReason.NO_ADDRESS)


def without_contact(cases: Iterable[Case], source: ContactSource) -> Iterator[tuple[Case, SkipReason]]:
    """The open cases whose subscriber nothing reaches: work for a person."""
    for case in cases:
        if case.is_open and isinstance(found := contact_of(case, source), Skipped):
            yield case, found.reason


class NoContacts:
    """Where nothing is configured: every line is one without a contact, and work for a person."""

    def find(self, line_id: str) -> Contact | Skipped:
        """Nobody."""
        del line_id
        return Skipped(SkipReason.NO_CONTACT)


def source_of(config: Config) -> ContactSource | None:
    """Where contacts come from; None where nothing is configured."""
    contacts = config.contacts
    if contacts.url is not None:
        return HttpContacts(contacts)
    if contacts.book is not None and contacts.key_file is not None:
        return ContactBook(contacts.book, contacts.key_file)
    return None
