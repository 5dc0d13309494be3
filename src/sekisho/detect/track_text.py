"""Tracks as JSON and back: what the checkpoint of a live run holds of each episode."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sekisho.detect.episodes import Block, Episode, Sums, Track, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sekisho.detect.episodes import Network

FORMAT = 1
"""Raised whenever what follows changes; a checkpoint of another format is not read."""

_WINDOW = tuple(Window.__dataclass_fields__)
_PLAIN = tuple(name for name in Sums.__dataclass_fields__ if name not in {"highest", "fastest", "networks"})


def track_text(track: Track) -> str:
    """A track without its exporter, whose code may mean another one in the next run."""
    return json.dumps(
        {
            "gap_ms": track.gap_ms,
            "windows": [_cells(window) for window in track.windows.values()],
            "blocks": [[start, _networks(b.networks), b.targets] for start, b in track.blocks.items()],
            "episodes": [
                [e.detected_at_ms, _sums(e.settled), [window.start_ms for window in e.windows]] for e in track.episodes
            ],
        },
        separators=(",", ":"),
    )


def track_of(text: str, *, exporter: int | None) -> Track:
    """The track that a text holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        given = json.loads(text)
        windows = {window.start_ms: window for window in map(_window, given["windows"])}
        return Track(
            gap_ms=given["gap_ms"],
            exporter=exporter,
            windows=windows,
            blocks={
                start: Block(networks=_networks_of(pairs), targets=targets) for start, pairs, targets in given["blocks"]
            },
            episodes=[
                Episode(
                    detected_at_ms=detected_at_ms,
                    settled=_sums_of(settled),
                    windows=tuple(windows[start] for start in starts),
                )
                for detected_at_ms, settled, starts in given["episodes"]
            ],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a track of format {FORMAT}") from error


def _cells(window: Window) -> list[Any]:
    return [getattr(window, name) for name in _WINDOW]


def _window(cells: Iterable[Any]) -> Window:
    return Window(**dict(zip(_WINDOW, cells, strict=True)))


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        **{name: getattr(sums, name) for name in _PLAIN},
        "highest": sums.highest and _cells(sums.highest),
        "fastest": sums.fastest and _cells(sums.fastest),
        "networks": _networks(sums.networks),
    }


def _sums_of(given: dict[str, Any]) -> Sums:
    return Sums(
        **{name: given[name] for name in _PLAIN},
        highest=given["highest"] and _window(given["highest"]),
        fastest=given["fastest"] and _window(given["fastest"]),
        networks=_networks_of(given["networks"]),
    )


def _networks(networks: Mapping[Network, float]) -> list[list[float]]:
    """JSON has no keys of five numbers."""
    return [[*network, packets] for network, packets in networks.items()]


def _networks_of(rows: Iterable[Iterable[Any]]) -> dict[Network, float]:
    return {(hi, lo, bits, port, protocol): packets for hi, lo, bits, port, protocol, packets in rows}
