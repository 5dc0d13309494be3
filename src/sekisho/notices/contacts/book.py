"""The book of contacts: a file in which each line's contact is sealed by itself, made from the operator's CSV."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError
from sekisho.notices.contacts.contact import FIELDS, as_values, contact_from
from sekisho.notices.contacts.sealing import Sealer
from sekisho.notices.delivery import Skipped, SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.notices.contacts.contact import Contact

HEADER = ("line_id", *FIELDS)


class ContactBook:
    """Answers out of the book; one record is opened at a time, and none is kept."""

    def __init__(self, file: Path, key_file: Path) -> None:
        self._file, self._key_file = file, key_file

    def find(self, line_id: str) -> Contact | Skipped:
        """The contact of a line.

        Raises:
            InputError: no book, no key, or not the key of this book.
        """
        from cryptography.exceptions import InvalidTag

        sealer = Sealer.of_file(self._key_file)
        place = sealer.place(line_id)
        if not self._file.is_file():
            raise InputError(self._file, "expected a book of contacts, found none: `sekisho contacts import` makes it")
        try:
            with closing(sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True)) as book:
                row = book.execute("select sealed from contact where place = ?", (place,)).fetchone()
                key_fits = book.execute("select sealed from contact where place = ?", (_check(sealer),)).fetchone()
        except sqlite3.DatabaseError:
            raise InputError(self._file, "expected a book of contacts, found another file") from None
        if key_fits is None:
            raise InputError(self._key_file, f"expected the key of {self._file.name}, found another one")
        if row is None:
            return Skipped(SkipReason.NO_CONTACT)
        try:
            return contact_from(json.loads(sealer.open(row[0], place)))
        except (InvalidTag, ValueError):
            raise InputError(self._file, "a record does not open: the book was changed") from None


def import_contacts(source: Path, book: Path, key_file: Path) -> int:
    """Make the book anew from a CSV file; the number of contacts.

    Raises:
        InputError: names file, line and field, never a value; the old book stays.
    """
    sealer = Sealer.of_file(key_file)
    draft = book.with_name(f"{book.name}.part")
    draft.unlink(missing_ok=True)
    try:
        draft.touch(mode=0o600)
        with closing(sqlite3.connect(draft)) as written:
            written.execute("create table contact (place blob primary key, sealed blob not null) without rowid")
            count = _write(written, source, sealer)
            written.commit()
        draft.replace(book)
    except OSError as error:
        raise InputError(book, f"the book cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    return count


def _write(book: sqlite3.Connection, source: Path, sealer: Sealer) -> int:
    check, count = _check(sealer), 0
    book.execute("insert into contact values (?, ?)", (check, sealer.seal(b"{}", check)))
    for line, line_id, contact in read_contacts(source):
        place = sealer.place(line_id)
        content = json.dumps(as_values(contact), ensure_ascii=False).encode()
        try:
            book.execute("insert into contact values (?, ?)", (place, sealer.seal(content, place)))
        except sqlite3.IntegrityError:
            raise InputError(source, "line_id: expected each once, found one a second time", line=line) from None
        count += 1
    return count


def read_contacts(source: Path) -> Iterator[tuple[int, str, Contact]]:
    """Line of the file, ``line_id``, contact.

    Raises:
        InputError: the file or a line cannot be used.
    """
    try:
        with source.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.DictReader(text, strict=True)
            missing = set(HEADER[:1]) - set(rows.fieldnames or ())
            unknown = set(rows.fieldnames or ()) - set(HEADER)
            if missing or unknown:
                raise InputError(source, f"expected columns {', '.join(HEADER)}", line=1)
            for row in rows:
                yield rows.line_num, *_row(source, rows.line_num, row)
    except OSError as error:
        raise InputError(source, f"cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(source, "expected CSV in UTF-8, found something else") from None


def _row(source: Path, line: int, row: dict[str, str]) -> tuple[str, Contact]:
    line_id = (row.pop("line_id") or "").strip()
    if not line_id:
        raise InputError(source, "line_id: expected one, found none", line=line)
    if None in row:
        raise InputError(source, f"expected at most {len(HEADER)} cells, found more", line=line)
    try:
        return line_id, contact_from(row)
    except ValueError as error:
        raise InputError(source, str(error), line=line) from None


def _check(sealer: Sealer) -> bytes:
    """The place of a record that every book has: without it, a wrong key would look like lines without a contact."""
    return sealer.place("\0check")
