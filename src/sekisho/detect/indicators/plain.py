"""Plain lists: one address or prefix a line, a port where it is known, ``#`` or ``;`` before a comment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sekisho.detect.indicators.fields import address_and_port
from sekisho.detect.indicators.model import (
    ALWAYS_FROM_MS,
    ALWAYS_UNTIL_MS,
    Indicator,
    SkipError,
    label_of,
    tells_sinkhole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.detect.indicators.model import Entry

_COMMENT = re.compile(r"[#;]")


def read(text: str, name: str) -> Iterator[Entry]:
    """Entries of a list; a comment behind an address is its label, else the file's name is."""
    for number, line in enumerate(text.splitlines(), start=1):
        body, _, comment = (_COMMENT.sub("\n", line, count=1)).partition("\n")
        if not body.strip():
            continue
        place = f"{name}, line {number}"
        try:
            network, port = address_and_port(" ".join(body.replace(",", " ").split()))
        except SkipError as skip:
            yield skip.at(place)
            continue
        yield Indicator(
            network=network,
            port=port,
            protocol=0,
            label=label_of(comment, default=name),
            source=place,
            is_sinkhole=tells_sinkhole(comment, name),
            valid_from_ms=ALWAYS_FROM_MS,
            valid_until_ms=ALWAYS_UNTIL_MS,
        )
