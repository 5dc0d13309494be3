"""Both ways of a conversation as flows: who talks to whom, over which ports, how fast."""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.core.address import V4_MAPPED, to_words
from sekisho.simulate.applications import ANY_PORT, APPLICATIONS
from sekisho.simulate.flows import (
    ACK,
    ECHO_REPLY,
    ECHO_REQUEST,
    FIN,
    ICMP,
    ICMPV6,
    OUTSIDE,
    PSH,
    SYN,
    TCP,
    UDP,
    Flows,
    from_columns,
    joined,
)
from sekisho.simulate.lines import FIXED, FIXED_LENGTH, MAP_E

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.conversations import Drawn, Uses
    from sekisho.simulate.lines import Lines

PEERS_V4 = V4_MAPPED | 198 << 24 | 18 << 16
"""Lower word of 198.18.0.0/15, reserved for benchmarks (RFC 2544): where the benign peers live."""
PEERS_V6_HI = 0x20010DB8_F0000000
"""Upper word of 2001:db8:f000::/36, of the documentation prefix (RFC 3849)."""
_HOME_V4 = V4_MAPPED | 192 << 24 | 168 << 16
"""Lower word of 192.168.0.0/16 (RFC 1918)."""

_PEERS_V4_MASK, _PEERS_V6_HI_MASK = (1 << 17) - 1, (1 << 28) - 1
_SCATTER = 0x9E3779B1
"""An odd factor turns neighbouring numbers into distant addresses: peers are not one network."""
_NATIVE_V6_SHARE = 0.6
"""Share of a MAP-E household's conversations that take native IPv6; what has no ports always does."""
_SYN_OCTETS = 60
RETRIES, _RETRIES_MS, _RETRY_PERIOD_MS = 4, 7000, 2300.0
"""What nobody answers is tried four times in seven seconds, more or less (RFC 6298 from one second)."""
_HEADROOM = 0.93
"""Part of the contracted speed that a line at its limit carries as IP packets."""
_LATENCY_MS = 15
_HIGH_PORTS = (1024, 65_536)
_FAR_EPHEMERAL = (32_768, 61_000)


class _Ends(NamedTuple):
    """One side of each conversation: address words and port, (n,) int64."""

    hi: NDArray[np.int64]
    lo: NDArray[np.int64]
    port: NDArray[np.int64]


