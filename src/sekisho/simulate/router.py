"""A router that meters the lines behind it: open flows, packet selection, flow cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.simulate import flow_cache as fc
from sekisho.simulate.flows import BENIGN, OUTSIDE, OWN_KEYS, Flows, joined, no_flows
from sekisho.simulate.sampling import sample

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.packet_keys import Keys, PacketKeys
    from sekisho.simulate.sampling import Sampled
    from sekisho.simulate.scenario import ExporterPart
    from sekisho.simulate.truth import Truth

_WORTH_KEEPING = 0.9
SEES = {"both": (0, 1), "outbound": (1,), "inbound": (0,)}


class Router:
    """True flows in, flow records out, in time steps.

    Args:
        here: (lines,) the lines whose packets pass it.
        counts: tells the truth what was on the wire; one router of those that see the same packets does.

    Attributes:
        sampling_interval: what it samples now.
        selected_packets: packets chosen by the sampling so far.
        selected_of_attack: (attacks,) those among them that an attack sent.
    """

    def __init__(
        self,
        part: ExporterPart,
        keys: PacketKeys,
        truth: Truth,
        rng: Generator,
        *,
        here: NDArray[np.bool_],
        counts: bool = True,
    ) -> None:
        self.part, self.sampling_interval = part, part.sampling_interval
        self._keys, self._truth, self._rng = keys, truth, rng
        self._here, self._counts = here, counts
        self._flows, self._new = no_flows(), list[Flows]()
        self._cache = fc.FlowCache(active_ms=part.active_timeout_s * 1000, inactive_ms=part.inactive_timeout_s * 1000)
        self.selected_packets = 0
        self.selected_of_attack = np.zeros(truth.attack_count, np.int64)

    @property
    def open_flows(self) -> int:
        """Flows on the wire and flows in the cache: what memory is bounded by."""
        return len(self._flows.line) + len(self._cache)

    def open(self, flows: Flows) -> None:
        """Flows that begin now."""
        self._new.append(flows)

    def cut(self, line: int, at_ms: int) -> None:
        """A line behind this router has lost its connection."""
        for flows in (self._flows, *self._new):
            flows.cut(line, at_ms)

    def resample(self, interval: int) -> NDArray[np.int64]:
        """(n, ROW) records of the whole cache, which a router empties before it samples 1 in ``interval``."""
        self.sampling_interval = interval
        return self._cache.flush()

    def step(self, at_ms: int, until_ms: int) -> NDArray[np.int64]:
        """(n, ROW) records that leave at ``until_ms``."""
        flows = self._begin()
        before = flows.sent_before(at_ms)
        sent = flows.sent_before(until_ms) - before
        if self._counts:
            self._truth.count(flows, before, sent, at_ms)
        seen = np.where(np.isin(flows.outbound, SEES[self.part.sees]), sent, 0)
        sampled = sample(flows, before, seen, self.sampling_interval, self._rng)
        sampled, keys = self._keys.of(flows, sampled)
        self._count(flows, sampled)
        observed = observations(flows, sampled, keys)
        local = (observed[:, fc.OUTBOUND] == 1) & self._is_here(observed[:, fc.DST_LINE])
        observed[local, fc.OUTBOUND] = fc.BETWEEN_LINES
        self._cache.observe(observed)
        self._flows = _without_ended(flows, until_ms)
        return self._cache.expire(until_ms)

    def _count(self, flows: Flows, sampled: Sampled) -> None:
        self.selected_packets += int(sampled.packets.sum())
        attack = np.where(flows.outbound[sampled.row] == 1, flows.attack[sampled.row], BENIGN)
        np.add.at(self.selected_of_attack, attack[attack != BENIGN], sampled.packets[attack != BENIGN])

    def _is_here(self, line: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray((line != OUTSIDE) & self._here[line], np.bool_)

    def _begin(self) -> Flows:
        flows, self._new = joined([self._flows, *self._new]), []
        return flows

    def flush(self) -> NDArray[np.int64]:
        """(n, ROW) records of everything still in the cache."""
        return self._cache.flush()


def _without_ended(flows: Flows, until_ms: int) -> Flows:
    """The flows that go on; a few ended ones stay, since to copy all columns costs more than to skip them."""
    going_on = flows.end_ms > until_ms
    return flows.select(going_on) if going_on.sum() < _WORTH_KEEPING * len(going_on) else flows


def observations(flows: Flows, sampled: Sampled, keys: Keys) -> NDArray[np.int64]:
    """(n, ROW) what a metering process sees of the selected packets."""
    row, nth, packets = sampled
    last = nth + packets - 1
    start, period = flows.start_ms[row], flows.period_ms[row]
    out = np.empty((len(row), fc.ROW), np.int64)
    for column, name in ((fc.SRC_HI, "src_hi"), (fc.SRC_LO, "src_lo"), (fc.DST_HI, "dst_hi"), (fc.DST_LO, "dst_lo")):
        out[:, column] = getattr(keys, name)
    out[:, fc.PORTS] = keys.ports
    out[:, fc.PROTOCOL] = flows.protocol[row]
    out[:, fc.FIRST_MS] = start + (nth * period).astype(np.int64)
    out[:, fc.LAST_MS] = start + (last * period).astype(np.int64)
    out[:, fc.PACKETS] = packets
    out[:, fc.OCTETS] = packets * flows.octets[row]
    out[:, fc.FLAGS] = _flags(flows, sampled, last, keys.first_flags)
    out[:, fc.OUTBOUND] = flows.outbound[row]
    out[:, fc.FRAGMENT] = flows.fragment_offset[row]
    out[:, fc.ATTACK] = flows.attack[row]
    sent = flows.outbound[row] == 1
    out[:, fc.SRC_LINE] = np.where(sent, flows.line[row], flows.peer_line[row])
    out[:, fc.DST_LINE] = np.where(sent, flows.peer_line[row], flows.line[row])
    return out


def _flags(
    flows: Flows, sampled: Sampled, last: NDArray[np.int64], first_flags: NDArray[np.int64]
) -> NDArray[np.int64]:
    """OR of the flags of the selected packets: a SYN shows only where the first packet is among them."""
    row, nth, packets = sampled
    alone = flows.pattern[row] != OWN_KEYS
    has_first = alone | (nth == 0)
    has_last = ~alone & (last > 0) & (last == flows.total()[row] - 1)
    has_later = packets > has_first.astype(np.int64) + has_last
    return np.asarray(
        np.where(has_first, first_flags, 0)
        | np.where(has_later, flows.later_flags[row], 0)
        | np.where(has_last, flows.last_flags[row], 0)
    )
