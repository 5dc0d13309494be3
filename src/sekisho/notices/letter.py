"""A notice as a letter: A4 for a window envelope, set by Typst, with an embedded Japanese font (SIL OFL)."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import groupby
from typing import TYPE_CHECKING

from sekisho.notices.markup import as_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sekisho.core.config_delivery import Letter
    from sekisho.notices.notice import Notice
    from sekisho.notices.operator import Sender

MAX_ADDRESS_LINES = 7
"""What a window of 45 mm shows at the smaller of the two sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above the text.

    Attributes:
        address: lines that show in the window, the last with the name; empty on a preview without a contact.
        date: of the letter, in its language.
    """

    address: Sequence[str]
    date: str
    writes: Sender


def render(notice: Notice, head: Head, layout: Letter) -> bytes:
    """The letter as PDF; the template reads all words as data, so no word of anybody's is ever markup."""
    import typst
    from pylopdf_fonts_jp import sans_path

    view = json.dumps(_view(notice, head, layout), ensure_ascii=False)
    with as_file(files(__package__).joinpath("letter.typ")) as template:
        pdf: bytes = typst.compile(
            str(template), font_paths=[str(sans_path().parent)], ignore_system_fonts=True, sys_inputs={"view": view}
        )
    return pdf


def address_lines(to: str) -> tuple[str, ...]:
    """The lines of a postal address, each as words; a long address keeps its beginning and its end, the name."""
    lines = [words for line in to.splitlines() if (words := as_line(line))]
    if len(lines) > MAX_ADDRESS_LINES:
        lines = [*lines[: MAX_ADDRESS_LINES - 1], lines[-1]]
    return tuple(lines)


def _view(notice: Notice, head: Head, layout: Letter) -> dict[str, object]:
    writes, site = head.writes, as_line(head.writes.site)
    runs = [
        (kind.name.lower(), [{"label": b.label, "text": b.text} for b in blocks])
        for kind, blocks in groupby(notice.blocks, lambda block: block.kind)
    ]
    lines = (head.date, writes.name, writes.contact, writes.telephone, writes.hours)
    return {
        "language": notice.language,
        "subject": notice.subject,
        "banner": notice.banner,
        "address": list(head.address),
        "head": [as_line(line) for line in lines],
        "runs": runs,
        "site": site,
        "qr": _qr(site) if layout.qr and not writes.missing else None,
        "window": {
            key.removeprefix("window_").removesuffix("_mm"): value
            for key, value in layout.model_dump().items()
            if key.startswith("window_")
        },
    }


def _qr(site: str) -> str:
    """The operator's own site and nothing else: the code is typed, so that a forged letter gains nothing by its QR."""
    import segno

    picture = io.BytesIO()
    segno.make_qr(f"https://{site.removeprefix('https://')}", error="m").save(picture, kind="svg", border=2, scale=4)
    return picture.getvalue().decode()
