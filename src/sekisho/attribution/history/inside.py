"""Holders that are known by their address behind a translator: the line is whoever held that address meanwhile."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import LAST_PORT, Held, Inside

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from sekisho.attribution.history.spans import Span
    from sekisho.core.address import IPNetwork


def lines_of(
    held: Iterable[Span], spans_of: Callable[[Held], Sequence[Span]], lengths: Collection[tuple[int, int]]
) -> Iterator[Span]:
    """Spans of one thing with lines as holders.

    Args:
        held: as the sources tell them.
        spans_of: the same of anything else that may be held.
        lengths: version and length of every prefix that may be.
    """
    for span in held:
        if isinstance(span.holder, Inside):
            yield from _parts(span, span.holder, spans_of, lengths)
        else:
            yield span


def _parts(
    span: Span, inside: Inside, spans_of: Callable[[Held], Sequence[Span]], lengths: Collection[tuple[int, int]]
) -> Iterator[Span]:
    """The parts of a span in which somebody held the inside address; the longest prefix with a holder counts."""
    for length in sorted((length for version, length in lengths if version == inside.address.version), reverse=True):
        around = Held(prefix=_prefix(inside, length), realm=inside.realm, port_first=0, port_last=LAST_PORT)
        meanwhile = [
            other
            for other in spans_of(around)
            if other.from_ms < span.to_ms and other.to_ms > span.from_ms and isinstance(other.holder, str)
        ]
        if meanwhile:
            for other in meanwhile:
                yield replace(
                    span,
                    holder=other.holder,
                    from_ms=max(span.from_ms, other.from_ms),
                    to_ms=min(span.to_ms, other.to_ms),
                    inferred=span.inferred or other.inferred,
                )
            return


def _prefix(inside: Inside, length: int) -> IPNetwork:
    return ip_network((inside.address, length), strict=False)
