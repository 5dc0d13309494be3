"""Contacts out of the operator's customer system, one line at a time; nothing of an answer is kept or logged."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from sekisho.core.errors import Unavailable
from sekisho.notices.contacts.contact import contact_from
from sekisho.notices.delivery import Skipped, SkipReason

if TYPE_CHECKING:
    from sekisho.core.config_delivery import Contacts
    from sekisho.notices.contacts.contact import Contact

MAX_OCTETS = 65_536
"""A contact has some hundreds."""


class HttpContacts:
    """``GET URL/LINE_ID`` with a bearer token: 200 with a JSON object, or 404 for a line without a contact."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    def find(self, line_id: str) -> Contact | Skipped:
        """The contact of a line.

        Raises:
            Unavailable: no answer in time, or one that is no contact.
        """
        import json

        status, body = self._ask(line_id)
        if status == 404:
            return Skipped(SkipReason.NO_CONTACT)
        if status != 200 or len(body) > MAX_OCTETS:
            raise Unavailable(f"contacts: expected 200 or 404 and at most {MAX_OCTETS} octets, found {status}")
        try:
            return contact_from(json.loads(body))
        except ValueError as error:
            # What json says repeats a part of the answer; what we say names a field.
            why = "expected JSON" if isinstance(error, json.JSONDecodeError) else str(error)
            raise Unavailable(f"contacts: the answer is no contact: {why}") from None

    def _ask(self, line_id: str) -> tuple[int, bytes]:
        import ssl

        import httpx

        contacts = self._contacts
        url = f"{(contacts.url or '').rstrip('/')}/{quote(line_id, safe='')}"
        try:
            headers = {"Accept": "application/json"}
            if contacts.token_file is not None:
                headers["Authorization"] = f"Bearer {contacts.token_file.read_text('ascii').strip()}"
            context = ssl.create_default_context(cafile=contacts.ca_file)
            with (
                httpx.Client(timeout=contacts.timeout_s, verify=context, trust_env=False) as client,
                client.stream("GET", url, headers=headers, follow_redirects=False) as answer,
            ):
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MAX_OCTETS:
                        break
                return answer.status_code, body
        except (httpx.HTTPError, OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"contacts: no answer ({type(error).__name__})") from None
