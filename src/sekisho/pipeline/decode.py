"""``decode``: captured export datagrams to the records that they hold, in their order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from sekisho.collect.capture import Capture
from sekisho.collect.exporters import Exporters
from sekisho.core.errors import InputError
from sekisho.pipeline.flow_files import Csv, FlowFile, JsonLines, Parquet
from sekisho.schema.batch import FlowBatch
from sekisho.wire.decoder import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sekisho.attribution.attributor import Attributor
    from sekisho.wire.datagrams import Datagrams
    from sekisho.wire.options import Event

DATAGRAMS_WITH_EVENTS = 256
"""Datagrams decoded at once where options and NAT events are written: the decoder keeps them until then, in bounds."""


class Form(StrEnum):
    """How records are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a decoding came to.

    Attributes:
        datagrams, records: export datagrams and data records (without options records) read.
        rows: flow rows written; records without counters give none, biflow records two.
        events: options and NAT event records written.
        lost: what sequence numbers show as lost, by their unit.
        drops: what was not used: frames, datagrams, sets and records, by reason.
        damage: one sentence for each capture that ends too early or is damaged.
    """

    datagrams: int
    records: int
    rows: int
    events: int
    lost: Mapping[str, int]
    drops: Mapping[str, int]
    damage: tuple[str, ...]

    def sentences(self) -> Iterator[str]:
        """The same for people."""
        yield from self.damage
        read = f"{_counted(self.datagrams, 'datagram')}, {_counted(self.records, 'record')}"
        more = f", {_counted(self.events, 'options or event record')}" if self.events else ""
        yield f"{read}; written: {_counted(self.rows, 'flow')}{more}"
        yield "lost: " + (_listed(self.lost) or "nothing that sequence numbers show")
        if self.drops:
            yield "not used: " + _listed(self.drops)


def decode(
    inputs: Sequence[str],
    *,
    form: Form,
    output: BinaryIO,
    attribution: Attributor | None = None,
    events: bool = False,
    on_progress: Callable[[str, int, int | None], None] = lambda *_: None,
) -> Decoded:
    """Write the records of capture files, in the order given.

    Args:
        inputs: pcap or pcapng files, "-" is standard input.
        form: JSON lines, CSV or Parquet.
        output: where they are written; it stays open.
        attribution: names the lines of both sides, in four more columns.
        events: write options and NAT event records too, where they stand between the flows.
        on_progress: told what is read, how far, and of how much.

    Raises:
        InputError: a file that cannot be used, no export datagram in any of them, or events in Parquet.
    """
    if events and form is Form.PARQUET:
        raise InputError("--all", "expected --format jsonl or csv, found parquet, which holds the flow table alone")
    exporters = Exporters()
    captures = [Capture(name, exporters=exporters, on_progress=partial(on_progress, name)) for name in inputs]
    for capture in captures:
        capture.check()
    decoding = Decoding(exporters, attribution=attribution, events=events)
    decoding.start()
    decoding.write(captures, _file(form, output, attribution, events=events))
    return decoding.result(captures)


class Decoding:
    """Datagrams through decoder and attribution into a file."""

    def __init__(self, exporters: Exporters, *, attribution: Attributor | None, events: bool) -> None:
        self._decoder = Decoder(exporters=exporters.texts, realms=[""], keep_options=events, keep_nat_events=events)
        self._attribution, self._with_events = attribution, events
        self._nothing = FlowBatch(exporters=exporters.texts, capacity=0)
        self._rows = self._events = 0

    def start(self) -> None:
        """Compile the kernels."""
        self._decoder.start()
        if self._attribution is not None:
            self._attribution.start()

    def write(self, captures: Sequence[Capture], file: FlowFile) -> None:
        """Write everything that the captures hold; what was read before an error is written too."""
        try:
            for capture in captures:
                for datagrams in capture:
                    for part in self._parts(datagrams):
                        self._write(part, file)
        finally:
            file.close()

    def result(self, captures: Sequence[Capture]) -> Decoded:
        """What it came to.

        Raises:
            InputError: there was no export datagram.
        """
        lost: Counter[str] = Counter()
        for loss in self._decoder.losses():
            lost[str(loss.unit)] += loss.lost_units
        drops = Counter({reason.value: count for reason, count in self._decoder.drops.items()})
        for capture in captures:
            drops.update({reason.value: count for reason, count in capture.drops.items()})
        if not self._decoder.datagrams:
            raise InputError(", ".join(capture.name for capture in captures), _nothing_found(captures, drops))
        return Decoded(
            datagrams=self._decoder.datagrams,
            records=self._decoder.records,
            rows=self._rows,
            events=self._events,
            lost=+lost,
            drops=drops,
            damage=tuple(capture.damage for capture in captures if capture.damage is not None),
        )

    def _parts(self, datagrams: Datagrams) -> Iterator[Datagrams]:
        step = DATAGRAMS_WITH_EVENTS if self._with_events else len(datagrams)
        for first in range(0, len(datagrams), step):
            yield datagrams.between(first, first + step)

    def _write(self, datagrams: Datagrams, file: FlowFile) -> None:
        given = 0
        for flows in self._decoder.decode(datagrams):
            if self._attribution is not None:
                self._attribution.attribute(flows)
            file.write(flows, self._take_events(given))
            given += len(flows)
        if self._with_events:
            file.write(self._nothing, self._take_events(given))
        self._rows += given

    def _take_events(self, given: int) -> list[tuple[int, Event]]:
        events = self._decoder.take_events()
        self._events += len(events)
        return [(event.row - given, event) for event in events]


def _file(form: Form, output: BinaryIO, attribution: Attributor | None, *, events: bool) -> FlowFile:
    line_id = attribution.line_id if attribution is not None else None
    if form is Form.PARQUET:
        return Parquet(output, line_id=line_id)
    if form is Form.CSV:
        return Csv(output, line_id=line_id, events=events)
    return JsonLines(output, line_id=line_id)


def _nothing_found(captures: Sequence[Capture], drops: Counter[str]) -> str:
    frames = sum(capture.frames for capture in captures)
    why = _listed(drops)
    expected = "expected NetFlow v5, v9, IPFIX or sFlow v5 in UDP datagrams"
    return f"{expected}, found none in {frames} frames" + (why and f" ({why})")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
