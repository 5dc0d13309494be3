"""Which exporters show what lines receive, told from the lines that were seen long enough to have received."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.detect.seen import Seen

STEADY_WINDOWS = 6
"""Windows that a line sent in, from which it would have received in one at least."""

LINES_ASKED = 512
"""Lines looked at each time: whether nine of ten receive shows in some dozens of them."""

LINES_ENOUGH = 20
"""Lines of an exporter below which nothing is said of it."""

RECEIVING = 0.9
"""Share of them that receive: less, and some part of the exporter's lines is shown one way only."""


def two_way_exporters(seen: Seen, exporter_of: Callable[[int], int | None]) -> frozenset[int | None]:
    """Codes of the exporters whose lines practically all receive as well as send."""
    lines, receives = seen.steady(least=STEADY_WINDOWS, most=LINES_ASKED)
    exporters = [exporter_of(line) for line in lines.tolist()]
    counts = Counter(exporters)
    receiving = Counter(code for code, receives_too in zip(exporters, receives.tolist(), strict=True) if receives_too)
    return frozenset(
        code
        for code, count in counts.items()
        if code is not None and count >= LINES_ENOUGH and receiving[code] >= RECEIVING * count
    )
