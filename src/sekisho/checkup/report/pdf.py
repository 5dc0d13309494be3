"""The report as PDF, set by Typst with an embedded Japanese font (SIL Open Font License)."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sekisho.checkup.report.view import View


def render(view: View) -> bytes:
    """The whole document; the template reads the texts as data, so no text of a device is ever markup."""
    import typst
    from pylopdf_fonts_jp import sans_path

    with as_file(files(__package__).joinpath("report.typ")) as template:
        pdf: bytes = typst.compile(
            str(template),
            font_paths=[str(sans_path().parent)],
            ignore_system_fonts=True,
            sys_inputs={"view": json.dumps(asdict(view), ensure_ascii=False)},
        )
    return pdf
