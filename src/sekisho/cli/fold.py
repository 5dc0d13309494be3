"""Lines for a terminal from text in Japanese and English: folded between words, or between Japanese characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIT = re.compile(
    r"[（「『【]*"  # never at the end of a line
    r"(?:[^ \u2e80-\u9fff\uff00-\uffef]+|[^ ])"  # a word of another script, or one character
    r"[、。・：）」』】ー～ぁぃぅぇぉっゃゅょァィゥェォッャュョ％]*"  # never at the start of one
    r" *"
)


def folded(text: str, width: int, *, hanging: int = 0) -> Iterator[str]:
    """Lines of at most ``width`` columns; those after the first are indented by ``hanging`` more than the text is.

    A word that is wider than that stands alone.
    """
    clean = plain(text)
    indent = len(clean) - len(clean.lstrip(" "))
    line, rest = " " * indent, " " * (indent + hanging)
    for unit in _UNIT.findall(clean.lstrip(" ")):
        if line.strip() and cell_len(line + unit.rstrip()) > width:
            yield line.rstrip()
            line = rest
        line += unit
    yield line.rstrip()


def plain(text: str) -> str:
    """What cannot be printed becomes a space: names come from files, and must not move the cursor."""
    return "".join(character if character.isprintable() or character == "\u00a0" else " " for character in text)
