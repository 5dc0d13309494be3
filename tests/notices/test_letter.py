"""The letter: on A4, the address in the window, the font embedded, every word as it was given."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from cases.documents import NOW_MS
from notices.messages import HOSTILE
from notices.samples import OPERATOR, case_of
from sekisho.cases.states import NoticeKind
from sekisho.core.config import Operator
from sekisho.core.config_delivery import Letter
from sekisho.measures.model import Language
from sekisho.notices import letter, wording
from sekisho.notices.case_notice import case_notice
from sekisho.notices.letter import MAX_ADDRESS_LINES, Head, address_lines
from sekisho.notices.operator import sender
from tools import needs

ADDRESS = ("〒100-0000", "東京都千代田区見本町一丁目2番3号", "見本マンション405号室", "見本 太郎 様")
CODE = "AAAA-CCCC-EEEE-HHHC"
MM_PER_POINT = 25.4 / 72


@cache
def pdf_of(
    language: Language,
    about: NoticeKind = NoticeKind.FIRST_NOTICE,
    address: tuple[str, ...] = ADDRESS,
    operator: Operator = OPERATOR,
    qr: bool = True,
) -> bytes:
    layout = Letter(qr=qr)
    notice = case_notice(about, case_of("udp_flood"), operator, language, now_ms=NOW_MS, qr=qr, code=CODE)
    head = Head(address=address, date=wording.date(NOW_MS, language), writes=sender(operator, language))
    return letter.render(notice, head, layout)


def run(program: str, folder: Path, pdf: bytes, *arguments: str) -> str:
    path = needs(program)
    file = folder / "letter.pdf"
    file.write_bytes(pdf)
    return subprocess.run(
        [path, *arguments, "letter.pdf", "-"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def words_of(folder: Path, pdf: bytes) -> list[tuple[str, float, float, float, float]]:
    """Each word of the first page with its box in millimetres."""
    text = run("pdftotext", folder, pdf, "-bbox", "-l", "1")
    row = r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>'
    return [(m[5], *(float(m[n]) * MM_PER_POINT for n in range(1, 5))) for m in re.finditer(row, text)]  # type: ignore[misc]


@pytest.mark.parametrize(("language", "about"), list(product(Language, NoticeKind)))
def test_a_letter_holds_the_whole_text(tmp_path: Path, language: Language, about: NoticeKind) -> None:
    """Address, date, subject, code, whom to call; on A4, with the Japanese font in it and no other."""
    pdf = pdf_of(language, about)
    text = re.sub(r"\s", "", run("pdftotext", tmp_path, pdf))
    for part in (*ADDRESS, CODE, OPERATOR.telephone, wording.date(NOW_MS, language)):
        assert re.sub(r"\s", "", str(part)) in text
    path = needs("pdffonts")
    fonts = subprocess.run([path, "letter.pdf"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    rows = [row.split() for row in fonts.splitlines()[2:]]
    assert rows
    for row in rows:
        assert "NotoSansJP" in row[0]
        # Embedded, and only the characters that are used.
        assert row[-5:-3] == ["yes", "yes"]


def test_the_address_is_in_the_window(tmp_path: Path) -> None:
    """6 mm from its edges, since paper slides in an envelope; nothing else shows there."""
    layout = Letter()
    left, top = layout.window_left_mm, layout.window_top_mm
    right, bottom = left + layout.window_width_mm, top + layout.window_height_mm
    inside = [
        word
        for word in words_of(tmp_path, pdf_of(Language.JA))
        if word[1] < right and word[3] > left and word[2] < bottom and word[4] > top
    ]
    shown = "".join(word[0] for word in inside)
    assert shown == re.sub(r"\s", "", "".join(ADDRESS))
    for _, x0, y0, x1, y1 in inside:
        assert left + 5 <= x0 <= x1 <= right - 5
        assert top + 4 <= y0 <= y1 <= bottom - 4


def test_the_text_begins_below_the_fold(tmp_path: Path) -> None:
    """A4 folded twice: the first 99 mm are the address and who writes."""
    words = words_of(tmp_path, pdf_of(Language.EN))
    subject = next(word for word in words if word[0] == "About")
    assert 99 < subject[2] < 115


def test_without_a_qr_code_the_letter_has_none(tmp_path: Path) -> None:
    """It is drawn, so it shows in the size of the page's content and in the words about it."""
    with_qr, without = (run("pdftotext", tmp_path, pdf_of(Language.EN, qr=qr)) for qr in (True, False))
    assert ("QR code" in with_qr, "QR code" in without) == (True, False)
    assert len(pdf_of(Language.EN, qr=True)) > len(pdf_of(Language.EN, qr=False))


@pytest.mark.parametrize("markup", ["#pagebreak()", "$x$ *b* _i_ `c` <l> @r", "= h", "\\u{41}", "//", HOSTILE])
def test_no_word_is_markup(tmp_path: Path, markup: str) -> None:
    """Typst's own, HTML, control characters, a megabyte: set as they are, cut where they are endless."""
    address = address_lines(f"〒100-0000\n{markup}\n見本 太郎 様")
    pdf = pdf_of(Language.JA, address=address, operator=Operator(**{**OPERATOR.model_dump(), "name_ja": markup}))
    text = re.sub(r"\s", "", run("pdftotext", tmp_path, pdf))
    wanted = re.sub(r"\s", "", markup.splitlines()[0] if markup != HOSTILE else "=HYPERLINK")
    assert wanted in text
    assert len(pdf) < 1_000_000


def test_a_long_address_keeps_its_beginning_and_the_name() -> None:
    """What the window cannot show is left out of the middle."""
    lines = address_lines("\r\n".join(["〒100-0000", *(f"line {n}" for n in range(20)), "  見本\t太郎 様 ", ""]))
    assert len(lines) == MAX_ADDRESS_LINES
    assert (lines[0], lines[-1]) == ("〒100-0000", "見本 太郎 様")


def test_a_letter_can_be_looked_at(tmp_path: Path) -> None:
    """Rendered, the first page has ink where the address is and none in the margin of the window."""
    path = needs("pdftoppm")
    (tmp_path / "letter.pdf").write_bytes(pdf_of(Language.JA))
    subprocess.run([path, "-r", "50", "-gray", "-l", "1", "letter.pdf", "page"], cwd=tmp_path, check=True)
    (image,) = tmp_path.glob("page*.pgm")
    head, _, pixels = image.read_bytes().partition(b"\n255\n")
    width = int(head.split()[-2])
    dots = 50 / 25.4

    def darkest(x0: float, y0: float, x1: float, y1: float) -> int:
        rows = range(int(y0 * dots), int(y1 * dots))
        return min(min(pixels[row * width + int(x0 * dots) : row * width + int(x1 * dots)]) for row in rows)

    assert darkest(26, 18, 100, 45) < 100
    assert darkest(20, 12, 110, 16) > 250
    assert darkest(0, 0, 210, 10) > 250
