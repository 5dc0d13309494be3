"""Lines too weak to be told alone: found by the target that many of them hit together.

A bot that sends a hundred packets a second hardly differs from an application that waits for an answer; twenty such
lines with one unanswering target do. Each is reported at ``watch``, with the event that it is part of.

Look-alikes that stay quiet: a popular destination that is out of order (retries are a few packets a second and line,
far below those asked for), resolvers and time servers that a fleet of faulty devices asks (DNS is left out; again
retries), and whatever is answered. Where answers cannot be seen, only requests for connections are judged.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.detect.detector import NETWORK, NETWORK_WORDS
from sekisho.detect.interval import interval_95
from sekisho.detect.level import confidence
from sekisho.detect.quiet import Clause, figure, sentence
from sekisho.schema.detection import Cap, Detection, Level, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from sekisho.detect.detector import Language
    from sekisho.detect.level import LineInfo
    from sekisho.query.engine import Engine
    from sekisho.schema.detection import Quality

LINES = 8
"""Lines that must hit one network together."""

UDP_LINE_PPS, SYN_LINE_PPS = 100, 30
"""Mean packets a second and line: retries towards a dead service reach 10 (six connections of a browser, a game's
pings), so ten times that for datagrams, three times for requests, which back off (RFC 6298)."""

JOINT_PPS = 2000
"""Packets a second of all lines together: what one line would have to send to be a flood by itself."""

SAMPLED_A_LINE = 3
"""Mean sampled packets a line: with one each, the lines that were seen say nothing about those that were not."""

LONG_ENOUGH_MS = 60_000
"""Rates are means over at least a minute: a single sampled packet has no duration."""

PARTS_KEPT = 100_000
"""Shares of lines in events held at most; the oldest leave first."""

SCREEN = f"""udp_packets - dns_packets - reflector_packets >= {5 * UDP_LINE_PPS} or syn_packets >= {5 * SYN_LINE_PPS}"""
"""A window at half the rate."""

_LINE_PPS = f"case when j.protocol = 17 then {UDP_LINE_PPS} else {SYN_LINE_PPS} end"
_SPAN = f"greatest(j.last_ms - j.first_ms, {LONG_ENOUGH_MS})"

PAIRS = ("protocol = 17", "protocol = 6 and packets * 0.8 <= syn_packets")
"""Datagrams, and what asks for connections and nothing else."""

ANSWERS = 0.02
"""Answers a datagram of all lines to a network, from which it is a popular one: where few packets are sampled, many of
its lines show no answer, though receivers of uploads acknowledge every 10th datagram, of live feeds every 64th."""

_DEVIATIONS = 2
"""As in ``detect/rates.py``."""

_SPEAKS = f"own_port = 0 and (({PAIRS[0]} and port <> 53) or ({PAIRS[1]}))"
_COUNTED = f"""({PAIRS[0]} and answered_packets * 100 <= packets)
    or ({PAIRS[1]} and answered_syn_ack_packets * 10 <= syn_packets)"""
"""Of what speaks, what goes unanswered."""

_ANSWERS, _SENT, _SAMPLED = (
    f"sum(cast({name} as double))" for name in ("answered_packets", "packets", "sampled_packets")
)
_ANSWERED = f"""(protocol = 6
    or {_ANSWERS} + {_DEVIATIONS} * sqrt({_ANSWERS} * {_SENT} / nullif({_SAMPLED}, 0)) <= {ANSWERS} * {_SENT})"""
"""Surely fewer than that: of some hundred sampled datagrams, two or three answers are sampled by chance where ten are
usual."""

SUSPECTS = f"""
with pair as (
  select line, block_start_ms, {NETWORK} as network, protocol, packets, sampled_packets, answered_packets,
    case when {_COUNTED} then packets else 0 end as counted
  from line_target where line > 0 and {_SPEAKS}
), part as (
  select line, block_start_ms, network, protocol, sum(cast(packets as double)) as packets,
    sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as answered_packets, sum(cast(counted as double)) as counted
  from pair group by line, block_start_ms, network, protocol
), joint as (
  select block_start_ms, network, protocol from part group by block_start_ms, network, protocol
  having count(case when counted > 0 then 1 end) >= {LINES}
    and sum(cast(counted as double)) * 1000 >= {JOINT_PPS * LONG_ENOUGH_MS} and {_ANSWERED}
)
select distinct s.line from part s join joint j
  on j.block_start_ms = s.block_start_ms and j.network = s.network and j.protocol = s.protocol"""
"""Lines with a part in what enough lines send enough to, whether or not it can be seen that nothing comes back: hardly
any, while most lines send something that is not answered."""

SQL = f"""
with spoken as (
  select t.line, t.block_start_ms, {NETWORK} as network, t.port, t.protocol, t.packets, t.octets, t.sampled_packets,
    t.answered_packets, t.answered_syn_ack_packets, t.syn_packets, t.first_ms, t.last_ms
  from line_target t join params p on p.line = t.line
  where {_SPEAKS} and (t.protocol = 6 or p.two_way = 1)
), unanswered as (
  select block_start_ms, network, protocol from spoken group by block_start_ms, network, protocol having {_ANSWERED}
), part as (
  select s.line, s.block_start_ms, s.network, s.protocol,
    case when max(s.port) > min(s.port) then 0 else max(s.port) end as port,
    sum(cast(s.packets as double)) as packets, sum(cast(s.octets as double)) as octets,
    sum(cast(s.sampled_packets as double)) as sampled_packets, min(s.first_ms) as first_ms, max(s.last_ms) as last_ms
  from (select * from spoken where {_COUNTED}) s
    join unanswered u
      on u.block_start_ms = s.block_start_ms and u.network = s.network and u.protocol = s.protocol
  group by s.line, s.block_start_ms, s.network, s.protocol
), joint as (
  select block_start_ms, network, protocol, count(*) as lines, sum(cast(packets as double)) as packets,
    sum(cast(sampled_packets as double)) as sampled_packets, min(first_ms) as first_ms, max(last_ms) as last_ms
  from part group by block_start_ms, network, protocol
), found as (
  select s.*, j.lines
  from part s join joint j
    on j.block_start_ms = s.block_start_ms and j.network = s.network and j.protocol = s.protocol
  where j.lines >= {LINES} and j.sampled_packets >= {SAMPLED_A_LINE} * j.lines
    and j.packets * 1000 >= {JOINT_PPS} * {_SPAN} and j.packets * 1000 >= {_LINE_PPS} * j.lines * {_SPAN}
    and s.sampled_packets >= {SAMPLED_A_LINE}
)
select line, block_start_ms, {NETWORK_WORDS}, protocol, port, packets, octets, sampled_packets, first_ms, last_ms, lines
from found order by line, block_start_ms, network, protocol"""


class _Key(NamedTuple):
    line: int
    network_hi: int
    network_lo: int
    network_bits: int
    protocol: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What a line sent to one network in one block."""

    port: int
    packets: float
    octets: float
    sampled_packets: float
    first_ms: int
    last_ms: int
    lines: int


