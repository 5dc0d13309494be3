"""The table of ``sekisho analyze``: reads well on 80 columns, in Japanese and in English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from sekisho.core.time import JST, parse_time, to_datetime
from sekisho.web.report.texts import texts as report_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        "none": "No line floods or scans in this input.",
        "found": "{lines} of the lines seen send traffic that should be looked into.",
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
        "none": "大量通信や探索を行っている回線は見つかりませんでした。",
        "found": "確認が必要な通信を行っている回線: {lines}",
        "input": "{records} レコード / {datagrams} データグラム、{first} ~ {last} JST",
        "quality": "欠落 {lost}、遅着 {late}、解読不能 {undecodable}、回線不明 {unattributed}",
    },
}


def show(analysis: Analysis, *, lang: str, console: Console | None = None) -> None:
    """Print the table of an analysis on standard output."""
    console = console or Console(highlight=False)
    texts, document = TEXTS[lang], analysis.document
    for sentence in _summary(document, texts):
        console.print(sentence, style="dim", markup=False)
    detections = document["detections"]
    console.print()
    if not detections:
        console.print(texts["none"], markup=False)
        return
    console.print(texts["found"].format(lines=len({d["line_id"] for d in detections})), markup=False)
    for line in _rows(detections, texts, lang):
        console.print(line, soft_wrap=True)


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
        detection["line_id"],
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
    yield "; ".join(part for part in (texts["to"].format(targets=targets) if shown else "", count, until) if part)
    if caps := detection["evidence"].get("caps"):
        yield texts["capped"].format(why=", ".join(_name("cap", cap, lang) for cap in caps))


def _target(target: dict[str, Any], texts: dict[str, str]) -> str:
    prefix = texts["anywhere"] if target["prefix"] in ANYWHERE else target["prefix"]
    protocol = PROTOCOLS.get(target["protocol"], str(target["protocol"]))
    where = f"{prefix} {protocol}" + (f"/{target['port']}" if target["port"] > 0 else "")
    return f"{where} ({target['share']:.0%})"


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
