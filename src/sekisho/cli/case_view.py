"""Cases on a terminal: a list that fits 80 columns, and one case as a page to read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sekisho.cli.fold import folded, plain
from sekisho.core.time import JST, jst_and_utc, to_datetime
from sekisho.detect import sentences
from sekisho.measures.model import Language, MeasureId, measures
from sekisho.measures.order import device_names, likely_devices, order_for_case
from sekisho.web.report import numbers
from sekisho.web.report.texts import texts as report_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sekisho.cases.model import Case, Evidence

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "none": "No case.",
        "listed": "{count} cases, the most harmful first. Times are JST (UTC).",
        "case": "case",
        "line": "line",
        "state": "state",
        "what": "what",
        "rate": "bit/s",
        "since": "since JST (UTC)",
        "title": "Case {number}: line {line}, {state}",
        "opened": "opened {time}",
        "closed": "closed {time}: {reason}",
        "predecessor": "the line had case {number} before",
        "seen": "What was seen",
        "first": "from {time}",
        "last": "to {time}",
        "peak": "at most {pps} packets/s (95 % interval) and {bps}",
        "volume": "{packets} packets, {octets} in all",
        "source": "source {source}",
        "targets": "addresses it went to: {count} or more",
        "event": "part of event E{number}",
        "sure": "How sure this is",
        "confidence": "{kind}: rests on {sampled} packets that the router recorded; {loss} of the records were lost; "
        "confidence {confidence} (0 to 1, to sort by)",
        "blind": "What cannot be seen from here",
        "devices": "Likely, not known: {devices}",
        "measures": "Measures, in the order that the evidence suggests",
        "history": "History",
        "by": "{actor}, purpose: {purpose}",
        "because": "{reason}",
        "state_open": "open",
        "state_notified": "notified",
        "state_acknowledged": "acknowledged",
        "state_observing": "observing",
        "state_escalated": "escalated",
        "state_relapsed": "relapsed",
        "state_resolved": "resolved",
        "state_dismissed": "dismissed",
        "state_line_ended": "line ended",
        "state_withdrawn": "withdrawn",
        "measure_open": "open",
        "measure_claimed": "said to be done",
        "measure_evidenced": "shown to be done",
        "measure_not_applicable": "does not apply",
        "purpose_own_network_protection": "protection of the own network",
        "and": ", ",
    },
    "ja": {
        "none": "該当するケースはありません。",
        "listed": "{count} 件、影響の大きい順です。時刻は JST (UTC) です。",
        "case": "番号",
        "line": "回線",
        "state": "状態",
        "what": "内容",
        "rate": "bit/s",
        "since": "開始 JST (UTC)",
        "title": "ケース {number}: 回線 {line}、{state}",
        "opened": "登録 {time}",
        "closed": "終了 {time}: {reason}",
        "predecessor": "この回線の前回のケース: {number}",
        "seen": "観測された通信",
        "first": "開始 {time}",
        "last": "終了 {time}",
        "peak": "最大 {pps} パケット/秒 (95 % 区間)、{bps}",
        "volume": "合計 {packets} パケット、{octets}",
        "source": "送信元 {source}",
        "targets": "宛先は {count} アドレス以上",
        "event": "イベント E{number} の一部",
        "sure": "どこまで確かか",
        "confidence": "{kind}: ルーターが記録した {sampled} パケットに基づく推定です。記録の欠落 {loss}、"
        "確かさ {confidence} (0 から 1、並べ替えの目安)",
        "blind": "ここからは分からないこと",
        "devices": "考えられる機器 (特定はできていません): {devices}",
        "measures": "対策 (観測内容から見て先に行うべき順)",
        "history": "経過",
        "by": "{actor}、目的: {purpose}",
        "because": "{reason}",
        "state_open": "対応待ち",
        "state_notified": "通知済み",
        "state_acknowledged": "お客様確認済み",
        "state_observing": "経過観察中",
        "state_escalated": "上位対応中",
        "state_relapsed": "再発",
        "state_resolved": "解決",
        "state_dismissed": "対象外",
        "state_line_ended": "契約終了",
        "state_withdrawn": "取り下げ",
        "measure_open": "未実施",
        "measure_claimed": "実施との申告あり",
        "measure_evidenced": "実施を確認",
        "measure_not_applicable": "該当なし",
        "purpose_own_network_protection": "自社ネットワークの保護",
        "and": "、",
    },
}


def show_list(cases: Sequence[Case], *, lang: str, console: Console | None = None) -> None:
    """One row a case."""
    console = console or Console(highlight=False)
    texts = TEXTS[lang]
    if not cases:
        console.print(texts["none"])
        return
    console.print(texts["listed"].format(count=len(cases)), style="dim")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("case", "line", "state", "what", "rate", "since"):
        table.add_column(texts[name], overflow="fold", justify="right" if name in ("case", "rate") else "left")
    for case in cases:
        table.add_row(*(Text(plain(cell)) for cell in _cells(case, lang)))
    console.print(table)


def show_case(case: Case, *, lang: str, console: Console | None = None) -> None:
    """One case, to be read from the top."""
    console = console or Console(highlight=False)
    texts = TEXTS[lang]
    state = texts[f"state_{case.state}"]
    title = texts["title"].format(number=case.number, line=case.line_id, state=state)
    _print(console, [title], style="bold")
    _print(console, _dates(case, texts))
    for heading, lines in (
        (texts["seen"], _seen(case, lang)),
        (texts["sure"], (_sure(evidence, lang) for evidence in case.evidence)),
        (texts["blind"], _blind(case, lang)),
        (texts["measures"], _measures(case, lang)),
        (texts["history"], _history(case, texts)),
    ):
        console.print()
        _print(console, [heading], style="bold")
        _print(console, lines)


def _print(console: Console, lines: Iterable[str], *, style: str = "") -> None:
    for text in lines:
        bullet = re.match(r" *(?:- |[0-9]\. )?", text)
        hanging = len(bullet[0].lstrip(" ")) if bullet is not None else 0
        for line in folded(text, console.width, hanging=hanging):
            console.print(Text(line, style=style), soft_wrap=True)


def _cells(case: Case, lang: str) -> tuple[str, ...]:
    kinds = [kind_name(kind, lang) for kind in case.kinds]
    return (
        str(case.number),
        case.line_id,
        TEXTS[lang][f"state_{case.state}"],
        kinds[0] + (f" +{len(kinds) - 1}" if len(kinds) > 1 else ""),
        numbers.quantity(case.harm[0]),
        _both_clocks(case.first_seen_ms),
    )


def _dates(case: Case, texts: Mapping[str, str]) -> Iterator[str]:
    yield texts["opened"].format(time=jst_and_utc(case.opened_at_ms))
    if case.closed_at_ms is not None:
        yield texts["closed"].format(time=jst_and_utc(case.closed_at_ms), reason=case.closing)
    if case.predecessor is not None:
        yield texts["predecessor"].format(number=case.predecessor)


def _seen(case: Case, lang: str) -> Iterator[str]:
    texts = TEXTS[lang]
    for evidence in case.evidence:
        explanation = sentences.explanation(evidence.kind, evidence.numbers, Language(lang).value)
        yield kind_name(evidence.kind, lang) + (f": {explanation}" if explanation else "")
        if quiet := sentences.quiet(evidence.kind, evidence.numbers, Language(lang).value):
            yield f"  {quiet}"
        yield "  " + texts["first"].format(time=jst_and_utc(evidence.first_seen_ms))
        yield "  " + texts["last"].format(time=jst_and_utc(evidence.last_seen_ms))
        pps = numbers.interval(evidence.peak_pps, *evidence.peak_pps_interval_95)
        yield "  " + texts["peak"].format(pps=pps, bps=numbers.quantity(evidence.peak_bps, "bit/s"))
        yield "  " + texts["volume"].format(
            packets=numbers.quantity(evidence.packets), octets=numbers.quantity(evidence.octets, "B")
        )
        if evidence.source:
            yield "  " + texts["source"].format(source=evidence.source)
        # Where it went is the second tier: `cases reveal`, for a purpose and on record.
        yield "  " + texts["targets"].format(count=f"{evidence.targets:,}")
        if evidence.event_id is not None:
            yield "  " + texts["event"].format(number=evidence.event_id)


def _sure(evidence: Evidence, lang: str) -> str:
    return TEXTS[lang]["confidence"].format(
        kind=kind_name(evidence.kind, lang),
        sampled=f"{evidence.sampled_packets:,}",
        loss=numbers.share(evidence.loss),
        confidence=f"{evidence.confidence:.2f}",
    )


def _blind(case: Case, lang: str) -> Iterator[str]:
    names = ["blind_device", "blind_sampling", "blind_content"]
    if any(evidence.coverage is None for evidence in case.evidence):
        names.append("blind_coverage")
    yield from (f"- {report_texts()[name][lang]}" for name in names)
    devices = [device_names()[device].render(Language(lang)) for device in likely_devices(case.kinds[0])]
    yield "- " + TEXTS[lang]["devices"].format(devices=TEXTS[lang]["and"].join(devices))


def _measures(case: Case, lang: str) -> Iterator[str]:
    states = {progress.measure: progress.state for progress in case.measures}
    for number, measure in enumerate(order_for_case((e.kind, e.ports) for e in case.evidence), start=1):
        bullet = "   " if measure is MeasureId.MAKER else f"{number}. "
        yield f"{bullet}{measures()[measure].title.render(Language(lang))}: {TEXTS[lang][f'measure_{states[measure]}']}"


def _history(case: Case, texts: Mapping[str, str]) -> Iterator[str]:
    for step in case.history:
        way = " → ".join(texts[f"state_{state}"] for state in (step.before, step.after) if state is not None)
        purpose = texts.get(f"purpose_{step.purpose}", step.purpose)
        yield f"{jst_and_utc(step.at_ms)}  {way}"
        yield "  " + texts["by"].format(actor=step.actor, purpose=purpose)
        if step.reason:
            yield "  " + texts["because"].format(reason=step.reason)


def kind_name(kind: str, lang: str) -> str:
    """What the desk calls a kind; one without a text is shown by its code."""
    text = report_texts().get(f"kind_{kind}")
    return text[lang] if text is not None else kind


def _both_clocks(milliseconds: int) -> str:
    moment = to_datetime(milliseconds)
    return f"{moment.astimezone(JST):%m-%d %H:%M} ({moment:%H:%M})"
