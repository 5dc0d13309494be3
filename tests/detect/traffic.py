"""A small model of traffic: conversations and sprays, packet-sampled, metered by a flow cache, folded, judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detect.engine import engine
from sekisho.core.address import to_words
from sekisho.detect.detect import Detect
from sekisho.schema.batch import FlowBatch
from sekisho.windows.limits import Limits
from sekisho.windows.table import Windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sekisho.schema.detection import Detection

T0 = 1_700_000_400_000
"""The start of a ten-minute block."""

TICK_MS = 5_000
SYN, ACK_DATA, SYN_ACK, RST_ACK = 2, 24, 18, 20
SMALL = Limits(series=1 << 12, window_rows=1 << 16, pair_rows=1 << 16, held_answers=1 << 10)

Row = tuple[Any, ...]
Sprayed = tuple[float, str, int, int]
"""(seconds, target, its port, the line's)."""


def seen_at(*samplings: int) -> pytest.MarkDecorator:
    """Run a test with ``sampling`` and ``two_way``: at every change by turns, the other half in ``make prove``."""
    rows = [
        pytest.param(sampling, two_way, marks=() if two_way is (place % 2 == 0) else pytest.mark.prove)
        for place, sampling in enumerate(samplings)
        for two_way in (True, False)
    ]
    return pytest.mark.parametrize(("sampling", "two_way"), rows)


@dataclass
class Traffic:
    """Flow records of some lines as one exporter would send them.

    Port 0 of UDP is a non-first fragment; a port of ICMP is type * 256 + code.

    Attributes:
        sampling: 1 in N packets.
        two_way: whether the exporter shows what the lines receive.
        active_s, inactive_s: the flow cache's timeouts.
    """

    sampling: int = 1
    two_way: bool = True
    active_s: float = 60.0
    inactive_s: float = 15.0
    seed: int = 7
    announced: float | None = None
    inferred: int = 0
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)

    def talk(
        self,
        target: str,
        port: int,
        *,
        line: int = 1,
        start: float = 0.0,
        stop: float = 60.0,
        pps: float,
        octets: int,
        answer_pps: float = 0.0,
        answer_octets: int = 80,
        flows: int = 1,
        protocol: int = 17,
        flags: int = 0,
        answer_flags: int | None = None,
        own: int = 40_000,
    ) -> Traffic:
        """Steady five-tuples to one target and port, answered or not, from the line's port ``own`` on."""
        sent, received = self._side(line, target, port, protocol), self._side(line, target, port, protocol, back=True)
        for flow in range(flows):
            offset = self.random.uniform(0, 0.05)
            self._meter(sent, own + flow, start + offset, stop, pps / flows, octets, flags)
            if answer_pps and self.two_way:
                back = flags if answer_flags is None else answer_flags
                self._meter(received, own + flow, start + offset + 0.02, stop, answer_pps / flows, answer_octets, back)
        return self

    def spray(
        self,
        targets: Sequence[str],
        ports: Sequence[int],
        *,
        line: int = 1,
        start: float = 0.0,
        stop: float = 60.0,
        pps: float,
        octets: int,
        protocol: int = 17,
        flags: int = 0,
        answered: float = 0.0,
        answer_flags: int = 0,
        answer_octets: int = 40,
        inward: bool = False,
        own: int = 0,
    ) -> Traffic:
        """Packets that are each a flow of their own, to random targets and ports; some answered by one packet.

        ``own`` is the line's port, 0 = any.
        """

        def each(packets: float) -> Iterable[Sprayed]:
            count = self._sampled(packets)
            times = np.sort(self.random.uniform(start, stop, count))
            chosen = self.random.integers(len(targets), size=count), self.random.integers(len(ports), size=count)
            for at, t, p in zip(times, *chosen, strict=True):
                yield at, targets[t], ports[p], own or int(self.random.integers(40_000, 65_535))

        sent = list(each(pps * (stop - start)))
        # A sampled answer is hardly ever that to a sampled packet.
        received = each(pps * (stop - start) * answered) if self.sampling > 1 else self._some(sent, answered)
        for at, target, port, source in sent:
            side = self._side(line, target, port, protocol, back=inward)
            self._record(side, source, at, at, 1, octets, flags, self.inactive_s)
        for at, target, port, source in received if self.two_way else ():
            back = self._side(line, target, port, protocol, back=not inward)
            self._record(back, source, at + 0.01, at + 0.01, 1, answer_octets, answer_flags, self.inactive_s)
        return self

    def connect(
        self,
        targets: Sequence[str],
        ports: Sequence[int],
        *,
        line: int = 1,
        start: float = 0.0,
        stop: float = 60.0,
        per_s: float,
        packets: int,
        octets: int,
        lasts: float = 0.5,
        answered: float = 1.0,
    ) -> Traffic:
        """Short TCP connections to random targets and ports; those without an answer are one SYN."""
        count = round(per_s * (stop - start))
        chosen = self.random.integers(len(targets), size=count), self.random.integers(len(ports), size=count)
        complete = self.random.random(count) < answered
        sizes = np.where(complete, packets, 1)
        sent, received = (self.random.binomial(sizes, 1 / self.sampling) for _ in range(2))
        with_syn, with_answer = (self.random.random(count) * sizes < seen for seen in (sent, received))
        source = self.random.integers(40_000, 65_535, size=count)
        for k in np.flatnonzero(sent + received * complete).tolist():
            at = start + k / per_s
            target, port = targets[chosen[0][k]], ports[chosen[1][k]]
            for seen, begins, back in (
                (sent[k], with_syn[k], False),
                (received[k] * complete[k], with_answer[k], True),
            ):
                if seen and (self.two_way or not back):
                    first = (SYN_ACK if back else SYN) if begins else 0
                    flags = first | (25 if complete[k] and seen > bool(begins) else 0)
                    side = self._side(line, target, port, 6, back=back)
                    end = at + (lasts if seen > 1 else 0)
                    self._record(side, int(source[k]), at, end, int(seen), octets, flags, self.inactive_s)
        return self

    def judge(self, *, until_ms: int | None = None, detect: Detect | None = None) -> list[Detection]:
        """Fold everything by time of reception and tick every five seconds; what is reported at the end."""
        return self.detector(until_ms=until_ms, detect=detect).detections()

    def detector(self, *, until_ms: int | None = None, detect: Detect | None = None) -> Detect:
        detect = detect or Detect(engine=engine())
        windows = Windows(active_cap_ms=np.array([120_000]), lateness_ms=np.array([1_800_000]), limits=SMALL)
        windows.start()
        rows = sorted(self.rows, key=lambda row: row[0])
        last = -(-rows[-1][0] // TICK_MS) * TICK_MS
        received = np.array([row[0] for row in rows])
        first = 0
        ticks = range(-(-rows[0][0] // TICK_MS) * TICK_MS, min(last, until_ms or last) + 1, TICK_MS)
        for tick in ticks:
            until = int(np.searchsorted(received, tick, side="right"))
            if until > first:
                windows.fold(self._batch(rows[first:until]))
            detect.tick(tick, windows)
            first = until
        if ticks:
            detect.finish(ticks[-1], windows)
        return detect

    def _meter(self, side: Row, own: int, start: float, stop: float, pps: float, octets: int, flags: int) -> None:
        begin = start
        while begin < stop:
            end = min(begin + self.active_s, stop)
            if count := self._sampled(pps * (end - begin)):
                delay = 0.0 if end < stop else self.inactive_s
                self._record(side, own, begin, end - 0.001, count, octets, flags, delay)
            begin = end

    def _record(
        self, side: Row, source: int, start: float, end: float, packets: int, octets: int, flags: int, delay: float
    ) -> None:
        received = T0 + round((end + delay + 0.2) * 1000)
        self.rows.append(
            (received, T0 + round(start * 1000), T0 + round(end * 1000), packets, packets * octets, flags, source, side)
        )

    def _some(self, packets: Sequence[Sprayed], share: float) -> Iterable[Sprayed]:
        return [packet for packet in packets if self.random.random() < share]

    def _sampled(self, packets: float) -> int:
        return round(packets) if self.sampling == 1 else int(self.random.poisson(packets / self.sampling))

    def _side(self, line: int, target: str, port: int, protocol: int, *, back: bool = False) -> Row:
        return line, *to_words(ip_address(target)), port, protocol, back

    def _batch(self, rows: Sequence[Row]) -> FlowBatch:
        batch = FlowBatch(exporters=["192.0.2.1"], capacity=len(rows))
        batch.length = len(rows)
        names = ("received_at", "flow_start", "flow_end", "packets", "octets", "tcp_flags")
        for k, name in enumerate(names):
            batch.column(name)[:] = [row[k] for row in rows]
        line, hi, lo, port, protocol, back = (
            np.array(values) for values in zip(*(row[7] for row in rows), strict=True)
        )
        source = np.array([row[6] for row in rows])
        home_hi, home_lo = to_words(ip_address("100.72.0.1"))
        batch.column("protocol")[:] = protocol
        batch.column("ip_version")[:] = 4
        batch.column("icmp_type_code")[:] = np.where(np.isin(protocol, (1, 58)), port, -1)
        batch.column("fragment")[:] = (protocol == 17) & (port == 0)
        batch.column("sampling_interval")[:] = self.sampling if self.announced is None else self.announced
        for column, there, here in (
            ("hi", hi, home_hi),
            ("lo", lo, home_lo + line),
            ("port", port, source),
            ("line", 0, line),
        ):
            batch.column(f"dst_{column}")[:] = np.where(back, here, there)
            batch.column(f"src_{column}")[:] = np.where(back, there, here)
        batch.column("src_inferred")[:] = np.where(back, 0, self.inferred)
        return batch


def kinds(found: Iterable[Detection]) -> list[tuple[int, str]]:
    return sorted((d.line, d.kind) for d in found)


def addresses(prefix: str, count: int, *, step: int = 1) -> list[str]:
    first = int(ip_address(prefix))
    return [str(ip_address(first + k * step)) for k in range(count)]
