"""Holders that are known by their address behind a translator: the line is whoever held that address meanwhile."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import LAST_PORT, Held, Inside

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from sekisho.attribution.history.spans import Span
    from sekisho.core.address import IPNetwork


def resolved(by_held: Mapping[Held, Sequence[Span]]) -> Iterator[tuple[Held, Span]]:
    """The same spans with lines as holders; times without a holder of the inside address are left out."""
    lengths: set[tuple[int, int]] = {(what.prefix.version, what.prefix.prefixlen) for what in by_held}
    for what, held in by_held.items():
        yield from ((what, span) for span in lines_of(held, lambda inside: by_held.get(inside, ()), lengths))


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
