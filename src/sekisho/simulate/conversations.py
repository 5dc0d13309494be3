"""New benign conversations of one time step, each as an outbound and an inbound flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.core.address import V4_MAPPED
from sekisho.simulate.applications import ANY_PORT, APPLICATIONS, column, members
from sekisho.simulate.flows import ACK, ESP, FIN, PSH, SYN, TCP, Flows, from_columns, joined
from sekisho.simulate.lines import FIXED, FIXED_LENGTH, MAP_E

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.lines import Lines

PEERS_V4 = V4_MAPPED | 198 << 24 | 18 << 16
"""Lower word of 198.18.0.0/15, reserved for benchmarks (RFC 2544): where the benign peers live."""
PEERS_V6_HI = 0x20010DB8_F0000000
"""Upper word of 2001:db8:f000::/36, of the documentation prefix (RFC 3849)."""

_PEERS_V4_MASK, _PEERS_V6_HI_MASK = (1 << 17) - 1, (1 << 28) - 1
_SCATTER = 0x9E3779B1
"""An odd factor turns neighbouring numbers into distant addresses: peers are not one network."""
_NATIVE_V6_SHARE = 0.6
"""Share of a MAP-E household's conversations that take native IPv6; ESP always does, for it has no ports."""
_SYN_OCTETS = 60
_RETRIES_MS, _RETRY_PERIOD_MS = 7000, 2300.0
"""What nobody answers is tried four times in seven seconds, more or less (RFC 6298 from one second)."""
_HEADROOM = 0.93
"""Part of the contracted speed that a line at its limit carries as IP packets."""
_LATENCY_MS = 15
_LONGEST_MS = 12 * 3_600_000
_HIGH_PORTS = (1024, 65_536)
_FAR_EPHEMERAL = (32_768, 61_000)

_PORT_CHOICES = max(len(application.ports) for application in APPLICATIONS)
_PORTS = np.array([np.resize(application.ports, _PORT_CHOICES) for application in APPLICATIONS])


class _Ends(NamedTuple):
    """One side of each conversation: address words and port, (n,) int64."""

    hi: NDArray[np.int64]
    lo: NDArray[np.int64]
    port: NDArray[np.int64]


class _Drawn(NamedTuple):
    """Conversations whose addresses are not chosen yet, (n,) each.

    Attributes:
        application: row of ``APPLICATIONS``.
        pace: factor on the median packet rate.
    """

    application: NDArray[np.int64]
    line: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    duration_ms: NDArray[np.int64]
    v6: NDArray[np.bool_]
    pace: NDArray[np.float64]

    def of(self, name: str) -> NDArray[np.float64]:
        """An attribute of each conversation's application."""
        return _TABLE[name][self.application]

    def on(self, name: str) -> NDArray[np.bool_]:
        """The same for a property that holds or not."""
        return self.of(name) > 0


