"""What each kind needs to be seen: how many packets within which time, from the thresholds of its own detector.

The shape of the traffic is that which its detector's page gives first: floods change ports or fill fragments as
reported ones do, a scan knocks at other doors each time, passwords are guessed on some addresses, mail goes to many,
reflected answers to one victim. Traffic of another shape may need more. A detector that needs anything else than
packets has no row: ``volume_anomaly`` compares a line with itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, exp, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_DEVIATIONS = 2
"""As in ``detect/rates.py``."""

_WINDOW_S, _MINUTE_S, _BLOCK_S, _HOUR_S = 10, 60, 600, 3600
_ROUNDS = 12
"""Steps towards a fixed point."""
_RECORD_S = 60
"""Longest time that one record tells of, as most exporters are set up: what happened within it is not known."""
_SILENCE_S = 15
"""Silence that ends a record, as most exporters are set up."""
UNSAMPLED = 1.5
"""Sampling interval below which what is counted is what it is."""
_LATELY_S = 2 * _BLOCK_S
"""Network floods are told by the targets of a block and the one before."""

ANSWERED = 0.65
"""Share of a water torture's questions that resolvers still answer: 0.6, and what chance makes of it in some hundred
sampled packets."""
PACKETS_AN_ANSWER = 3
"""Packets of an amplified answer: a first fragment, which has ports, and two later ones."""
PACKETS_A_REQUEST, PACKETS_A_GUESS, PACKETS_A_MAIL = 6, 12, 13
"""Packets sent for each connection that is asked for: served, refused or unanswered, on average. A request that is
served has eight; of those that are not, every try is taken for a connection."""
PROBES_AT_ONE_PORT = 0.9
"""Share of a scan's probes at its main port: telnet scanners try another one every tenth time."""
SEGMENTS = 7 / 8
"""Share of a TCP flood's packets that are neither SYN nor RST: its flags are drawn."""
GUESSED_ADDRESSES = 8
"""Addresses that the passwords of one line are tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """So much within a period: one condition of a verdict.

    Attributes:
        period_s: what is added up. It begins where the clock says, or with the traffic if it ``slides``.
        packets: estimated packets in it.
        sampled: sampled packets in it.
        share: of the line's packets of that kind, how many count.
        sure: the estimate counts with its lower limit.
        pace_s: where the traffic is shorter or longer than the period, ``packets`` are needed in proportion, but at
            least those of so many seconds; 0 = the same however long it was.
        one_flow: the packets are of one flow, whose records tell them as spread evenly over their time; otherwise each
            packet is a flow of its own.
        alone_s: silence that ends a record: a flow of which more than one packet is sampled in that time has none that
            stands alone, so the condition is not met; 0 = it does not matter.
    """

    period_s: float
    packets: float = 0.0
    sampled: float = 1.0
    share: float = 1.0
    sure: bool = False
    slides: bool = False
    pace_s: float = 0.0
    one_flow: bool = False
    alone_s: float = 0.0

    def needs(self, sampling: float, length_s: float) -> int:
        """Sampled packets that this condition needs of traffic that lasted so long within its period."""
        packets = self.packets
        if self.pace_s:
            packets *= max(length_s, self.pace_s) / self.period_s
        half = _DEVIATIONS * sqrt(sampling - 1) / 2 if self.sure else 0.0
        # Of k sampled packets the estimate is k N, its variance k N (N - 1): a quadratic equation of the root of k.
        root = (half + sqrt(half * half + packets)) / sqrt(sampling)
        return max(ceil(self.sampled), ceil(root * root - 1e-9), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections(Look):
    """So many connections a second: they count with the lower limit of their number, and so do their packets.

    Attributes:
        per_s: connections.
        each: packets of each; the packet that asks for it is seen like any other.
    """

    per_s: float
    each: float

    def needs(self, sampling: float, length_s: float) -> int:
        """Sampled packets that ask for a connection."""
        wanted = self.per_s * max(length_s, self.pace_s) / sampling
        if sampling < UNSAMPLED:
            return ceil(wanted)
        seen = wanted
        for _ in range(_ROUNDS):
            # What c sampled requests are sure of is c less twice its root, and of their packets' share likewise.
            sure = max(1 - _DEVIATIONS / sqrt(self.each * max(seen, 1.0)), 0.1)
            seen = (_DEVIATIONS / 2 + sqrt(_DEVIATIONS**2 / 4 + wanted / sure)) ** 2
        return ceil(seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """One way to be seen.

    Attributes:
        opens: any of these looks.
        rests_on: and all of these.
        least_s: traffic that is over sooner is never seen.
    """

    opens: tuple[Look, ...]
    rests_on: tuple[Look, ...] = ()
    least_s: float = 0.0


def _rates(pps_10s: float, pps_60s: float) -> tuple[Look, ...]:
    return Look(period_s=_WINDOW_S, packets=10 * pps_10s), Look(period_s=_MINUTE_S, packets=60 * pps_60s)


def _flow_rates(pps_10s: float, pps_60s: float) -> tuple[Look, ...]:
    """The same of packets that are one flow: no ten seconds stand out of the mean of a record with several packets."""
    return (
        *(replace(look, alone_s=_SILENCE_S) for look in _rates(pps_10s, pps_60s)),
        Look(period_s=_RECORD_S, packets=_RECORD_S * pps_10s, slides=True, pace_s=_WINDOW_S),
        Look(period_s=_MINUTE_S, packets=60 * pps_60s, pace_s=_MINUTE_S, one_flow=True),
    )


def _sure_rates(pps_10s: float, pps_60s: float, *, share: float = 1.0) -> tuple[Look, ...]:
    """The periods of ``detect/rates.py``."""
    return (
        Look(period_s=_WINDOW_S, packets=10 * pps_10s, share=share, sure=True),
        Look(period_s=_MINUTE_S, packets=60 * pps_60s, share=share, sure=True),
        Look(period_s=_BLOCK_S, packets=_BLOCK_S * pps_60s, share=share, sure=True, pace_s=_MINUTE_S),
    )


def _lately(*, packets: float, sampled: float) -> tuple[Look, ...]:
    return (Look(period_s=_LATELY_S, packets=packets, sampled=sampled, slides=True),)


def _flood(
    pps_10s: float, pps_60s: float, *, sampled: float, much: float | None = None, one_flow: bool = False
) -> tuple[Needs, ...]:
    packets = 10 * pps_10s if much is None else much
    rates = _flow_rates if one_flow else _rates
    return (Needs(opens=rates(pps_10s, pps_60s), rests_on=_lately(packets=packets, sampled=sampled)),)


def _udp_flood(p: Any, _: float, two_way: bool) -> tuple[Needs, ...]:
    if two_way:
        return _flood(p.pps_10s, p.pps_60s, sampled=p.scattered_sampled)
    return _flood(p.one_way_pps, p.one_way_pps, sampled=p.one_way_sampled)


def _tcp_syn_flood(p: Any, _: float, __: bool) -> tuple[Needs, ...]:
    return _flood(p.pps_10s, p.pps_60s, sampled=p.sampled, much=p.syn_a_port)


def _tcp_flood(p: Any, sampling: float, two_way: bool) -> tuple[Needs, ...]:
    if two_way:
        # Fewer are told where the line receives next to nothing else, and few lines do.
        return _flood(p.pps_10s, p.pps_60s, sampled=p.one_way_sampled / SEGMENTS)
    pps = max(p.one_way_pps, p.one_way_sampled_pps * sampling)
    return _flood(pps, pps, sampled=p.one_way_sampled)


def _icmp_flood(p: Any, _: float, __: bool) -> tuple[Needs, ...]:
    return _flood(p.pps_10s, p.pps_60s, sampled=p.sampled, one_flow=True)


def _gre_flood(p: Any, _: float, two_way: bool) -> tuple[Needs, ...]:
    if two_way:
        return _flood(p.pps_10s, p.pps_60s, sampled=p.answers_missed / p.answers_mixed, one_flow=True)
    return _flood(p.one_way_single_pps, p.one_way_single_pps, sampled=p.one_way_sampled, one_flow=True)


def _fragment_flood(p: Any, _: float, two_way: bool) -> tuple[Needs, ...]:
    if two_way:
        return _flood(p.pps_10s, p.pps_60s, sampled=p.sampled, one_flow=True)
    return _flood(p.one_way_pps, p.one_way_pps, sampled=p.sampled, one_flow=True)


def _http_flood(p: Any, sampling: float, __: bool) -> tuple[Needs, ...]:
    each, most = PACKETS_A_REQUEST, p.packets_most
    enough = Look(period_s=_BLOCK_S, sampled=p.sampled)
    known = Look(period_s=_BLOCK_S, sampled=p.connections_seen, share=1 / each)
    counted = Connections(period_s=_BLOCK_S, share=1 / each, pace_s=_MINUTE_S, per_s=p.connections_60s, each=each)
    ways = [Needs(opens=(counted,), rests_on=(enough,))]
    if sampling >= UNSAMPLED:
        # Too few were seen to be counted, but connections are never longer than so many packets.
        ways.append(Needs(opens=_sure_rates(most * p.connections_10s, most * p.connections_60s), rests_on=(known,)))
    return tuple(ways)


def _dns_flood(p: Any, _: float, two_way: bool) -> tuple[Needs, ...]:
    enough = (Look(period_s=_BLOCK_S, sampled=p.sampled),)
    ways = [Needs(opens=_sure_rates(p.pps_10s, p.pps_60s), rests_on=enough)]
    if two_way:
        # Fewer were answered than asked, by more than chance.
        known = p.deviations**2 * (1 + ANSWERED) / (1 - ANSWERED) ** 2
        ways.append(
            Needs(
                opens=tuple(
                    Look(
                        period_s=look.period_s,
                        packets=look.packets / (1 - ANSWERED),
                        sure=look.sure,
                        pace_s=look.pace_s,
                    )
                    for look in _sure_rates(p.unanswered_pps_10s, p.unanswered_pps_60s)
                ),
                rests_on=(Look(period_s=_BLOCK_S, sampled=max(p.sampled, known)),),
            )
        )
    return tuple(ways)


def _reflection(p: Any, _: float, __: bool) -> tuple[Needs, ...]:
    share = 1 / PACKETS_AN_ANSWER
    rests_on = (Look(period_s=_BLOCK_S, packets=10 * p.pps_10s, sampled=p.sampled, share=share),)
    return (Needs(opens=_sure_rates(p.pps_10s, p.pps_60s, share=share), rests_on=rests_on),)


def _scan(p: Any, _: float, __: bool) -> tuple[Needs, ...]:
    return (
        Needs(
            opens=(
                Look(period_s=_BLOCK_S, packets=p.any_targets_10min, sampled=p.probes_10min, share=PROBES_AT_ONE_PORT),
                Look(
                    period_s=_HOUR_S,
                    packets=p.any_targets_60min,
                    sampled=p.probes_60min,
                    share=PROBES_AT_ONE_PORT,
                    slides=True,
                ),
            )
        ),
    )


def _brute_force(p: Any, sampling: float, __: bool) -> tuple[Needs, ...]:
    def way(period_s: float, connections: float, *, slides: bool) -> Needs:
        packets = _packets_of(connections * GUESSED_ADDRESSES, PACKETS_A_GUESS, p, sampling)
        sampled = max(p.sampled, p.packets_a_target * GUESSED_ADDRESSES)
        known = Look(period_s=period_s, sampled=p.connections_seen, share=1 / PACKETS_A_GUESS, slides=slides)
        return Needs(
            opens=(Look(period_s=period_s, packets=packets, sampled=sampled, slides=slides),), rests_on=(known,)
        )

    return way(_BLOCK_S, p.remote_10min, slides=False), way(_HOUR_S, p.remote_60min, slides=True)


def _spam(p: Any, sampling: float, __: bool) -> tuple[Needs, ...]:
    block, hour = (_sampled_of_addresses(targets, p, sampling) for targets in (p.targets_10min, p.targets_60min))
    return (
        Needs(
            opens=(
                Look(period_s=_BLOCK_S, sampled=block),
                Look(period_s=_HOUR_S, sampled=hour, slides=True),
            )
        ),
    )


def _c2_contact(p: Any, _: float, __: bool) -> tuple[Needs, ...]:
    looks = (Look(period_s=_HOUR_S, packets=p.contact_packets, sampled=p.contact_packets, slides=True),)
    return (Needs(opens=looks, least_s=p.contact_s),)


def _spoofed_source(p: Any, _: float, __: bool) -> tuple[Needs, ...]:
    opens = (Look(period_s=_WINDOW_S, packets=10 * p.pps_10s),)
    return (Needs(opens=opens, rests_on=(Look(period_s=_BLOCK_S, sampled=p.sampled),)),)


def _packets_of(connections: float, each: float, p: Any, sampling: float) -> float:
    """Packets from which so many connections are sure (``SURE_CONNECTIONS`` in ``detect/rates.py``)."""
    if sampling < UNSAMPLED:
        return connections * each
    half = _DEVIATIONS * sqrt(sampling) / 2
    counted = (half + sqrt(half * half + connections)) ** 2
    return float(min(counted * each, connections * p.packets_most))


_NO_END = 1_000_000


def _sampled_of_addresses(targets: float, p: Any, sampling: float) -> float:
    """Sampled packets from which so many mail servers are told, where each of them gets one mail."""
    for sampled in range(1, _NO_END):
        addresses = sampled * sampling / PACKETS_A_MAIL
        seen = addresses * (1 - exp(-sampled / addresses))
        if seen >= targets:
            return sampled
        met = sampled - seen
        share = (met + p.deviations * sqrt(met + 1) + 1) / sampled
        likely = sampled / (share * (2 + share * (4 / 3 + share * 10 / 9)))
        if sampling >= UNSAMPLED and sampled >= p.sampled and seen >= p.distinct * sampled and likely >= targets:
            return sampled
    return _NO_END


NEEDS: dict[str, Callable[[Any, float, bool], tuple[Needs, ...]]] = {
    "udp_flood": _udp_flood,
    "tcp_syn_flood": _tcp_syn_flood,
    "tcp_flood": _tcp_flood,
    "icmp_flood": _icmp_flood,
    "gre_flood": _gre_flood,
    "fragment_flood": _fragment_flood,
    "http_flood": _http_flood,
    "dns_flood": _dns_flood,
    "reflection": _reflection,
    "scan": _scan,
    "brute_force": _brute_force,
    "spam": _spam,
    "c2_contact": _c2_contact,
    "spoofed_source": _spoofed_source,
}
"""Kind -> (thresholds of a group, sampling interval, both ways shown) -> ways to be seen, any of them."""