@dataclass(slots=True, kw_only=True)
class _Track:
    detected_at_ms: int
    exporter: int | None
    parts: dict[int, _Part] = field(default_factory=dict)


class WeakLines:
    """Shares of lines in floods that no line makes alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tracks: dict[_Key, _Track] = {}

    def lines(self, from_ms: int) -> set[int]:
        """Those with a share in a block from then on, which may turn out to be none."""
        return {key.line for key, track in self._tracks.items() if max(track.parts) >= from_ms}

    def look(
        self,
        lines: Collection[int],
        tables: Mapping[str, pa.Table],
        *,
        from_ms: int,
        at_ms: int,
        opens: bool,
        exporter_of: Callable[[int], int | None],
    ) -> None:
        """Take in what some lines sent from a block on; what is not found any more is forgotten.

        Args:
            lines: those that were looked at.
            tables: ``line_target`` and ``params`` of these lines.
            from_ms: start of the first block that was looked at.
            at_ms: stream time of this tick.
            opens: whether a share that was not there before counts.
            exporter_of: code of the exporter that reports a line.
        """
        for key in [key for key in self._tracks if key.line in lines]:
            parts = self._tracks[key].parts
            self._tracks[key].parts = {block: part for block, part in parts.items() if block < from_ms}
        for key, block, part in self._found(tables, from_ms):
            track = self._tracks.get(key)
            if track is None and not opens:
                continue
            if track is None:
                track = self._tracks[key] = _Track(detected_at_ms=at_ms, exporter=exporter_of(key.line))
            track.parts[block] = part
        self._tracks = {key: track for key, track in self._tracks.items() if track.parts}
        if len(self._tracks) > PARTS_KEPT:
            newest = sorted(self._tracks.items(), key=lambda item: -max(item[1].parts))
            self._tracks = dict(newest[:PARTS_KEPT])

    def detections(self, info: Callable[[int], LineInfo], quality: Callable[..., Quality]) -> list[Detection]:
        """One a line and network."""
        return [_detection(key, track, info(key.line), quality) for key, track in self._tracks.items()]

    def rows(self) -> list[list[Any]]:
        """Everything known, as plain values."""
        return [
            [*key, track.detected_at_ms, [[block, *astuple(part)] for block, part in track.parts.items()]]
            for key, track in self._tracks.items()
        ]

    def restore(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take back what ``rows`` gave; without its exporter the worst loss of all bounds a share's."""
        for *key, detected_at_ms, parts in rows:
            self._tracks[_Key(*key)] = _Track(
                detected_at_ms=detected_at_ms,
                exporter=None,
                parts={
                    block: _Part(**dict(zip(_Part.__dataclass_fields__, values, strict=True)))
                    for block, *values in parts
                },
            )

    def _found(self, tables: Mapping[str, pa.Table], from_ms: int) -> Iterator[tuple[_Key, int, _Part]]:
        for row in self._engine.run(SQL, tables).to_pylist():
            if row["block_start_ms"] >= from_ms:
                key = _Key(*(row[name] for name in _Key._fields))
                yield key, row["block_start_ms"], _Part(**{name: row[name] for name in _Part.__dataclass_fields__})


