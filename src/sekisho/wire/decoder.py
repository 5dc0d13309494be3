"""Export datagrams in, flow batches out: the one decoder of NetFlow v5, v9, IPFIX and sFlow v5.

No socket, clock, log or thread. The kernel ``walk`` does the work; this class does what is rare: new sources,
templates, options, sets without template, NAT events, names of interfaces.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.errors import WireError
from sekisho.core.kernels import warm
from sekisho.core.reasons import WireReason
from sekisho.schema.batch import FlowBatch
from sekisho.wire import counters, ipfix, keys, sflow5, v5, v9, walk
from sekisho.wire.data_sources import ENTRY_WORDS, DataSource, Entry, data_source_of
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.elements import WORDS
from sekisho.wire.held import HEADER_OCTETS, SET_HEADER_OCTETS, HeldSet, HeldSets, as_datagram
from sekisho.wire.keys import EMPTY, KeyTable
from sekisho.wire.layout import SOURCE_WORDS, At, Of, Room, Samples, Status, Tables, Tape, source_key
from sekisho.wire.learned import learned_of, learned_sources, source_of
from sekisho.wire.limits import Limits
from sekisho.wire.options import (
    Event,
    interface_name_of,
    interval_of,
    not_metered_packets_of,
    read_records,
    samplers_of,
)
from sekisho.wire.sampling import SamplerRate, SamplerTable
from sekisho.wire.sequence import SourceLoss, loss_of
from sekisho.wire.templates import Source, Template, TemplateStats, TemplateTable
from sekisho.wire.totals import WORDS as TOTALS_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sekisho.wire.learned import Learned, LearnedSource
    from sekisho.wire.options import Record

KERNELS = (*keys.KERNELS, *walk.KERNELS, *sflow5.KERNELS)

_REASONS = tuple(WireReason)
_READERS = {v9.VERSION: v9.read_templates, ipfix.VERSION: ipfix.read_templates}


class Decoder:
    """Decodes export datagrams of any number of exporters.

    Args:
        exporters, realms: texts of the codes in the batches; shared with their owners, append-only.
        limits: what is kept at most.
        keep_options, keep_nat_events: keep these records for ``take_events``. NAT events that are not kept are
            counted as ``no_counters``.
    """

    def __init__(
        self,
        *,
        exporters: list[str],
        realms: list[str],
        limits: Limits = Limits(),  # noqa: B008 - frozen
        keep_options: bool = False,
        keep_nat_events: bool = False,
    ) -> None:
        self.limits = limits
        self.datagrams = 0
        self.events_dropped = 0
        self.interfaces_ignored = 0
        self._keep_options, self._keep_nat_events = keep_options, keep_nat_events
        self._batch = FlowBatch(exporters=exporters, realms=realms)
        self._source_keys = KeyTable()
        self._sources: NDArray[np.int64] = np.zeros((limits.sources, SOURCE_WORDS), dtype=np.int64)
        self._sources_of: Counter[int] = Counter()
        self._templates = TemplateTable(limits)
        self._samplers = SamplerTable(self._sources, samplers_per_source=limits.samplers_per_source)
        self._totals = np.zeros((limits.totals_flows, TOTALS_WORDS), dtype=np.int64)
        self._samples = _no_samples(limits)
        self._drops_of_kernels = np.zeros(len(_REASONS), dtype=np.int64)
        self._drops: Counter[WireReason] = Counter()
        self._held = HeldSets(limits, self._drops)
        self._interfaces: dict[tuple[int, int], str] = {}
        self._interfaces_of: Counter[int] = Counter()
        self._not_metered: dict[tuple[int, int], int] = {}
        self._events: list[Event] = []
        self._rows_given = 0
        for version, record in ((v5.VERSION, v5.RECORD), (sflow5.VERSION, sflow5.RECORD)):
            self._templates.add(Source(-1, version, 0), 0, record)

    def start(self) -> None:
        """Compile the kernels, or load them from the cache."""
        warm([KERNELS])

    def decode(self, datagrams: Datagrams) -> Iterator[FlowBatch]:
        """Decode datagrams in arrival order.

        Yields:
            The same batch again and again, up to ``capacity`` rows in input order; it is refilled when the next one is
            asked for. A set that waited for its template gives its rows where the template came.

        Raises:
            Nothing: whatever does not decode is counted in ``drops``.
        """
        if not len(datagrams):
            return
        self.datagrams += len(datagrams)
        self._rows_given = 0
        self._held.expire(int(datagrams.received_at[0]))
        state = self._state()
        yield from self._walk(_tape(datagrams), state)
        if state[At.ROWS]:
            yield self._give(state)

    def take_events(self) -> list[Event]:
        """Options and NAT events since the last call, in input order."""
        events, self._events = self._events, []
        return events

    @property
    def drops(self) -> Counter[WireReason]:
        """What was dropped and why; sets that still wait for their template are among ``unknown_template``."""
        of_kernels = {reason: int(n) for reason, n in zip(_REASONS, self._drops_of_kernels, strict=True) if n}
        waiting = Counter({WireReason.UNKNOWN_TEMPLATE: len(self._held)}) if len(self._held) else Counter()
        return self._drops + Counter(of_kernels) + waiting

    @property
    def records(self) -> int:
        """Data records read, options apart. Rows are fewer by what ``drops`` says and more by biflows' other sides."""
        return int(self._sources[:, Of.RECORDS].sum())

    @property
    def options_records(self) -> int:
        """Options data records read."""
        return int(self._sources[:, Of.OPTIONS_RECORDS].sum())

    @property
    def interfaces(self) -> Mapping[tuple[int, int], str]:
        """(exporter code, ifIndex) -> name, as options records and counter samples told."""
        return self._interfaces

    @property
    def data_sources_left_out(self) -> int:
        """Samples of data sources beyond the limit: their rows have the nominal sampling interval."""
        return int(self._samples.room[Room.DATA_SOURCES_LEFT_OUT])

    @property
    def counters_left_out(self) -> int:
        """Counters of interfaces beyond the limit."""
        return int(self._samples.room[Room.INTERFACES_LEFT_OUT])

    @property
    def templates(self) -> TemplateStats:
        """Redefinitions, withdrawals and conflicts of templates."""
        return self._templates.stats

    @property
    def sampling_changes(self) -> int:
        """How often an announced sampling interval changed."""
        return self._samplers.changes.total() + int(self._sources[:, Of.RATE_CHANGES].sum())

    def export_changes(self) -> Counter[int]:
        """How often an exporter changed what it exports by, sampling or templates, by its code.

        Right after such a change what it seems to report may be a mistake about its settings.
        """
        counts = self._samplers.changes + self.templates.redefined
        for source in self._sources[self._sources[:, Of.RATE_CHANGES] > 0]:
            counts[int(source[Of.EXPORTER])] += int(source[Of.RATE_CHANGES])
        return counts

    def not_metered_packets(self) -> Counter[int]:
        """Packets that exporters say they neither metered nor exported since they began, by code of the exporter.

        A flood fills a router's flow cache, and no gap in a sequence shows what found no room there.
        """
        counts: Counter[int] = Counter()
        for (exporter, _), packets in self._not_metered.items():
            counts[exporter] += packets
        return counts

    def samplers(self) -> list[SamplerRate]:
        """Sampling intervals learned from options."""
        return self._samplers.rates()

    def losses(self) -> list[SourceLoss]:
        """The account of every source, in the order they were first seen."""
        return [loss_of(source) for source in self._sources[: len(self._source_keys)]]

    def data_sources(self) -> list[DataSource]:
        """The account of every sFlow data source, in the order they were first seen."""
        entries = self._samples.data_sources[: self._samples.room[Room.DATA_SOURCES]]
        return [data_source_of(entry, self._sources[entry[Entry.SOURCE]]) for entry in entries]

    def interface_counters(self) -> list[counters.InterfaceCounters]:
        """The counters of every interface that exporters sent some of, in the order they were first seen."""
        entries = self._samples.interfaces[: self._samples.room[Room.INTERFACES]]
        return [counters.counters_of(entry, self._sources[entry[counters.Counter.SOURCE]]) for entry in entries]

    def learned(self) -> Learned:
        """What exporters told that a decoder of a later run would have to wait for."""
        return learned_of(
            self._sources[: len(self._source_keys)],
            self._templates,
            self._samplers,
            self._interfaces,
            exporters=self._batch.exporters,
        )

    def learned_sources(self) -> tuple[LearnedSource, ...]:
        """Where the sequence and the sampling of every source stand."""
        return learned_sources(self._sources[: len(self._source_keys)], exporters=self._batch.exporters)

    def restore(self, sources: Sequence[LearnedSource], learned: Learned) -> None:
        """Take back what an earlier run learned, before the first datagram.

        Exporters that are not known by now, and templates beyond a limit, are left out.
        """
        codes = {text: code for code, text in enumerate(self._batch.exporters)}
        rows: dict[int, int] = {}
        for place, each in enumerate(sources):
            if each.exporter in codes and len(each.account) == SOURCE_WORDS:
                source = Source(codes[each.exporter], each.version, each.domain)
                if self._has_room_for(source):
                    rows[place] = self._open(source, each.account)
        for template in learned.templates:
            if template.source in rows:
                with suppress(WireError):
                    self._templates.restore(template.known(source_of(self._sources[rows[template.source]])))
        self._samplers.restore(
            [(rows[rate.source], rate.sampler, rate.interval) for rate in learned.rates if rate.source in rows],
            [(rows[each.source], each.sequence, each.selector) for each in learned.selectors if each.source in rows],
        )
        for named in learned.interfaces:
            if named.exporter in codes:
                self._name_interface(codes[named.exporter], named.interface, named.name)

    def _walk(self, tape: Tape, state: NDArray[np.int64]) -> Iterator[FlowBatch]:
        while (status := self._step(tape, state)) != Status.DONE:
            if status == Status.BATCH_FULL:
                yield self._give(state)
            elif status == Status.NEW_SOURCE:
                self._add_source(tape, state)
            elif status == Status.TEMPLATES:
                held = self._learn_templates(tape, state)
                if held:
                    yield from self._replay(held, state)
            elif status == Status.UNKNOWN_TEMPLATE:
                self._hold(tape, state)
            elif status == Status.INTERFACE_NAME:
                self._learn_name(tape, state)
            else:
                self._read_options_or_events(tape, state, status)

    def _step(self, tape: Tape, state: NDArray[np.int64]) -> int:
        return int(walk.walk(tape, self._tables(), self._samples, state, self._batch.cells))

    def _tables(self) -> Tables:
        return Tables(
            source_index=self._source_keys.index,
            sources=self._sources,
            program_index=self._templates.keys.index,
            programs=self._templates.programs,
            steps=self._templates.steps,
            sampler_index=self._samplers.keys.index,
            totals=self._totals,
            drops=self._drops_of_kernels,
        )

    def _state(self) -> NDArray[np.int64]:
        state = np.zeros(At.VALUES + WORDS, dtype=np.int64)
        state[At.CAPACITY] = self._batch.capacity
        state[At.KEEPS_NAT_EVENTS] = self._keep_nat_events
        return state

    def _give(self, state: NDArray[np.int64]) -> FlowBatch:
        self._batch.length = int(state[At.ROWS])
        walk.blank(self._batch.cells, self._batch.length)
        self._rows_given += self._batch.length
        state[At.ROWS] = 0
        return self._batch

    def _add_source(self, tape: Tape, state: NDArray[np.int64]) -> None:
        """Open an account, or step over the datagram where there are too many."""
        source = _source(tape, state)
        if not self._has_room_for(source):
            self._drops[WireReason.EXPORTER_LIMIT] += 1
            state[At.DATAGRAM] += 1
            return
        self._open(source)

    def _has_room_for(self, source: Source) -> bool:
        is_full = len(self._source_keys) >= self.limits.sources
        return not is_full and self._sources_of[source.exporter] < self.limits.sources_per_exporter

    def _open(self, source: Source, account: Sequence[int] = ()) -> int:
        """The row of a source's new account."""
        row = len(self._source_keys)
        self._sources_of[source.exporter] += 1
        self._source_keys.set(*source_key(*source), row)
        if account:
            self._sources[row] = account
        self._sources[row, [Of.EXPORTER, Of.VERSION, Of.DOMAIN]] = source
        return row

    def _learn_templates(self, tape: Tape, state: NDArray[np.int64]) -> list[HeldSet]:
        """Take in a template set; the sets that waited for one of its templates."""
        source, port = _source(tape, state), int(tape.source_port[state[At.DATAGRAM]])
        held: list[HeldSet] = []
        try:
            for template in _READERS[source.version](_content(tape, state), int(state[At.SET_ID])):
                if self._add_template(source, port, template):
                    held += self._held.take(source, template.template_id)
        except WireError as error:
            self._drops[error.reason] += 1
        state[At.RECORD] = 0
        return held

    def _add_template(self, source: Source, port: int, template: Template) -> bool:
        try:
            return self._templates.add(source, port, template)
        except WireError as error:
            self._drops[error.reason] += 1
            return False

    def _hold(self, tape: Tape, state: NDArray[np.int64]) -> None:
        datagram = state[At.DATAGRAM]
        source, start = _source(tape, state), int(tape.offset[datagram])
        header = tape.payload[start : start + HEADER_OCTETS[source.version]].tobytes()
        set_octets = tape.payload[state[At.SET_START] - SET_HEADER_OCTETS : state[At.SET_END]].tobytes()
        self._held.hold(
            HeldSet(
                source=source,
                template_id=int(state[At.SET_ID]),
                port=int(tape.source_port[datagram]),
                received_at=int(tape.received_at[datagram]),
                payload=as_datagram(header, source.version, set_octets),
            )
        )
        state[At.UNITS_UNKNOWN] = 1
        state[At.RECORD] = 0

    def _replay(self, held: list[HeldSet], state: NDArray[np.int64]) -> Iterator[FlowBatch]:
        """Walk held sets; their messages are in the sequence account already."""
        inner = self._state()
        inner[At.REPLAY], inner[At.ROWS] = 1, state[At.ROWS]
        rows = ((h.received_at, h.source.exporter, h.port, h.payload) for h in held)
        yield from self._walk(_tape(Datagrams.of(rows)), inner)
        state[At.ROWS] = inner[At.ROWS]

    def _read_options_or_events(self, tape: Tape, state: NDArray[np.int64], status: int) -> None:
        source, port = _source(tape, state), int(tape.source_port[state[At.DATAGRAM]])
        template = self._templates.find(source, port, int(state[At.SET_ID]))
        assert template is not None, "the walk found this template"
        is_options = status == Status.OPTIONS
        keep = self._keep_options if is_options else self._keep_nat_events
        for record in read_records(_content(tape, state), template):
            state[At.UNITS] += 1
            state[At.OPTIONS_UNITS] += is_options
            self._sources[state[At.SOURCE], Of.OPTIONS_RECORDS if is_options else Of.RECORDS] += 1
            if is_options:
                self._learn_options(record, source, int(state[At.SOURCE]))
            if keep:
                self._keep(record, "options" if is_options else "nat_event", source, tape, state)
        state[At.RECORD] = 0

    def _learn_options(self, record: Record, source: Source, row: int) -> None:
        self._samplers.learn(row, samplers_of(record), interval_of(record))
        if boot_ms := record.number((0, 160)):
            self._sources[row, Of.SYSTEM_INIT_MS] = min(boot_ms, (1 << 62) - 1)
        if (packets := not_metered_packets_of(record)) is not None:
            self._not_metered[source.exporter, source.domain] = packets
        if named := interface_name_of(record):
            self._name_interface(source.exporter, *named)

    def _learn_name(self, tape: Tape, state: NDArray[np.int64]) -> None:
        if name := _content(tape, state).split(b"\0", 1)[0].decode("utf-8", "replace").strip():
            self._name_interface(_source(tape, state).exporter, int(state[At.NAMED_IF]), name)

    def _name_interface(self, exporter: int, index: int, name: str) -> None:
        if (exporter, index) not in self._interfaces:
            if self._interfaces_of[exporter] >= self.limits.interfaces_per_exporter:
                self.interfaces_ignored += 1
                return
            self._interfaces_of[exporter] += 1
        self._interfaces[exporter, index] = name

    def _keep(self, record: Record, kind: str, source: Source, tape: Tape, state: NDArray[np.int64]) -> None:
        if len(self._events) >= self.limits.events:
            self.events_dropped += 1
            return
        self._events.append(
            Event(
                kind=kind,
                row=self._rows_given + int(state[At.ROWS]),
                exporter=source.exporter,
                observation_domain_id=source.domain,
                received_at=int(tape.received_at[state[At.DATAGRAM]]),
                fields=record.as_dict(),
            )
        )


