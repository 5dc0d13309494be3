"""Sampling intervals learned from options records, as kernels look them up."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.wire.keys import KeyTable
from sekisho.wire.layout import Namespace, Of
from sekisho.wire.options import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

SYSTEM = Sampler(None, 0)
"""The rate of a whole source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerRate:
    """One learned rate.

    Attributes:
        exporter: code of the exporter.
        scope: system | sampler | selection_sequence | interface.
        interval: 1 in N packets.
    """

    exporter: int
    version: int
    domain: int
    scope: str
    identifier: int
    interval: float


class SamplerTable:
    """Rates by source and sampler. The latest announcement holds from then on; changes are counted.

    Attributes:
        changes: announcements that differed from the one before, by exporter. ignored: samplers beyond the limit.
    """

    def __init__(self, sources: NDArray[np.int64], *, samplers_per_source: int) -> None:
        self._sources = sources
        self._limit = samplers_per_source
        self._rates: dict[int, dict[Sampler, float]] = {}
        self._selectors: dict[tuple[int, int], int] = {}
        self.keys = KeyTable()
        self.changes: Counter[int] = Counter()
        self.ignored: Counter[int] = Counter()

    def learn(self, source: int, samplers: list[Sampler], interval: float) -> None:
        """Take in what one options record said.

        Args:
            source: row of the source.
            samplers: what the interval holds for.
            interval: 1 in N packets; 0 = the record names a sampler or its selectors, and no rate.
        """
        by_namespace = {sampler.namespace: sampler.identifier for sampler in samplers}
        sequence, selector = by_namespace.get(Namespace.SELECTION_SEQUENCE), by_namespace.get(Namespace.SAMPLER)
        if sequence is not None and selector is not None and len(self._selectors) < self._limit:
            # RFC 5476, 6.5.1: a selection sequence report names the selectors of a sequence; their rate may follow.
            self._selectors[source, sequence] = selector
            interval = interval or self._rates.get(source, {}).get(Sampler(Namespace.SAMPLER, selector), 0.0)
        if interval > 0:
            for sampler in samplers:
                self._set(source, sampler, interval)
            self._sources[source, Of.RATE] = _bits(self._rate_of_source(source))

    def rates(self) -> list[SamplerRate]:
        """Everything learned, for reports."""
        return [
            SamplerRate(
                exporter=int(self._sources[source, Of.EXPORTER]),
                version=int(self._sources[source, Of.VERSION]),
                domain=int(self._sources[source, Of.DOMAIN]),
                scope="system" if sampler.namespace is None else sampler.namespace.name.lower(),
                identifier=sampler.identifier,
                interval=interval,
            )
            for source, rates in self._rates.items()
            for sampler, interval in rates.items()
        ]

    def known(self) -> tuple[list[tuple[int, Sampler, float]], list[tuple[int, int, int]]]:
        """(source, sampler, interval) of everything learned, and (source, sequence, selector)."""
        rates = [(source, s, interval) for source, rates in self._rates.items() for s, interval in rates.items()]
        return rates, [(source, sequence, selector) for (source, sequence), selector in self._selectors.items()]

    def restore(self, rates: Iterable[tuple[int, Sampler, float]], selectors: Iterable[tuple[int, int, int]]) -> None:
        """Put back what was known; nothing of it counts as a change."""
        for source, sequence, selector in selectors:
            self._selectors[source, sequence] = selector
        for source, sampler, interval in rates:
            self._set(source, sampler, interval)
            self._sources[source, Of.RATE] = _bits(self._rate_of_source(source))

    def _set(self, source: int, sampler: Sampler, interval: float) -> None:
        rates = self._rates.setdefault(source, {})
        if sampler not in rates and len(rates) >= self._limit:
            self.ignored[source] += 1
            return
        if rates.get(sampler, interval) != interval:
            self.changes[int(self._sources[source, Of.EXPORTER])] += 1
        rates[sampler] = interval
        if sampler.namespace is not None:
            self.keys.set(*_key(source, sampler), _bits(interval))
        if sampler.namespace is Namespace.INTERFACE:
            self._sources[source, Of.RATE_BY_INTERFACE] = 1
        if sampler.namespace is Namespace.SAMPLER:
            self._follow(source, sampler.identifier, interval)

    def _follow(self, source: int, selector: int, interval: float) -> None:
        for (owner, sequence), used in list(self._selectors.items()):
            if (owner, used) == (source, selector):
                self._set(source, Sampler(Namespace.SELECTION_SEQUENCE, sequence), interval)

    def _rate_of_source(self, source: int) -> float:
        """For records that name no sampler: the whole source's rate, sampler 0's, or that of the only one."""
        rates = self._rates.get(source, {})
        for sampler in (SYSTEM, Sampler(Namespace.SAMPLER, 0)):
            if sampler in rates:
                return rates[sampler]
        return next(iter(rates.values())) if len(rates) == 1 else 0.0


def _key(source: int, sampler: Sampler) -> tuple[int, int]:
    """``rows`` computes the same; selectorId has up to eight octets, hence the sign."""
    namespace = sampler.namespace if sampler.namespace is not None else 0
    identifier = sampler.identifier & 0xFFFFFFFFFFFFFFFF
    return source << 8 | namespace, identifier - (1 << 64) if identifier >> 63 else identifier


def _bits(interval: float) -> int:
    """The bit pattern that the batch's cells hold; positive for a positive interval."""
    return int(struct.unpack("<q", struct.pack("<d", interval))[0])