def _detection(key: _Key, track: _Track, info: LineInfo, quality: Callable[..., Quality]) -> Detection:
    parts = [track.parts[block] for block in sorted(track.parts)]
    first_ms, last_ms = min(p.first_ms for p in parts), max(p.last_ms for p in parts)
    sampled = sum(p.sampled_packets for p in parts)
    highest = max(parts, key=_rate)
    seen = quality(track.exporter, first_ms, last_ms)
    scale = highest.packets / highest.sampled_packets
    variance = highest.packets * (scale - 1) * (_rate(highest) / highest.packets) ** 2
    ports = {part.port for part in parts}
    port = ports.pop() if len(ports) == 1 else 0
    target = Target(**dict(zip(_Key._fields[1:], key[1:], strict=True)), port=port, share=1.0)
    return Detection(
        line=key.line,
        line_id=info.line_id,
        source=info.source,
        kind="udp_flood" if key.protocol == _UDP else "tcp_syn_flood",
        level=Level.WATCH,
        caps=(Cap.WEAK_ALONE,),
        first_seen_ms=first_ms,
        last_seen_ms=last_ms,
        detected_at_ms=track.detected_at_ms,
        packets=sum(p.packets for p in parts),
        octets=sum(p.octets for p in parts),
        peak_pps=_rate(highest),
        peak_pps_interval_95=interval_95(_rate(highest), variance, loss=seen.loss),
        peak_bps=_rate(highest) * highest.octets / highest.packets * 8,
        sampled_packets=sampled,
        targets=1,
        top_targets=(target,),
        confidence=confidence(sampled_packets=sampled, two_way=True, loss=seen.loss, reasons=(Cap.WEAK_ALONE,)),
        evidence={
            _EVENT_LINES: float(highest.lines),
            "packets": highest.packets,
            "opens_lines": float(LINES),
            "opens_joint_pps": float(JOINT_PPS),
            "opens_line_pps": float(UDP_LINE_PPS if key.protocol == _UDP else SYN_LINE_PPS),
        },
        quality=seen,
        exporter=track.exporter,
    )


_UDP = 17
_EVENT_LINES = "event_lines"


def is_weak(evidence: Mapping[str, Any]) -> bool:
    """Whether a detection's evidence is from here."""
    return _EVENT_LINES in evidence


def explain(row: Mapping[str, Any], lang: Language) -> str:
    """One sentence about a detection's evidence."""
    lines = figure(row[_EVENT_LINES])
    if lang == "ja":
        return f"同じ宛先へ同じ時間帯に送っている {lines} 回線のうちの 1 回線です。単独では判断できない量です。"
    return f"One of {lines} lines that send to the same target at the same time; by itself too little to tell."


def quiet(row: Mapping[str, Any], lang: Language) -> str:
    """What would have kept it quiet."""
    lines, joint, each = (figure(row[f"opens_{name}"]) for name in ("lines", "joint_pps", "line_pps"))
    return sentence(
        lang,
        Clause(
            ja=f"同じ宛先へ送る回線が {lines} 回線を下回って", en=f"with fewer than {lines} lines on the same target"
        ),
        Clause(
            ja=f"全回線の合計が毎秒 {joint} パケットを下回って", en=f"below {joint} packets a second of all of them"
        ),
        Clause(
            ja=f"1 回線あたりの平均が毎秒 {each} パケットを下回って",
            en=f"below {each} packets a second a line on average",
        ),
    )


def _rate(part: _Part) -> float:
    """Mean packets a second; ten seconds are the shortest that a rate is given for."""
    return part.packets * 1000 / max(part.last_ms - part.first_ms, 10_000)