def _no_samples(limits: Limits) -> Samples:
    room = np.zeros(Room.WORDS, dtype=np.int64)
    room[Room.DATA_SOURCES_PER_SOURCE] = limits.data_sources_per_source
    room[Room.INTERFACES_PER_SOURCE] = limits.counted_interfaces_per_source
    # At most half full, as ``keys.put`` asks.
    slots = 1 << (2 * (limits.data_sources + limits.counted_interfaces) - 1).bit_length()
    return Samples(
        rows=np.full((slots, 3), EMPTY, dtype=np.int64),
        data_sources=np.zeros((limits.data_sources, ENTRY_WORDS), dtype=np.int64),
        interfaces=np.zeros((limits.counted_interfaces, counters.Counter.WORDS), dtype=np.int64),
        room=room,
    )


def _tape(datagrams: Datagrams) -> Tape:
    return Tape(
        payload=datagrams.payload,
        offset=datagrams.offset,
        length=datagrams.length,
        received_at=datagrams.received_at,
        exporter=datagrams.exporter,
        source_port=datagrams.source_port,
    )


def _source(tape: Tape, state: NDArray[np.int64]) -> Source:
    return Source(int(tape.exporter[state[At.DATAGRAM]]), int(state[At.VERSION]), int(state[At.DOMAIN]))


def _content(tape: Tape, state: NDArray[np.int64]) -> bytes:
    return tape.payload[state[At.SET_START] : state[At.SET_END]].tobytes()
