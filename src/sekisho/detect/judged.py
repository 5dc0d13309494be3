"""Verdicts of every track, made again only when something that they rest on is another.

Most episodes are over, or were not looked at since the last tick: what was judged then still holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sekisho.detect.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sekisho.detect.episodes import Episode, Track
    from sekisho.detect.level import LineInfo
    from sekisho.schema.detection import Detection, Quality

Key = tuple[int, str]
"""Line and kind."""


class _Judged(NamedTuple):
    """A verdict, and what it was made of beside where its track's traffic went."""

    episode: Episode
    info: LineInfo
    quality: Quality
    exporter: int | None
    detection: Detection


class Verdicts:
    """What was judged of each track.

    Args:
        info: of a line.
        quality: of an exporter's data between two times.
    """

    def __init__(self, info: Callable[[int], LineInfo], quality: Callable[[int | None, int, int], Quality]) -> None:
        self._info, self._quality = info, quality
        self._known: dict[Key, tuple[_Judged, ...]] = {}

    def of(self, tracks: Mapping[Key, Track]) -> Iterator[tuple[Episode, Detection]]:
        """Every episode with its verdict; of tracks that are gone nothing is remembered."""
        self._known = {key: tuple(self._of_track(key, track)) for key, track in tracks.items()}
        for judged in self._known.values():
            yield from ((each.episode, each.detection) for each in judged)

    def went_elsewhere(self, key: Key) -> None:
        """Where a track's traffic went has been looked at again; everything else shows in its episodes."""
        self._known.pop(key, None)

    def _of_track(self, key: Key, track: Track) -> Iterator[_Judged]:
        before = self._known.get(key, ())
        for episode in track.episodes:
            info = self._info(key[0])
            quality = self._quality(track.exporter, episode.first_ms, episode.last_ms)
            made_of = (info, quality, track.exporter)
            # An episode is never changed, only replaced.
            same = (each for each in before if each.episode is episode and each[1:4] == made_of)
            yield next(same, None) or self._judge(key, track, episode, *made_of)

    @staticmethod
    def _judge(
        key: Key, track: Track, episode: Episode, info: LineInfo, quality: Quality, exporter: int | None
    ) -> _Judged:
        detection = verdict(
            line=key[0],
            kind=key[1],
            episode=episode,
            sums=track.totals(episode),
            info=info,
            quality=quality,
            exporter=exporter,
        )
        return _Judged(episode, info, quality, exporter, detection)
