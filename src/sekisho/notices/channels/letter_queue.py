"""Letters for whoever prints and posts them: a folder a day with a PDF for each letter and one file of addresses."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sekisho.core.spreadsheet import inert
from sekisho.core.time import JST, now_ms, to_datetime
from sekisho.core.whole_file import write_whole
from sekisho.notices.channels.identity import is_file_name
from sekisho.notices.delivery import Deferred, Refused, Sent, Skipped, SkipReason
from sekisho.notices.letter import MAX_ADDRESS_LINES, address_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sekisho.notices.delivery import Message, Outcome

ADDRESSES = "addresses.csv"
HEADER = ("file", *(f"line_{number}" for number in range(1, MAX_ADDRESS_LINES + 1)))


class LetterQueue:
    """The queue in one folder.

    Args:
        directory: of the queue.
        clock: now, milliseconds UTC; names the day's folder.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], int] = now_ms) -> None:
        self._directory, self._clock = directory, clock

    def deliver(self, message: Message) -> Outcome:
        """Put the letter down; one that is there already is left where it is, and its address is made sure of."""
        address = address_lines(message.to)
        if not address:
            return Skipped(SkipReason.NO_ADDRESS)
        if message.pdf is None:
            return Refused(why="there is no PDF to print")
        if not is_file_name(message.id):
            return Refused(why="the number of the notice cannot name a file")
        try:
            with self._locked():
                folder = self._folder_of(message.id)
                # The PDF first: an address without its letter would be posted empty.
                write_whole(folder / f"{message.id}.pdf", message.pdf)
                _list(folder / ADDRESSES, f"{message.id}.pdf", address)
        except OSError as error:
            return Deferred(why=f"the letter queue cannot be written: {error.strerror}")
        return Sent(receipt=folder.name)

    def _folder_of(self, number: str) -> Path:
        """The day's folder, or that of an earlier attempt."""
        found = sorted(self._directory.glob(f"*/{number}.pdf"))
        today = to_datetime(self._clock()).astimezone(JST).date().isoformat()
        return found[0].parent if found else self._directory / today

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._directory / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _list(file: Path, pdf: str, address: tuple[str, ...]) -> None:
    """Add the row of a letter, once."""
    text = file.read_text("utf-8-sig") if file.exists() else ""
    rows = list(csv.reader(io.StringIO(text, newline=""))) or [list(HEADER)]
    if any(row[0] == pdf for row in rows[1:]):
        return
    padding = [""] * (MAX_ADDRESS_LINES - len(address))
    rows.append([pdf, *(inert(line) for line in address), *padding])
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    # The mark at the beginning is what makes spreadsheets read UTF-8.
    write_whole(file, out.getvalue().encode("utf-8-sig"))
