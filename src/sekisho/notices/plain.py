"""A notice as plain text, for the body of a mail: no line is folded, the reader's screen does that."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from sekisho.measures.model import Language
from sekisho.notices.markup import Block, Kind
from sekisho.notices.wording import say

if TYPE_CHECKING:
    from sekisho.notices.notice import Notice

_MARKS = {
    Language.JA: {Kind.HEADING: "■ ", Kind.ITEM: "・", Kind.BOX: "▼ ", Kind.CODE: "    "},
    Language.EN: {Kind.HEADING: "* ", Kind.ITEM: "  - ", Kind.BOX: "> ", Kind.CODE: "    "},
}
"""What a line of each kind begins with; steps are numbered by their text, paragraphs begin with nothing."""


def render(notice: Notice) -> str:
    """The whole text, beginning with the subject."""
    head = [f"[{notice.banner}]"] if notice.banner else []
    head.append(say("subject", notice.language, subject=notice.subject))
    return "\n\n".join([*head, body(notice)])


def body(notice: Notice) -> str:
    """The text alone, for a mail, which has its subject elsewhere."""
    runs = [_run(kind, list(blocks), notice.language) for kind, blocks in groupby(notice.blocks, lambda b: b.kind)]
    return "\n\n".join(runs) + "\n"


def _run(kind: Kind, blocks: list[Block], language: Language) -> str:
    colon = "：" if language is Language.JA else ": "
    labels = [f"{block.label}{colon}" if block.label else "" for block in blocks]
    mark = _MARKS[language].get(kind, "")
    return "\n".join(f"{mark}{label}{block.text}" for label, block in zip(labels, blocks, strict=True))