class Ways:
    """Gives drawn conversations their addresses and makes each an outbound and an inbound flow.

    Args:
        between_lines: share of the conversations whose peer is another line.
    """

    def __init__(self, uses: Uses, lines: Lines, rng: Generator, *, between_lines: float = 0.0) -> None:
        self._uses, self._lines, self._rng, self._between_lines = uses, lines, rng, between_lines

    def takes_v6(self, use: NDArray[np.int64], line: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which conversations go over IPv6."""
        native, shared = self._lines.prefix_hi[line] != 0, self._lines.access[line] == MAP_E
        by_choice = self._rng.random(len(line)) < _NATIVE_V6_SHARE
        has_ports = np.isin(self._uses.column("protocol")[use], (TCP, UDP))
        leaked = self._uses.column("leaked")[use] > 0
        return np.asarray(native & (~shared | by_choice | ~has_ports) & ~leaked, np.bool_)

    def open(self, drawn: Drawn, v4_lo: NDArray[np.int64]) -> tuple[Flows, NDArray[np.int64]]:
        """The flows of the conversations whose line is connected, and the row of ``drawn`` that each belongs to.

        ``v4_lo``: (lines,) lower word of each line's IPv4 address, 0 = not connected.
        """
        row = np.flatnonzero(drawn.v6 | (v4_lo[drawn.line] != 0))
        drawn = drawn.select(row)
        answered = self._rng.random(len(row)) < self._uses.of(drawn, "answered")
        own_port, peer_port = self._ports(drawn)
        own, peer = self._own(drawn, v4_lo, own_port), self._peer(drawn, peer_port)
        peer, peer_line = self._among_lines(drawn, v4_lo, peer, answered)
        up = self._way(drawn, own, peer, outbound=True)._replace(peer_line=peer_line)
        down = _as_sent(self._way(drawn, peer, own, outbound=False), peer_line)
        self._leave_unanswered(up, drawn, ~answered)
        sends, receives = np.isfinite(up.period_ms), np.isfinite(down.period_ms) & answered
        return joined([up.select(sends), down.select(receives)]), np.concatenate([row[sends], row[receives]])

    @cached_property
    def _service_ports(self) -> NDArray[np.int64]:
        """(uses, choices): a shorter list is repeated."""
        choices = max((len(row.ports) for row in self._uses.applications), default=1)
        return np.array([np.resize(row.ports, choices) for row in self._uses.applications], np.int64).reshape(
            -1, choices
        )

    @cached_property
    def _first_peer(self) -> NDArray[np.int64]:
        """(uses,) each application has peers of its own, side by side; those of households stand first."""
        before: dict[str, int] = {}
        reached = 0
        for row in (*APPLICATIONS, *self._uses.applications):
            if row.name not in before:
                before[row.name] = reached
                reached += row.peers
        return np.array([before[row.name] for row in self._uses.applications], np.int64)

    @cached_property
    def _fixed_peer(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """(uses,) address words of the one peer, and whether there is only one."""
        words = [to_words(ip_address(row.peer)) if row.peer else (0, 0) for row in self._uses.applications]
        pairs = np.array(words, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1], np.array([bool(row.peer) for row in self._uses.applications], np.bool_)

    def _ports(self, drawn: Drawn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The line's port and the peer's; neither where the protocol has none."""
        rng, n = self._rng, len(drawn.line)
        choices = self._service_ports.shape[1]
        choice = self._service_ports[drawn.use, rng.integers(choices, size=n)]
        service = np.where(choice == ANY_PORT, rng.integers(*_HIGH_PORTS, size=n), choice)
        client = self._lines.ports.port(drawn.line, rng.integers(1 << 30, size=n))
        far, served = rng.integers(*_FAR_EPHEMERAL, size=n), self._uses.of(drawn, "served") > 0
        has_ports = np.isin(self._uses.of(drawn, "protocol"), (TCP, UDP))
        own, peer = np.where(served, service, client), np.where(served, far, service)
        return np.where(has_ports, own, 0), np.where(has_ports, peer, 0)

    def _own(self, drawn: Drawn, v4_lo: NDArray[np.int64], port: NDArray[np.int64]) -> _Ends:
        rng, n = self._rng, len(drawn.line)
        hosts = (1 << 32 - FIXED_LENGTH) - 2
        host = np.where(self._lines.access[drawn.line] == FIXED, rng.integers(hosts, size=n), 0)
        lo = np.where(drawn.v6, rng.integers(1, 1 << 62, size=n), v4_lo[drawn.line] + host)
        leaked = _HOME_V4 + (1 << 8) + 2 + rng.integers(40, size=n)
        lo = np.where(self._uses.of(drawn, "leaked") > 0, leaked, lo)
        return _Ends(np.where(drawn.v6, self._lines.prefix_hi[drawn.line] + 1, 0), lo, port)

    def _peer(self, drawn: Drawn, port: NDArray[np.int64]) -> _Ends:
        # Above 1 the exponent makes few peers popular and leaves a long tail.
        rank = self._rng.random(len(drawn.line)) ** self._uses.of(drawn, "popularity")
        nth = (rank * self._uses.of(drawn, "peers")).astype(np.int64)
        number = self._first_peer[drawn.use] + nth
        scattered = number * _SCATTER
        lo = np.where(drawn.v6, number + 1, PEERS_V4 + (scattered & _PEERS_V4_MASK))
        hi = np.where(drawn.v6, PEERS_V6_HI + (scattered & _PEERS_V6_HI_MASK), 0)
        fixed_hi, fixed_lo, fixed = (column[drawn.use] for column in self._fixed_peer)
        return _Ends(np.where(fixed, fixed_hi, hi), np.where(fixed, fixed_lo, lo), port)

    def _among_lines(
        self, drawn: Drawn, v4_lo: NDArray[np.int64], peer: _Ends, answered: NDArray[np.bool_]
    ) -> tuple[_Ends, NDArray[np.int64]]:
        """The peers, some of them other lines with an address of their own of the same IP version."""
        n = len(drawn.line)
        nobody = np.full(n, OUTSIDE)
        if not self._between_lines:
            return peer, nobody
        other = self._rng.integers(len(self._lines), size=n)
        reachable = np.where(
            drawn.v6, self._lines.prefix_hi[other] != 0, (v4_lo[other] != 0) & (self._lines.access[other] != MAP_E)
        )
        chosen = reachable & (other != drawn.line) & (self._rng.random(n) < self._between_lines)
        chosen &= answered & np.isin(self._uses.of(drawn, "protocol"), (TCP, UDP))
        hi = np.where(drawn.v6, self._lines.prefix_hi[other] + 1, 0)
        lo = np.where(drawn.v6, other + 1, v4_lo[other])
        ends = _Ends(np.where(chosen, hi, peer.hi), np.where(chosen, lo, peer.lo), peer.port)
        return ends, np.where(chosen, other, nobody)

    def _way(self, drawn: Drawn, src: _Ends, dst: _Ends, *, outbound: bool) -> Flows:
        of = self._uses.of
        way, latency, contracted = (
            ("up", 0, self._lines.up_bps) if outbound else ("down", _LATENCY_MS, self._lines.down_bps)
        )
        octets = of(drawn, f"{way}_octets").astype(np.int64)
        limit_pps = _HEADROOM * contracted[drawn.line] / 8 / octets / of(drawn, "parallel")
        wanted_pps = np.where(of(drawn, f"line_rate_{way}") > 0, np.inf, of(drawn, f"{way}_pps") * drawn.pace)
        pps = np.minimum(wanted_pps, limit_pps)
        protocol = of(drawn, "protocol").astype(np.int64)
        asks = (of(drawn, "served") > 0) != outbound
        tcp, icmp = protocol == TCP, protocol == ICMP
        n = len(octets)
        echo = np.where(asks, _by_version(ECHO_REQUEST, drawn.v6), _by_version(ECHO_REPLY, drawn.v6))
        return from_columns(
            n,
            src_hi=src.hi,
            src_lo=src.lo,
            dst_hi=dst.hi,
            dst_lo=dst.lo,
            ports=np.where(icmp, echo, src.port << 16 | dst.port),
            protocol=np.where(icmp & drawn.v6, ICMPV6, protocol),
            start_ms=drawn.start_ms + latency,
            end_ms=drawn.start_ms + latency + drawn.duration_ms,
            period_ms=np.divide(1000.0, pps, out=np.full(n, np.inf), where=pps > 0),
            octets=octets,
            first_flags=np.where(tcp, np.where(asks, SYN, SYN | ACK), 0),
            later_flags=np.where(tcp, PSH | ACK, 0),
            last_flags=np.where(tcp, FIN | ACK, 0),
            line=drawn.line,
            outbound=int(outbound),
        )

    def _leave_unanswered(self, up: Flows, drawn: Drawn, rows: NDArray[np.bool_]) -> None:
        """Turn flows into attempts: a few SYNs, or a few datagrams; what goes on all the time keeps its pace."""
        tcp = rows & (up.protocol == TCP)
        for flags in (up.later_flags, up.last_flags):
            flags[tcp] = SYN
        up.octets[tcp] = _SYN_OCTETS
        brief = rows & (self._uses.of(drawn, "always") == 0)
        up.period_ms[brief] = _RETRY_PERIOD_MS
        up.end_ms[brief] = up.start_ms[brief] + _RETRIES_MS


def _by_version(words: dict[int, int], v6: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(v6, words[6], words[4])


def _as_sent(down: Flows, peer_line: NDArray[np.int64]) -> Flows:
    """Inbound flows; what another line answers is sent by that line."""
    within = peer_line != OUTSIDE
    return down._replace(
        line=np.where(within, peer_line, down.line),
        peer_line=np.where(within, down.line, OUTSIDE),
        outbound=within.astype(np.int64),
    )