class Conversations:
    """Draws the conversations of all lines, step by step."""

    def __init__(self, lines: Lines, activity: float, rng: Generator) -> None:
        self._lines, self._rng = lines, rng
        self._members = members(lines, activity, rng)
        self._population = np.array([len(m) for m in self._members])
        self._starts_per_ms = _TABLE["starts_per_hour"] * activity / 3_600_000

    def running(self, at_ms: int, v4_lo: NDArray[np.int64]) -> Flows:
        """Conversations that have been going on for a while at ``at_ms``."""
        mean_ms = _TABLE["duration_s"] * np.exp(_TABLE["spread"] ** 2 / 2) * 1000
        drawn = self._draw(mean_ms)
        elapsed = (drawn.duration_ms * self._rng.random(len(drawn.line))).astype(np.int64)
        return self._open(drawn._replace(start_ms=at_ms - elapsed), v4_lo)

    def starting(self, at_ms: int, step_ms: int, v4_lo: NDArray[np.int64]) -> Flows:
        """Conversations that start in [at_ms, at_ms + step_ms).

        ``v4_lo``: (lines,) lower word of each line's IPv4 address during the step, 0 = not connected.
        """
        drawn = self._draw(np.full(len(APPLICATIONS), float(step_ms)))
        offset = self._rng.integers(step_ms, size=len(drawn.line))
        return self._open(drawn._replace(start_ms=at_ms + offset), v4_lo)

    def _draw(self, during_ms: NDArray[np.float64]) -> _Drawn:
        """Conversations that start in a time of that length (by application), their start still 0."""
        rng = self._rng
        count = rng.poisson(self._starts_per_ms * during_ms * self._population)
        application = np.repeat(np.arange(len(count)), count)
        none = np.zeros(0, np.int64)
        chosen = [m[rng.integers(len(m), size=n)] for m, n in zip(self._members, count, strict=True) if n]
        line, spread = np.concatenate([*chosen, none]), _TABLE["spread"][application]
        duration = _TABLE["duration_s"][application] * np.exp(spread * rng.standard_normal(len(line))) * 1000
        return _Drawn(
            application=application,
            line=line,
            start_ms=np.zeros(len(line), np.int64),
            duration_ms=np.clip(duration, 1, _LONGEST_MS).astype(np.int64),
            v6=self._takes_v6(application, line),
            pace=np.exp(rng.standard_normal(len(line)) * spread / 2),
        )

    def _takes_v6(self, application: NDArray[np.int64], line: NDArray[np.int64]) -> NDArray[np.bool_]:
        native = self._lines.prefix_hi[line] != 0
        shared = self._lines.access[line] == MAP_E
        by_choice = self._rng.random(len(line)) < _NATIVE_V6_SHARE
        return np.asarray(native & (~shared | by_choice | (_TABLE["protocol"][application] == ESP)), np.bool_)

    def _open(self, drawn: _Drawn, v4_lo: NDArray[np.int64]) -> Flows:
        connected = drawn.v6 | (v4_lo[drawn.line] != 0)
        drawn = _Drawn._make(values[connected] for values in drawn)
        answered = self._rng.random(len(drawn.line)) < drawn.of("answered")
        own_port, peer_port = self._ports(drawn)
        own, peer = self._own(drawn, v4_lo, own_port), self._peer(drawn, peer_port)
        up = self._way(drawn, own, peer, outbound=True)
        down = self._way(drawn, peer, own, outbound=False)
        _leave_unanswered(up, ~answered)
        return joined([up.select(np.isfinite(up.period_ms)), down.select(np.isfinite(down.period_ms) & answered)])

    def _ports(self, drawn: _Drawn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The line's port and the peer's; neither for ESP."""
        rng, n = self._rng, len(drawn.line)
        choice = _PORTS[drawn.application, rng.integers(_PORT_CHOICES, size=n)]
        service = np.where(choice == ANY_PORT, rng.integers(*_HIGH_PORTS, size=n), choice)
        client = self._lines.ports.port(drawn.line, rng.integers(1 << 30, size=n))
        far, served, has_ports = rng.integers(*_FAR_EPHEMERAL, size=n), drawn.on("served"), drawn.of("protocol") != ESP
        return has_ports * np.where(served, service, client), has_ports * np.where(served, far, service)

    def _own(self, drawn: _Drawn, v4_lo: NDArray[np.int64], port: NDArray[np.int64]) -> _Ends:
        rng, n = self._rng, len(drawn.line)
        hosts = (1 << 32 - FIXED_LENGTH) - 2
        host = np.where(self._lines.access[drawn.line] == FIXED, rng.integers(hosts, size=n), 0)
        lo = np.where(drawn.v6, rng.integers(1, 1 << 62, size=n), v4_lo[drawn.line] + host)
        return _Ends(np.where(drawn.v6, self._lines.prefix_hi[drawn.line] + 1, 0), lo, port)

    def _peer(self, drawn: _Drawn, port: NDArray[np.int64]) -> _Ends:
        # The cube makes few peers popular and leaves a long tail.
        nth = (self._rng.random(len(drawn.line)) ** 3 * drawn.of("peers")).astype(np.int64)
        number = _FIRST_PEER[drawn.application] + nth
        scattered = number * _SCATTER
        lo = np.where(drawn.v6, number + 1, PEERS_V4 + (scattered & _PEERS_V4_MASK))
        return _Ends(np.where(drawn.v6, PEERS_V6_HI + (scattered & _PEERS_V6_HI_MASK), 0), lo, port)

    def _way(self, drawn: _Drawn, src: _Ends, dst: _Ends, *, outbound: bool) -> Flows:
        way, latency, contracted = (
            ("up", 0, self._lines.up_bps) if outbound else ("down", _LATENCY_MS, self._lines.down_bps)
        )
        octets = drawn.of(f"{way}_octets").astype(np.int64)
        limit_pps = _HEADROOM * contracted[drawn.line] / 8 / octets
        wanted_pps = np.where(drawn.on(f"line_rate_{way}"), np.inf, drawn.of(f"{way}_pps") * drawn.pace)
        pps = np.minimum(wanted_pps, limit_pps)
        tcp, opens = drawn.of("protocol") == TCP, drawn.on("served") != outbound
        n = len(octets)
        return from_columns(
            n,
            src_hi=src.hi,
            src_lo=src.lo,
            dst_hi=dst.hi,
            dst_lo=dst.lo,
            ports=src.port << 16 | dst.port,
            protocol=drawn.of("protocol").astype(np.int64),
            start_ms=drawn.start_ms + latency,
            end_ms=drawn.start_ms + latency + drawn.duration_ms,
            period_ms=np.divide(1000.0, pps, out=np.full(n, np.inf), where=pps > 0),
            octets=octets,
            first_flags=np.where(tcp, np.where(opens, SYN, SYN | ACK), 0),
            later_flags=np.where(tcp, PSH | ACK, 0),
            last_flags=np.where(tcp, FIN | ACK, 0),
            line=drawn.line,
            outbound=int(outbound),
        )


_NUMBERS = (
    *("protocol", "starts_per_hour", "duration_s", "spread", "up_pps", "down_pps", "up_octets", "down_octets"),
    *("peers", "answered", "line_rate_up", "line_rate_down", "served"),
)
_TABLE = {name: column(name) for name in _NUMBERS}
_FIRST_PEER = (np.cumsum(_TABLE["peers"]) - _TABLE["peers"]).astype(np.int64)
"""Each application has peers of its own, side by side."""


def _leave_unanswered(up: Flows, rows: NDArray[np.bool_]) -> None:
    """Turn flows into attempts: a few SYNs, or a few datagrams, and nothing else."""
    tcp = rows & (up.protocol == TCP)
    for flags in (up.later_flags, up.last_flags):
        flags[tcp] = SYN
    up.octets[tcp] = _SYN_OCTETS
    up.period_ms[rows] = _RETRY_PERIOD_MS
    up.end_ms[rows] = up.start_ms[rows] + _RETRIES_MS
