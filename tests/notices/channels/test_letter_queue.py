"""The letter queue: a PDF and a row for each letter, once, and nothing that a spreadsheet computes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from notices.messages import ADDRESS, HOSTILE, message
from sekisho.core.time import parse_time
from sekisho.notices.channels import letter_queue
from sekisho.notices.channels.letter_queue import ADDRESSES, LetterQueue
from sekisho.notices.delivery import Deferred, Refused, Sent, Skipped, SkipReason

T0_MS = parse_time("2026-11-24T15:30:00Z")
LETTER = message(channel="letter", to=ADDRESS, pdf=b"%PDF-1.7 letter")


def queue(folder: Path, at_ms: int = T0_MS) -> LetterQueue:
    return LetterQueue(folder / "letters", clock=lambda: at_ms)


def rows(folder: Path) -> list[list[str]]:
    (file,) = (folder / "letters").glob(f"*/{ADDRESSES}")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def test_a_letter_is_a_pdf_and_a_row(tmp_path: Path) -> None:
    """In the folder of the day in Japan, readable by nobody else."""
    assert queue(tmp_path).deliver(LETTER) == Sent(receipt="2026-11-25")
    pdf = tmp_path / "letters" / "2026-11-25" / f"{LETTER.id}.pdf"
    assert (pdf.read_bytes(), pdf.stat().st_mode & 0o077) == (LETTER.pdf, 0)
    header, row = rows(tmp_path)
    assert header[:2] == ["file", "line_1"]
    assert [cell for cell in row if cell] == [pdf.name, *ADDRESS.splitlines()]


def test_the_same_letter_again_is_not_a_second_one(tmp_path: Path) -> None:
    """A day later, too: it stays where it was."""
    queue(tmp_path).deliver(LETTER)
    assert queue(tmp_path, T0_MS + 86_400_000).deliver(LETTER) == Sent(receipt="2026-11-25")
    assert len(rows(tmp_path)) == 2
    assert len(list((tmp_path / "letters").glob("*/*.pdf"))) == 1


def test_a_crash_between_pdf_and_row_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt finds the PDF and adds the row that is missing."""

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(letter_queue, "_list", crash)
        with pytest.raises(KeyboardInterrupt):
            queue(tmp_path).deliver(LETTER)
    assert queue(tmp_path).deliver(LETTER) == Sent(receipt="2026-11-25")
    assert len(rows(tmp_path)) == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "|", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(tmp_path: Path, start: str) -> None:
    """An apostrophe in front makes a spreadsheet show it as it is."""
    queue(tmp_path).deliver(message(to=f"{start}1+1\n見本 太郎 様", pdf=b"x"))
    assert rows(tmp_path)[1][1] == f"'{start}1+1"


def test_hostile_addresses_stay_cells(tmp_path: Path) -> None:
    """A megabyte, line ends, control characters, too many lines: one row of eight cells, the name kept."""
    address = HOSTILE + "\n" + "\n".join(f"line {n}" for n in range(50)) + "\n見本 太郎 様"
    queue(tmp_path).deliver(message(to=address, pdf=b"x"))
    header, row = rows(tmp_path)
    assert len(row) == len(header) == 8
    assert row[-1] == "見本 太郎 様"
    assert all(cell.isprintable() and len(cell) <= 400 and not cell.startswith("=") for cell in row)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (message(to="", pdf=b"x"), Skipped(SkipReason.NO_ADDRESS)),
        (message(to=ADDRESS), Refused(why="there is no PDF to print")),
        (message(id="../../etc/x", to=ADDRESS, pdf=b"x"), Refused(why="the number of the notice cannot name a file")),
    ],
)
def test_what_cannot_be_posted_goes_to_a_person(tmp_path: Path, given: object, expected: object) -> None:
    """No address, no letter, a number that leads out of the folder."""
    assert queue(tmp_path).deliver(given) == expected  # type: ignore[arg-type]
    assert list(tmp_path.rglob("*.pdf")) == []


def test_a_folder_that_cannot_be_written_is_for_later(tmp_path: Path) -> None:
    """A full or missing disk loses nothing."""
    (tmp_path / "letters").write_text("a file where the folder should be")
    assert isinstance(queue(tmp_path).deliver(LETTER), Deferred)
