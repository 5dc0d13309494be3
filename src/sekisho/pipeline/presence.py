"""In which minutes a line could have been seen, had it done it again: only such minutes count as quiet.

A household that is away, a session that has ended, an exporter that sends nothing or loses most of it, counters that
contradict the flows: all of them look like a recovery.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.keys import line_keys
from sekisho.cases.quiet import MINUTE_MS, LineMinute
from sekisho.detect.level import COVERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from sekisho.pipeline.run import Run

HEARD_WITHIN_MS = 60 * MINUTE_MS
"""A list of assignments tells nothing about who is switched on. Even an idle household sends a packet that is sampled
within an hour, or its line is so quiet that a minute more of silence means nothing."""

COVERAGE_OVER_MS = 10 * MINUTE_MS
"""Interfaces are counted every minute or every five: one minute alone would be compared with parts of others."""

MOST_LOST = 0.2
"""Share of an exporter's units beyond which a minute counts for nothing."""

MOST_MINUTES = 10
"""A gap in stream time is no time in which anybody was seen; a tick late by more than this is one."""


class Presence:
    """Follows a run minute by minute.

    Args:
        run: started.
        key: secret of the line keys.
    """

    def __init__(self, run: Run, *, key: bytes) -> None:
        self._run, self._key = run, key
        self._minute = 0
        self._datagrams: Counter[int] = Counter()

    def minutes(self, at_ms: int, lines: Mapping[str, str | None]) -> Iterator[LineMinute]:
        """What became known of some lines since the last call, once for each minute.

        Args:
            at_ms: the tick.
            lines: line -> address of the exporter that reports it; None where that is not known.
        """
        minute = at_ms // MINUTE_MS
        if minute <= self._minute:
            return
        first, self._minute = self._minute, minute
        # Between two looks: the minutes in between have all been delivered, or none counts.
        spoke = self._spoke()
        if minute - first > MOST_MINUTES or not lines or not spoke:
            return
        names = sorted(lines)
        keys = line_keys(names, self._key)
        for start, end in pairwise(range(first * MINUTE_MS, (minute + 1) * MINUTE_MS, MINUTE_MS)):
            online = self._online(keys, start, end)
            good = {name: self._good(name, spoke, start, end) for name in set(lines.values())}
            for name, is_online in zip(names, online.tolist(), strict=True):
                delivered, covered = good[lines[name]]
                yield LineMinute(line_id=name, at_ms=start, online=is_online, delivered=delivered, covered=covered)

    def _spoke(self) -> set[int]:
        """Exporters that have sent anything since the last call."""
        datagrams: Counter[int] = Counter()
        for source in self._run.decoder.losses():
            datagrams[source.exporter] += source.datagrams
        spoke = {code for code, count in datagrams.items() if count > self._datagrams[code]}
        self._datagrams = datagrams
        return spoke

    def _online(self, keys: NDArray[np.int64], start: int, end: int) -> NDArray[np.bool_]:
        """Held an address from beginning to end, and was heard of within the hour."""
        attributor, order = self._run.attributor, np.argsort(keys)
        heard = np.empty(len(keys), np.bool_)
        heard[order] = self._run.windows.sent_lately(lines=keys[order], since_ms=end - HEARD_WITHIN_MS)
        held = attributor.holds(keys, at_ms=start) & attributor.holds(keys, at_ms=end - 1)
        return np.asarray(heard & held)

    def _good(self, exporter: str | None, spoke: set[int], start: int, end: int) -> tuple[bool, bool]:
        """Whether an exporter delivered, and whether its flows agree with the counters; unknown = every one has to."""
        names = self._run.exporters
        codes = [code for code, name in enumerate(names) if exporter is None or name == exporter]
        quality = self._run.quality
        delivered = bool(codes) and all(code in spoke and quality.loss(code, start, end) <= MOST_LOST for code in codes)
        shares = [quality.of(code, end - COVERAGE_OVER_MS, end).coverage for code in codes]
        return delivered, all(share is None or COVERED[0] <= share <= COVERED[1] for share in shares)
