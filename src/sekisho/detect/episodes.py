"""Candidate windows become episodes: pulses within a gap are one, and a window's newer revision replaces its older.

An episode needs at least one window that opens it; windows that only go on are taken in from both sides. Windows older
than the horizon cannot change any more: they are folded into sums, so an episode of a week is as small as one of an
hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NETWORKS_KEPT = 64
"""Networks an episode remembers; beyond twice as many the smallest are forgotten, with at most a small share each."""

Network = tuple[int, int, int, int, int]
"""(upper word, lower word, bits of 128, port, protocol)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Traffic of one kind on one line in ten seconds, and how much all of the line's was.

    Attributes:
        opens: enough to open an episode by itself.
        evidence: the detector's own columns that are numbers.
        texts: those that are texts.
        acts: enough for a case, if nothing else speaks against it.
    """

    start_ms: int
    opens: bool
    packets: float
    octets: float
    sampled_packets: float
    packets_var: float
    octets_var: float
    all_packets: float
    inferred_packets: float
    all_sampled_packets: float
    unknown_sampling_packets: float
    evidence: Mapping[str, float]
    texts: Mapping[str, str] = field(default_factory=dict)
    acts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Where the traffic of ten minutes went.

    Attributes:
        networks: estimated packets by network.
        targets: distinct addresses, at least.
    """

    networks: Mapping[Network, float]
    targets: int


@dataclass(slots=True, kw_only=True)
class Sums:
    """What windows and blocks add up to.

    Attributes:
        first_ms, last_ms: start of the first and end of the last window; both 0 while there is none.
        acts: one of the windows was enough for a case.
        windows: how many windows.
        highest, fastest: the window with the most packets and the one with the most octets, the earliest of equals.
    """

    first_ms: int = 0
    last_ms: int = 0
    windows: int = 0
    packets: float = 0.0
    octets: float = 0.0
    sampled_packets: float = 0.0
    all_packets: float = 0.0
    inferred_packets: float = 0.0
    all_sampled_packets: float = 0.0
    unknown_sampling_packets: float = 0.0
    acts: bool = False
    highest: Window | None = None
    fastest: Window | None = None
    networks: dict[Network, float] = field(default_factory=dict)
    targets: int = 0

    def copy(self) -> Sums:
        """A Sums that can be added to without changing this one."""
        return self.of([self])

    @staticmethod
    def of(parts: Iterable[Sums]) -> Sums:
        """The sum of parts that do not overlap, given in order of time."""
        whole = Sums()
        for part in parts:
            whole._extend(part.first_ms, part.last_ms)
            for name in _ADDED:
                setattr(whole, name, getattr(whole, name) + getattr(part, name))
            whole.windows += part.windows
            whole.acts |= part.acts
            for window in (part.highest, part.fastest):
                whole._compare(window)
            whole.add_block(Block(networks=part.networks, targets=part.targets))
        return whole

    def add(self, window: Window) -> None:
        """Add one window; windows come in order of time."""
        self._extend(window.start_ms, window.start_ms + WINDOW_MS)
        for name in _ADDED:
            setattr(self, name, getattr(self, name) + getattr(window, name))
        self.windows += 1
        self.acts |= window.acts
        self._compare(window)

    def add_block(self, block: Block) -> None:
        """Add where ten minutes went; distinct addresses of several blocks are at least those of the largest."""
        for network, packets in block.networks.items():
            self.networks[network] = self.networks.get(network, 0.0) + packets
        self.targets = max(self.targets, block.targets)
        if len(self.networks) > 2 * NETWORKS_KEPT:
            self.networks = dict(self.largest(NETWORKS_KEPT))

    def largest(self, count: int) -> list[tuple[Network, float]]:
        """Networks with the most packets, ties by number."""
        return sorted(self.networks.items(), key=lambda item: (-item[1], item[0]))[:count]

    def _extend(self, first_ms: int, last_ms: int) -> None:
        if last_ms:
            self.first_ms = min(self.first_ms, first_ms) if self.last_ms else first_ms
            self.last_ms = max(self.last_ms, last_ms)

    def _compare(self, window: Window | None) -> None:
        if window is None:
            return
        if self.highest is None or window.packets > self.highest.packets:
            self.highest = window
        if self.fastest is None or window.octets > self.fastest.octets:
            self.fastest = window


