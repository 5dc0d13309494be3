"""TCP flood: a line sends segments of connections that do not exist: ACK, PSH, FIN, random flags, random data.

Why it matters: such segments pass filters that look for SYN alone, cost the target's firewalls a look-up each, and fill
the upstream of the access network as UDP does.

How it is told: a sender of TCP stops without acknowledgements, so segments that go on without any are no connection;
refusals (RST) do not count as answers. Sent segments are gathered by /24 or /48. Where the exporter sees both ways, a
network is flooded if a conversation of that segment size would have been acknowledged by now and was not. Where it sees
one way only, or answers to many ports cannot be matched under sampling, the shape must speak: every sampled packet a
flow of its own, many addresses of one network, or small segments faster than any stream of acknowledgements.

Look-alikes that stay quiet: upload, backup, speed test, live contribution (acknowledged, or a few flows of large
segments), download (a few flows of small ones), a web server (its clients acknowledge; seen one way, its segments are
large), a line under attack (it answers with RST, left out, and with SYN-ACK, left out by size where one way only),
HTTP flood and load test (complete connections, each with its SYN), BitTorrent and Tor relay (many networks).
A one-way exporter cannot tell a flood from one port to one port from an upload; that flood is not reported, nor is one
of RST alone.

Source: acknowledgement ratio RFC 9293 3.8.6.3 and the offloads that stretch it (64 KiB an acknowledgement); refusals
RFC 9293 3.5.2; challenge acknowledgements RFC 5961.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, V4_FIRST, V4_LAST, Language, threshold
from sekisho.detect.flood import MUCH, SCATTERED, Flood, Shape, addresses, missed, no_answers_elsewhere, pace, sustained

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(1000, "packets/s", "lost connections are given up after a few packets, not a thousand")
    pps_60s: float = threshold(400, "packets/s", "weaker floods last; retries of a minute stay below ten a second")
    sustain: float = sustained()
    packets_an_answer: float = threshold(
        200, "packets", "receive offload acknowledges 64 KiB at once: every 44th large segment at the rarest"
    )
    answers_bulk: float = threshold(0.02, "answers a packet", "large segments, acknowledged as rarely as that")
    answers_other: float = threshold(
        0.05, "answers a packet", "smaller segments are merged less; a bare acknowledgement answers something received"
    )
    answers_missed: float = missed()
    scattered_sampled: float = threshold(
        20, "sampled packets", "20 packets in 10 flows or more, one network, no answer"
    )
    scattered_pace: float = pace()
    connections_least: float = threshold(
        0.025, "connections a packet", "complete connections of 8 packets show 0.125; a flood of segments none"
    )
    connections_most: float = threshold(
        0.4, "connections a packet", "no connection is complete with two packets: above it SYN is one of random flags"
    )
    one_way_pps: float = threshold(3000, "packets/s", "without answers as evidence, three times the rate")
    one_way_scattered: float = threshold(0.8, "flows a sampled packet", "32 parallel downloads at 1:4096 reach 0.5")
    one_way_sampled: float = threshold(40, "sampled packets", "so that the ratio of flows to packets means something")
    one_way_sampled_pps: float = threshold(
        2, "sampled packets/s", "slower, the packets of one flow come further apart than its timeout and look scattered"
    )
    one_way_targets: float = threshold(
        64, "addresses", "a quarter of one /24: no content network serves a home from that many"
    )
    many_ports: float = threshold(
        32, "ports an address", "no program has connections to as many ports of one address at once"
    )
    one_way_single_pps: float = threshold(150_000, "packets/s", "acknowledgements of a 10 Gb/s download stay below it")


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=3000, pps_60s=1500, one_way_pps=20_000),
    "building": Params(pps_10s=4000, pps_60s=2000, one_way_pps=30_000),
    "reseller": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000),
    "server": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000),
}
KINDS = ("tcp_flood",)
SCREEN = "tcp_packets - syn_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""

PAIRS = ("protocol = 6", "protocol = -1")
SUSPECTS = f"""select line from line_target where protocol in (6, -1)
group by line, {NETWORK}
having sum(cast(packets - syn_packets - reset_packets as double)) >= 10 * {{pps_10s}}
  and sum(cast(answered_packets - answered_reset_packets as double)) * {{packets_an_answer}}
    <= sum(cast(packets as double))
  and sum(cast(sampled_packets as double)) >= {{scattered_sampled}}
  and (sum(cast(records as double)) >= 0.5 * sum(cast(sampled_packets as double)) or count(*) >= {{one_way_targets}}
    or sum(cast(sampled_packets as double)) * {{answers_other}} >= {{answers_missed}})"""
"""No network, nor what the cap on targets left out, got as many unanswered segments as ten seconds at the rate, be it
in flows of their own, to many addresses, or so many that their acknowledgements are missed."""

_ANSWERS = "case when octets >= 1200 * packets then answers_bulk else answers_other end"
_UNANSWERED = "answered_packets * packets_an_answer <= likely_packets"
_NO_CONNECTIONS = """(connections <= connections_least * all_packets
      or connections >= connections_most * all_packets)"""
_HEADERS = f"case when network between {V4_FIRST} and {V4_LAST} then 40 else 60 end"
_NO_SYN_ACK = f"(octets <= ({_HEADERS} + 2) * packets or octets >= ({_HEADERS} + 26) * packets)"
"""A SYN-ACK carries four octets of options at least and twenty as a rule; a bare segment carries none."""

_TCP_SENT = "(w.tcp_packets - w.syn_packets)"

FLOOD = Flood(
    pairs="t.protocol = 6",
    packets="greatest(t.packets - t.syn_packets - t.reset_packets - t.fragment_packets, 0)",
    volume="t.packets - t.syn_packets",
    answered="t.answered_packets - t.answered_reset_packets",
    sent=_TCP_SENT,
    received="w.tcp_packets",
    told=("packets_an_answer",),
    shapes=(
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED} and {_NO_CONNECTIONS}
      and {no_answers_elsewhere(_ANSWERS)}
      and (({SCATTERED})
        or sampled_packets * {_ANSWERS} >= answers_missed)"""
        ),
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED} and {_NO_CONNECTIONS}
      and sampled_packets * {_ANSWERS} >= answers_missed and records >= 3 * pairs and sampled_packets >= 6 * pairs"""
        ),
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED} and {_NO_CONNECTIONS}
      and {_NO_SYN_ACK} and sampled_packets >= one_way_sampled and ports >= many_ports * targets"""
        ),
        Shape(
            condition=f"""{MUCH} and {_UNANSWERED} and {_NO_CONNECTIONS} and sampled_packets >= one_way_sampled
      and ((octets < 1000 * packets and {_NO_SYN_ACK} and sampled_pps >= one_way_sampled_pps
          and (records >= one_way_scattered * sampled_packets or targets >= one_way_targets))
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
        why = "確認応答 (ACK) がほとんど返っていません" if row["two_way"] else "通常の接続にはない広がり方をしています"
        return (
            f"接続を開かないままの TCP パケット（平均 {octets:,.0f} オクテット）が毎秒約 {pps:,.0f} 個、"
            f"{to}へ送られ、{why}。"
        )
    why = "hardly any of them acknowledged" if row["two_way"] else "spread as no ordinary connection is"
    return f"About {pps:,.0f} TCP packets a second of {octets:,.0f} octets on average to {to}, {why}."


DETECTOR = FLOOD.detector(
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    looked_at=PAIRS,
    explain=explain,
)
