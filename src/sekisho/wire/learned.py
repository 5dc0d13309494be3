"""What a decoder was told and cannot ask for again: it is written to disk and read back after a restart.

An exporter repeats its templates every few minutes only, some every half hour. Without them whatever it sends after a
restart waits, is dropped and counted; and where its sequence numbers are forgotten, what was lost meanwhile is not
even known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sekisho.wire.layout import Namespace, Of
from sekisho.wire.options import Sampler
from sekisho.wire.templates import Field, KnownTemplate, Source, Template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sekisho.wire.sampling import SamplerTable
    from sekisho.wire.templates import TemplateTable


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedSource:
    """One (exporter, version, observation domain).

    Attributes:
        exporter: IP address; codes may differ in the next run.
        account: words of ``layout.Of`` and the sequence accounts behind them.
    """

    exporter: str
    version: int
    domain: int
    account: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedTemplate:
    """A template in its scope.

    Attributes:
        source: index into the sources.
        port: source port that announced it last; scope: port that it holds for, -1 = all others.
        is_by_port: sets of its id are looked up with their source port first.
        fields: (element, length, enterprise), scopes first.
    """

    source: int
    template_id: int
    port: int
    scope: int
    is_by_port: bool
    scopes: int
    is_options: bool
    fields: tuple[tuple[int, int, int], ...]

    def known(self, source: Source) -> KnownTemplate:
        """As the table of templates holds it."""
        template = Template(
            template_id=self.template_id,
            fields=tuple(Field(*field) for field in self.fields),
            scopes=self.scopes,
            is_options=self.is_options,
        )
        return KnownTemplate(source, self.port, self.scope, template, self.is_by_port)


class LearnedRate(NamedTuple):
    """A sampling interval; ``namespace`` of ``layout.Namespace``, None = the whole source."""

    source: int
    namespace: int | None
    identifier: int
    interval: float

    @property
    def sampler(self) -> Sampler:
        """What it holds for."""
        return Sampler(None if self.namespace is None else Namespace(self.namespace), self.identifier)


class LearnedSelector(NamedTuple):
    """A selection sequence and the selector that it uses (RFC 5476, 6.5.1)."""

    source: int
    sequence: int
    selector: int


class LearnedInterface(NamedTuple):
    """The name of an interface."""

    exporter: str
    interface: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the sources of one decoder told; ``source`` everywhere is the index of a ``LearnedSource``."""

    templates: tuple[LearnedTemplate, ...] = ()
    rates: tuple[LearnedRate, ...] = ()
    selectors: tuple[LearnedSelector, ...] = ()
    interfaces: tuple[LearnedInterface, ...] = ()


def learned_sources(sources: NDArray[np.int64], *, exporters: Sequence[str]) -> tuple[LearnedSource, ...]:
    """The accounts of a decoder.

    Args:
        sources: (n, SOURCE_WORDS).
        exporters: code -> address.
    """
    rows = sources.copy()
    # What these count stands in tables that are not kept.
    rows[:, [Of.DATA_SOURCES, Of.INTERFACES]] = 0
    return tuple(
        LearnedSource(
            exporter=exporters[row[Of.EXPORTER]],
            version=int(row[Of.VERSION]),
            domain=int(row[Of.DOMAIN]),
            account=tuple(row.tolist()),
        )
        for row in rows
    )


def learned_of(
    sources: NDArray[np.int64],
    templates: TemplateTable,
    samplers: SamplerTable,
    interfaces: Mapping[tuple[int, int], str],
    *,
    exporters: Sequence[str],
) -> Learned:
    """What the tables of a decoder hold.

    Args:
        sources: (n, SOURCE_WORDS), the accounts.
        templates: of these sources.
        samplers: likewise.
        interfaces: (exporter code, ifIndex) -> name.
        exporters: code -> address.
    """
    place_of = {source_of(row): place for place, row in enumerate(sources)}
    rates, selectors = samplers.known()
    return Learned(
        templates=tuple(
            _learned_template(place_of[known.source], known) for known in templates.known() if known.source in place_of
        ),
        rates=tuple(LearnedRate(source, s.namespace, s.identifier, interval) for source, s, interval in rates),
        selectors=tuple(LearnedSelector(*selector) for selector in selectors),
        interfaces=tuple(
            LearnedInterface(exporters[e], interface, name) for (e, interface), name in interfaces.items()
        ),
    )


def source_of(row: NDArray[np.int64]) -> Source:
    """Whose account it is."""
    return Source(int(row[Of.EXPORTER]), int(row[Of.VERSION]), int(row[Of.DOMAIN]))


def _learned_template(source: int, known: KnownTemplate) -> LearnedTemplate:
    return LearnedTemplate(
        source=source,
        template_id=known.template.template_id,
        port=known.port,
        scope=known.scope,
        is_by_port=known.is_by_port,
        scopes=known.template.scopes,
        is_options=known.template.is_options,
        fields=tuple((field.element, field.length, field.enterprise) for field in known.template.fields),
    )
