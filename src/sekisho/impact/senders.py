"""What the lines of detections sent, window by window, kept for as long as the load of links is."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.impact.frames import frame_octets
from sekisho.impact.load import KEPT_WINDOWS
from sekisho.schema.line_window import WINDOW_MS
from sekisho.schema.subject import is_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from sekisho.detect.episodes import Window
    from sekisho.windows.table import Windows

WINDOWS_LIMIT = 1_000_000
"""Windows of all lines and kinds held at most, some 250 MB; at the limit further ones are counted in ``left_out``."""


KEPT_MS = KEPT_WINDOWS * WINDOW_MS


class Sent(NamedTuple):
    """Estimates of ten seconds of one kind on one line; octets are those of frames.

    ``passed`` is the part that the exporter did not drop: what it dropped came in, and loaded nothing behind it.
    """

    octets: float
    packets: float
    octets_var: float
    passed: float


class Senders:
    """Collects windows of detections before they leave memory.

    Attributes:
        left_out: windows that the limit kept out.
    """

    def __init__(self) -> None:
        self._sent: defaultdict[tuple[int, str], dict[int, Sent]] = defaultdict(dict)
        self.left_out = 0

    def collect(self, episodes: Iterable[tuple[int, str, Iterable[Window]]], windows: Windows) -> None:
        """Take the windows as they stand; one is taken again as long as it is kept, so that late shares are in."""
        found = [(line, kind, list(rows)) for line, kind, rows in episodes if is_line(line)]
        passed = _passed(windows, np.unique(np.array([line for line, _, _ in found], dtype=np.int64)))
        room = WINDOWS_LIMIT - sum(map(len, self._sent.values()))
        alongside: defaultdict[tuple[int, int], float] = defaultdict(float)
        for line, _, rows in found:
            for row in rows:
                alongside[line, row.start_ms] += row.packets
        for line, kind, rows in found:
            kept = self._sent[line, kind]
            for row in rows:
                room -= row.start_ms not in kept
                if room < 0 and row.start_ms not in kept:
                    self.left_out += 1
                    continue
                # Two detectors may count the same packets, and no line sends more than all it sent.
                once = min(1.0, row.all_packets / alongside[line, row.start_ms]) if row.packets > 0 else 0.0
                kept[row.start_ms] = _sent(row, once, passed.get((line, row.start_ms), 1.0))

    def forget(self, before_ms: int) -> None:
        """Drop what is older than the load of links."""
        for key in list(self._sent):
            self._sent[key] = {start: sent for start, sent in self._sent[key].items() if start >= before_ms}
            if not self._sent[key]:
                del self._sent[key]

    def of(self, line: int, kind: str, first_ms: int, last_ms: int) -> Iterator[tuple[int, Sent]]:
        """Windows of one line and kind that lie in an episode: start, and what was sent."""
        for start, sent in self._sent.get((line, kind), {}).items():
            if first_ms <= start < last_ms:
                yield start, sent


def _sent(row: Window, share: float, passed: float) -> Sent:
    frames = float(frame_octets(np.array([row.octets]), np.array([row.packets]))[0]) * share
    grown = frames / row.octets if row.octets > 0 else 0.0
    return Sent(octets=frames, packets=row.packets * share, octets_var=row.octets_var * grown * grown, passed=passed)


def _passed(windows: Windows, lines: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[tuple[int, int], float]:
    """(line, window start) -> part of its packets that the exporter did not drop, where it dropped some."""
    if not len(lines):
        return {}
    columns = ("line", "side", "window_start_ms", "packets", "dropped_packets")
    rows: pa.Table = windows.line_window(lines=lines, columns=columns)
    line, side, start, packets, dropped = (rows[name].to_numpy() for name in columns)
    wanted = np.flatnonzero((side == 0) & (dropped > 0))
    part = 1 - dropped[wanted] / packets[wanted]
    return dict(zip(zip(line[wanted].tolist(), start[wanted].tolist(), strict=True), part.tolist(), strict=True))
