"""UDP flood: a line pours datagrams on one target, or on one small network, that never answers.

Why it matters: direct-path UDP is the commonest outbound flood of infected cameras, recorders and routers; it fills the
upstream of the access network long before the target notices.

How it is told: the volume comes from the ten-second windows, the shape from the ten-minute targets. Sent datagrams are
gathered by /24 or /48, which makes a carpet-bombed prefix one target; what the cap on targets left out is shared out by
the number of targets that were kept. Where the exporter sees both ways, a network is flooded if a conversation of that
packet size would have been answered by now and was not. Where it sees one way only, the shape must speak: every sampled
packet a flow of its own (random ports), many addresses of one network, or a rate of small packets that no stream of
acknowledgements reaches.

Look-alikes that stay quiet: QUIC upload, speed test, video call, game, live contribution (SRT), WireGuard, SIP:
answered, or one flow where answers cannot be seen. BitTorrent: many networks, none of them much. DNS: port 53 is out.
A measurement over UDP is one flow of large packets, hardly answered, for a minute at most; what goes on for two may
still be a bulk transfer that reports now and then, so it is for a person to look at and opens no case. A one-way
exporter cannot tell a flood from a single port to a single port from an upload; that flood is not reported.

Source: shapes and durations as in ``docs/explanation``; acknowledgement ratio RFC 9000 13.2.2 and RFC 9002.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, Language, threshold
from sekisho.detect.flood import MUCH, SCATTERED, Flood, Shape, addresses, missed, no_answers_elsewhere, pace, sustained

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(1500, "packets/s", "a home's calls, games and DNS together stay below 800 packets/s")
    pps_60s: float = threshold(
        600, "packets/s", "weaker floods last; 600 packets/s of 700 octets fill a 3 Mb/s upstream"
    )
    sustain: float = sustained()
    packets_an_answer: float = threshold(100, "packets", "SRT acknowledges every 64 packets at least, QUIC every 10")
    answers_bulk: float = threshold(
        0.1, "answers a packet", "QUIC receivers acknowledge every 2nd to 10th large packet"
    )
    answers_mixed: float = threshold(
        0.25, "answers a packet", "tunnels and calls carry both ways; an upload through one, 1 in 4"
    )
    answers_small: float = threshold(
        0.5, "answers a packet", "small packets are acknowledgements of something received"
    )
    answers_missed: float = missed()
    scattered_sampled: float = threshold(
        20, "sampled packets", "20 packets in 10 flows or more, one network, no answer"
    )
    scattered_pace: float = pace()
    stream_pps: float = threshold(6000, "packets/s", "one flow of large packets above any live feed (60 Mb/s)")
    stream_sampled: float = threshold(
        1600, "sampled packets", "below that rate: SRT would have shown 16 answers, none came"
    )
    one_way_pps: float = threshold(3000, "packets/s", "without answers as evidence, twice the rate")
    one_way_scattered: float = threshold(0.8, "flows a sampled packet", "four parallel uploads at 1:4096 reach 0.5")
    one_way_sampled: float = threshold(40, "sampled packets", "so that the ratio of flows to packets means something")
    one_way_targets: float = threshold(
        64, "addresses", "a quarter of one /24: no content network serves a home from that many"
    )
    one_way_single_pps: float = threshold(150_000, "packets/s", "acknowledgements of a 10 Gb/s download stay below it")


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=3000, pps_60s=1500, one_way_pps=20_000),
    "building": Params(pps_10s=5000, pps_60s=2500, one_way_pps=30_000, stream_pps=10_000),
    "reseller": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000, stream_pps=20_000),
    "server": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000, stream_pps=20_000),
}
KINDS = ("udp_flood",)
_SENT = "greatest(w.udp_packets - w.dns_packets - w.reflector_packets - w.fragment_packets, 0)"
SCREEN = "udp_packets - dns_packets - reflector_packets - fragment_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""

PAIRS = ("protocol = -1", "protocol = 17 and answered_packets * {packets_an_answer} <= packets")
SUSPECTS = f"""select line from line_target where {PAIRS[0]} or ({PAIRS[1]} and port <> 53 and own_port = 0)
group by line, {NETWORK} having sum(cast(packets as double)) >= 10 * {{pps_10s}}"""
"""No network, nor what the cap on targets left out, got as many unanswered packets as ten seconds at the rate."""

_ANSWERS = """case when octets >= 1200 * packets then answers_bulk
  when octets >= 200 * packets then answers_mixed else answers_small end"""
_UNANSWERED = "answered_packets * packets_an_answer <= packets"

FLOOD = Flood(
    pairs="t.protocol = 17",
    packets="case when t.port = 53 or t.own_port <> 0 then 0 else t.packets - t.fragment_packets end",
    answered="case when t.port = 53 or t.own_port <> 0 then 0 else t.answered_packets end",
    sent=_SENT,
    received=_SENT,
    told=("packets_an_answer",),
    shapes=(
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED}
      and {SCATTERED}"""
        ),
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED} and sampled_packets * {_ANSWERS} >= answers_missed
      and (records >= 3 * pairs or ({no_answers_elsewhere(_ANSWERS)}))
      and (octets < 1200 * packets or targets >= one_way_targets)"""
        ),
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED} and sampled_packets * {_ANSWERS} >= answers_missed
      and (records >= 3 * pairs or ({no_answers_elsewhere(_ANSWERS)}))
      and (pairs > 1 or mean_pps >= stream_pps or (answered_packets = 0 and sampled_packets >= stream_sampled))""",
            lasting=True,
            acts=False,
        ),
        Shape(
            condition=f"""two_way = 0 and {MUCH} and sampled_packets >= one_way_sampled
      and (records >= one_way_scattered * sampled_packets or targets >= one_way_targets
        or (octets < 1000 * packets and mean_pps >= one_way_single_pps))""",
            pps_10s="one_way_pps",
            pps_60s="one_way_pps",
        ),
    ),
)


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, octets, to = row["packets"] / 10, row["mean_octets"], addresses(row, lang)
    if lang == "ja":
        why = "応答はほとんど確認されていません" if row["two_way"] else "通常の通信にはない広がり方をしています"
        return f"平均 {octets:,.0f} オクテットの UDP パケットが毎秒約 {pps:,.0f} 個、{to}へ送られ、{why}。"
    why = "hardly any of them answered" if row["two_way"] else "spread as no ordinary conversation is"
    return f"About {pps:,.0f} UDP packets a second of {octets:,.0f} octets on average to {to}, {why}."


DETECTOR = FLOOD.detector(
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    looked_at=PAIRS,
    explain=explain,
)