_ADDED = (
    "packets",
    "octets",
    "sampled_packets",
    "all_packets",
    "inferred_packets",
    "all_sampled_packets",
    "unknown_sampling_packets",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A run of windows with no silence longer than the gap.

    Attributes:
        detected_at_ms: tick that first saw a window that opens it.
        settled: windows that left the horizon.
        windows: those that may still be revised, in order of time.
    """

    detected_at_ms: int
    settled: Sums
    windows: tuple[Window, ...]

    @property
    def first_ms(self) -> int:
        """Start of the first window."""
        return self.settled.first_ms if self.settled.last_ms else self.windows[0].start_ms

    @property
    def last_ms(self) -> int:
        """End of the last window."""
        return self.windows[-1].start_ms + WINDOW_MS if self.windows else self.settled.last_ms


@dataclass(slots=True, kw_only=True)
class Track:
    """Every episode of one kind on one line.

    Attributes:
        gap_ms: silence up to which two windows are one episode.
        exporter: code of the exporter that reported the line when it was last looked at.
        windows: candidate windows by start that may still be revised.
        blocks: where the traffic went, by start of the block, likewise.
        episodes: in order of time.
    """

    gap_ms: int
    exporter: int | None = None
    windows: dict[int, Window] = field(default_factory=dict)
    blocks: dict[int, Block] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)

    def revise(self, rows: Iterable[Window], *, from_ms: int, at_ms: int) -> None:
        """Take in the candidate windows as they are now.

        Args:
            rows: candidate windows; those before ``from_ms`` fill what is not known yet and replace nothing.
            from_ms: every window from here on was looked at: what is not in ``rows`` is a candidate no more.
            at_ms: stream time of this tick.
        """
        kept = {start: window for start, window in self.windows.items() if start < from_ms}
        settled = [episode.settled for episode in self.episodes if episode.settled.last_ms]
        for window in rows:
            # What settled later than this window was seen while the clock was ahead, and says nothing about it.
            settled_ms = max((sums.last_ms for sums in settled if sums.first_ms <= window.start_ms), default=0)
            if window.start_ms >= max(from_ms, settled_ms):
                kept[window.start_ms] = window
            elif window.start_ms >= settled_ms:
                kept.setdefault(window.start_ms, window)
        self.windows = kept
        self.episodes = sorted(self._episodes(at_ms), key=lambda episode: episode.first_ms)

    def settle(self, before_ms: int) -> None:
        """Fold what starts before a time and cannot change any more; a block stays until its last window does."""
        self.episodes = [self._settled(episode, before_ms) for episode in self.episodes]
        self.windows = {start: window for start, window in self.windows.items() if start >= before_ms}
        self.blocks = {start: block for start, block in self.blocks.items() if start + BLOCK_MS > before_ms}

    def end_by(self, now_ms: int) -> None:
        """The clock was ahead and is right again: what began by now, and is settled, ended by now."""
        for episode in self.episodes:
            if episode.settled.first_ms <= now_ms < episode.settled.last_ms:
                episode.settled.last_ms = now_ms

    def is_near(self, window_start_ms: int) -> bool:
        """Whether a window would join an episode that is there already."""
        return any(_near(e, window_start_ms, window_start_ms + WINDOW_MS, self.gap_ms) for e in self.episodes)

    def totals(self, episode: Episode) -> Sums:
        """All of an episode, with where it went."""
        sums = episode.settled.copy()
        for window in episode.windows:
            sums.add(window)
        for start, block in sorted(self.blocks.items()):
            if _covers(start, sums):
                sums.add_block(block)
        return sums

    def _settled(self, episode: Episode, before_ms: int) -> Episode:
        old = tuple(window for window in episode.windows if window.start_ms < before_ms)
        leaving = [start for start in sorted(self.blocks) if start + BLOCK_MS <= before_ms]
        if not old and not leaving:
            return episode
        settled = episode.settled.copy()
        for window in old:
            settled.add(window)
        for start in leaving:
            if _covers(start, settled):
                settled.add_block(self.blocks[start])
        return replace(episode, settled=settled, windows=episode.windows[len(old) :])

    def _episodes(self, at_ms: int) -> Iterator[Episode]:
        """Runs of windows with what they continue; a run without an opening window or a past is none."""
        pasts = [episode for episode in self.episodes if episode.settled.last_ms]
        for run in _runs(sorted(self.windows.values(), key=lambda window: window.start_ms), self.gap_ms):
            first_ms, last_ms = run[0].start_ms, run[-1].start_ms + WINDOW_MS
            before = [episode for episode in self.episodes if _near(episode, first_ms, last_ms, self.gap_ms)]
            mine = [episode for episode in pasts if _near(episode, first_ms, last_ms, self.gap_ms)]
            if mine or any(window.opens for window in run):
                pasts = [episode for episode in pasts if not _near(episode, first_ms, last_ms, self.gap_ms)]
                yield Episode(
                    detected_at_ms=min((episode.detected_at_ms for episode in before), default=at_ms),
                    settled=Sums.of(episode.settled for episode in mine),
                    windows=run,
                )
        yield from (replace(episode, windows=()) for episode in pasts)


def _runs(windows: Iterable[Window], gap_ms: int) -> Iterator[tuple[Window, ...]]:
    run: list[Window] = []
    for window in windows:
        if run and window.start_ms - run[-1].start_ms - WINDOW_MS > gap_ms:
            yield tuple(run)
            run = []
        run.append(window)
    if run:
        yield tuple(run)


def _near(episode: Episode, first_ms: int, last_ms: int, gap_ms: int) -> bool:
    return first_ms - gap_ms <= episode.last_ms and episode.first_ms <= last_ms + gap_ms


def _covers(block_start_ms: int, sums: Sums) -> bool:
    return block_start_ms < sums.last_ms and block_start_ms + BLOCK_MS > sums.first_ms
