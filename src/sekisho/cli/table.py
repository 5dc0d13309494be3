"""The table of ``sekisho analyze``: reads well on 80 columns, in Japanese and in English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from sekisho.cli import links_view
from sekisho.core.time import JST, parse_time, to_datetime
from sekisho.pipeline.analysis import nothing_judged
from sekisho.web.report.texts import texts as report_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.detect.detector import Language
    from sekisho.pipeline.analysis import Analysis

TARGETS_SHOWN = 2

ANYWHERE = ("0.0.0.0/0", "::/0")

PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "ICMPv6"}

TEXTS = {
    "en": {
        "line": "line",
        "kind": "what",
        "level": "level",
        "since": "since (JST)",
        "rate": "peak packets/s (95 %)",
        "bits": "bit/s",
        "to": "to {targets}",
        "more": "at least {count} targets",
        "anywhere": "anywhere",
        "capped": "for a person to look at: {why}",
        "until": "until {time}",
        "none": "No line in this input sends traffic that should be looked into.",
        "events": "Several lines, one target:",
        "event": "{target}: {lines} lines together\n    peak {pps} packets/s, {bps} bit/s; {first} to {last}",
        "unattributed": "Seen, but the line cannot be known:",
        "sender": "{source}: {kind}, peak {pps} packets/s\n    {reason}; lines that it may be: {candidates}",
        "interface": "interface {source}",
        "blind": "No record belongs to a known line, so that nothing could be judged.",
        "found": "Lines that send traffic that should be looked into: {lines}",
        "input": "{records} records in {datagrams} datagrams, {first} to {last} JST",
        "quality": "lost {lost}, late {late}, undecodable {undecodable}, without a line {unattributed}",
    },
    "ja": {
        "line": "回線",
        "kind": "内容",
        "level": "レベル",
        "since": "開始 (JST)",
        "rate": "最大パケット/秒 (95 %)",
        "bits": "bit/s",
        "to": "宛先 {targets}",
        "more": "宛先 {count} か所以上",
        "anywhere": "不特定多数",
        "capped": "人による確認が必要: {why}",
        "until": "{time} まで",
        "none": "確認が必要な通信を行っている回線は見つかりませんでした。",
        "events": "複数の回線が同じ宛先へ送信:",
        "event": "{target}: {lines} 回線\n    合計で最大 {pps} パケット/秒、{bps} bit/s; {first} ~ {last}",
        "unattributed": "検知したものの、回線を特定できません:",
        "sender": "{source}: {kind}、最大 {pps} パケット/秒\n    {reason}; 候補の回線 {candidates}",
        "interface": "インターフェース {source}",
        "blind": "どのレコードも回線に結び付けられないため、判定していません。",
        "found": "確認が必要な通信を行っている回線: {lines}",
        "input": "{records} レコード / {datagrams} データグラム、{first} ~ {last} JST",
        "quality": "欠落 {lost}、遅着 {late}、解読不能 {undecodable}、回線不明 {unattributed}",
    },
}


def show(analysis: Analysis, *, lang: Language, console: Console | None = None) -> None:
    """Print the table of an analysis on standard output."""
    console = console or Console(highlight=False)
    texts, document = TEXTS[lang], analysis.document
    for sentence in _summary(document, texts):
        console.print(sentence, style="dim", markup=False)
    detections = document["detections"]
    console.print()
    if not detections:
        console.print(texts["blind" if nothing_judged(document) else "none"], markup=False)
    else:
        if lines := {d["line_id"] for d in detections if d["line_id"]}:
            console.print(texts["found"].format(lines=len(lines)), markup=False)
        for line in _rows(detections, texts, lang):
            console.print(line, soft_wrap=True)
    _list(console, texts["events"], [_event(event, texts) for event in document["events"]])
    senders = document["unattributed_detections"]
    _list(console, texts["unattributed"], [_sender(sender, texts, lang) for sender in senders])
    if said := list(links_view.sentences(document.get("impact", {}), lang=lang, width=console.width)):
        console.print()
        for sentence in said:
            console.print(sentence, markup=False, soft_wrap=True)


def _list(console: Console, heading: str, sentences: list[str]) -> None:
    """A heading and what stands under it; nothing where there is nothing."""
    if sentences:
        console.print(f"\n{heading}", markup=False)
    for sentence in sentences:
        console.print(f"  {sentence}", markup=False, soft_wrap=True)


def _event(event: dict[str, Any], texts: dict[str, str]) -> str:
    return texts["event"].format(
        target=_place(event["target"], event["port"], event["protocol"], texts),
        lines=event["lines"],
        pps=_short(event["peak_pps"]),
        bps=_short(event["peak_bps"]),
        first=_clock(event["first_seen"]),
        last=_clock(event["last_seen"]),
    )


def _sender(sender: dict[str, Any], texts: dict[str, str], lang: str) -> str:
    return texts["sender"].format(
        source=sender["source"],
        kind=_name("kind", sender["kind"], lang),
        pps=_short(sender["peak_pps"]),
        reason=_name("reason", sender["reason"], lang),
        candidates=sender["candidate_lines"],
    )


def _summary(document: dict[str, Any], texts: dict[str, str]) -> Iterator[str]:
    data = document["input"]
    yield texts["input"].format(
        records=f"{data['records']:,}",
        datagrams=f"{data['datagrams']:,}",
        first=_clock(data["first"]),
        last=_clock(data["last"]),
    )
    yield texts["quality"].format(
        lost=f"{data['records_lost']:,}",
        late=f"{data['late']:,}",
        undecodable=f"{sum(data['undecodable'].values()):,}",
        unattributed=f"{sum(data['unattributed'].values()):,}",
    )


def _rows(detections: list[dict[str, Any]], texts: dict[str, str], lang: str) -> Iterator[Text]:
    """A heading, then two lines a detection: what and how much, and below it where to."""
    heading = tuple(texts[name] for name in ("line", "kind", "level", "since", "rate", "bits"))
    rows = [_cells(detection, lang) for detection in detections]
    widths = [max(cell_len(cell) for cell in column) for column in zip(heading, *rows, strict=True)]
    yield Text(_aligned(heading, widths), style="dim")
    for detection, row in zip(detections, rows, strict=True):
        yield Text(_aligned(row, widths), style="bold" if detection["level"] == "act" else "")
        for line in _details(detection, texts, lang):
            yield Text(f"  {line}", style="dim")


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _cells(detection: dict[str, Any], lang: str) -> tuple[str, ...]:
    low, high = detection["peak_pps_interval_95"]
    return (
        detection["line_id"] or "-",
        _name("kind", detection["kind"], lang),
        detection["level"],
        _clock(detection["first_seen"]),
        f"{_short(detection['peak_pps'])} ({_short(low)}-{_short(high)})",
        _short(detection["peak_bps"]),
    )


def _details(detection: dict[str, Any], texts: dict[str, str], lang: str) -> Iterator[str]:
    shown = detection["top_targets"][:TARGETS_SHOWN]
    targets = ", ".join(_target(target, texts) for target in shown)
    count = texts["more"].format(count=f"{detection['targets']:,}") if detection["targets"] > 1 else ""
    until = texts["until"].format(time=_clock(detection["last_seen"]))
    if detection["subject"] == "interface":
        yield texts["interface"].format(source=detection["source"])
    yield "; ".join(part for part in (texts["to"].format(targets=targets) if shown else "", count, until) if part)
    if caps := detection["evidence"].get("caps"):
        yield texts["capped"].format(why=", ".join(_name("cap", cap, lang) for cap in caps))


def _target(target: dict[str, Any], texts: dict[str, str]) -> str:
    return f"{_place(target['prefix'], target['port'], target['protocol'], texts)} ({target['share']:.0%})"


def _place(prefix: str, port: int, protocol: int, texts: dict[str, str]) -> str:
    """A network, its protocol, and the port where there is one."""
    where = texts["anywhere"] if prefix in ANYWHERE else prefix
    return f"{where} {PROTOCOLS.get(protocol, str(protocol))}" + (f"/{port}" if port > 0 else "")


def _name(family: str, code: str, lang: str) -> str:
    """What people call a kind or a cap, as the report does; one without a text is shown by its code."""
    text = report_texts().get(f"{family}_{code}")
    return text[lang] if text is not None else code


def _clock(text: str) -> str:
    return f"{to_datetime(parse_time(text)).astimezone(JST):%m-%d %H:%M:%S}"


def _short(number: float) -> str:
    """Three digits and a magnitude, as on a rate counter."""
    for unit in ("", "k", "M", "G"):
        if number < 999.5 or unit == "G":
            break
        number /= 1000
    return f"{number:.3g}{unit}" if number < 999.5 else f"{number:.0f}{unit}"
