"""What a history knows, as rows: columns made readable, and rows made columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sekisho.attribution.history.columns import Spans, Told
from sekisho.attribution.history.spans import Span
from sekisho.attribution.outcome import prefix_of_words
from sekisho.attribution.sources.events import Held
from sekisho.attribution.validity import OPEN_FROM_MS
from sekisho.core.address import prefix_words


def assignments(history, *, since_ms=OPEN_FROM_MS):
    """(held, span) of everything that was not over before."""
    told = history.told(since_ms=since_ms)
    names = dict(zip(told.lines.tolist(), (name for part in told.names for name in part.to_pylist()), strict=True))
    for spans in told.spans:
        columns = (getattr(spans, name).tolist() for name in Spans.__dataclass_fields__)
        for hi, lo, length, first, last, realm, line, source, from_ms, to_ms, inferred in zip(*columns, strict=True):
            yield (
                Held(
                    prefix=prefix_of_words(hi, lo, length),
                    realm=told.realms[realm],
                    port_first=first,
                    port_last=last,
                ),
                Span(
                    holder=names[line],
                    from_ms=from_ms,
                    to_ms=to_ms,
                    inferred=inferred,
                    source=told.sources[source],
                ),
            )


def told_of(pairs):
    """The columns of (held, span) rows; the holders are lines."""
    pairs = list(pairs)
    realms = tuple(dict.fromkeys(held.realm for held, _ in pairs))
    names = list(dict.fromkeys(span.holder for _, span in pairs))
    rows = [
        (
            *prefix_words(held.prefix),
            held.port_first,
            held.port_last,
            realms.index(held.realm),
            names.index(span.holder) + 1,
            0,
            span.from_ms,
            span.to_ms,
            span.inferred,
        )
        for held, span in pairs
    ]
    kinds = (
        np.int64,
        np.int64,
        np.uint8,
        np.uint16,
        np.uint16,
        np.int32,
        np.int32,
        np.uint16,
        np.int64,
        np.int64,
        np.bool_,
    )
    columns = [np.array([row[place] for row in rows], kind) for place, kind in enumerate(kinds)]
    return Told(
        realms=realms,
        sources=("s",),
        lines=np.arange(1, len(names) + 1),
        names=(pa.array(names, pa.string()),),
        spans=iter([Spans(**dict(zip(Spans.__dataclass_fields__, columns, strict=True)))]),
    )
