"""How ``sekisho lines who`` is written: JSON for programs, and text in both languages from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.attribution.outcome import Attributed
from sekisho.attribution.validity import OPEN_FROM_MS, OPEN_TO_MS
from sekisho.core.time import iso, jst_and_utc, parse_time

if TYPE_CHECKING:
    from sekisho.attribution.history.spans import Span
    from sekisho.attribution.history.who import Explained
    from sekisho.attribution.sources.events import Held
    from sekisho.core.purposes import Purpose

WORDS = {
    "asked": {"ja": "照会", "en": "asked"},
    "purpose": {"ja": "目的", "en": "purpose"},
    "line": {"ja": "回線", "en": "line"},
    "none": {"ja": "回線は特定できません", "en": "no line"},
    "candidates": {"ja": "候補の回線数", "en": "candidate lines"},
    "assignment": {"ja": "割り当て", "en": "assignment"},
    "certain": {"ja": "確実", "en": "certain"},
    "inferred": {"ja": "推定 (通知には使えません)", "en": "inferred (no ground for a notice)"},
    "settled": {"ja": "確定", "en": "settled"},
    "provisional": {
        "ja": "暫定 (情報源がまだ追いついていません)",
        "en": "provisional (the sources have not told enough yet)",
    },
    "margin": {"ja": "時計の余裕", "en": "clock margin"},
    "source": {"ja": "情報源", "en": "source"},
    "watermark": {"ja": "最新", "en": "newest"},
    "delay": {"ja": "遅れの中央値", "en": "median delay"},
    "considered": {"ja": "ほかに検討したもの", "en": "also considered"},
    "open": {"ja": "継続中", "en": "still open"},
    "beginning": {"ja": "始まり不明", "en": "beginning unknown"},
}


def document(found: Explained, purpose: Purpose, *, margin_s: float) -> dict[str, Any]:
    """Everything, as JSON values."""
    asked = found.question
    return {
        "question": {
            "address": str(asked.address),
            "port": asked.port,
            "protocol": asked.protocol,
            "realm": asked.realm,
            "at": iso(asked.at_ms),
        },
        "purpose": {"code": purpose.code, "ja": purpose.ja, "en": purpose.en},
        "answer": _answer(found),
        "settled": found.settled,
        "clock_margin_s": margin_s,
        "decided_by": [_hold(*one) for one in found.decided],
        "considered": [_hold(*one) for one in found.considered],
        "considered_left_out": found.left_out,
        "sources": [
            {"name": feed.name, "newest": iso(feed.watermark_ms), "median_delay_s": feed.delay_ms / 1000}
            for feed in found.feeds
        ],
    }


def text(answered: dict[str, Any], lang: str) -> str:
    """The same for people."""
    word = {name: texts[lang] for name, texts in WORDS.items()}
    asked, answer = answered["question"], answered["answer"]
    when = jst_and_utc(parse_time(asked["at"]))
    lines = [
        f"{word['asked']}: {asked['address']} port {asked['port']} protocol {asked['protocol']} {when}",
        f"{word['purpose']}: {answered['purpose'][lang]}",
    ]
    if "line_id" in answer:
        lines.append(f"{word['line']}: {answer['line_id']} — {word[answer['certainty']]}")
        lines.append(f"{word['assignment']}: {_held_text(answer, word)} ({answer['method']})")
    else:
        lines.append(f"{word['none']}: {answer['reason']} — {answer['explanation']}")
        lines.append(f"{word['candidates']}: {answer['candidate_lines']}")
    lines.append(word["settled" if answered["settled"] else "provisional"])
    lines.append(f"{word['margin']}: {answered['clock_margin_s']:g} s")
    lines += [f"{word['assignment']}: {_hold_text(hold, word)}" for hold in answered["decided_by"]]
    lines += [
        f"{word['source']}: {source['name']}, {word['watermark']} {source['newest']}, "
        f"{word['delay']} {source['median_delay_s']:g} s"
        for source in answered["sources"]
    ]
    lines += [f"{word['considered']}: {_hold_text(hold, word)}" for hold in answered["considered"]]
    if answered["considered_left_out"]:
        lines.append(f"{word['considered']}: + {answered['considered_left_out']}")
    return "\n".join(lines)


def _answer(found: Explained) -> dict[str, Any]:
    answer = found.answer
    if not isinstance(answer, Attributed):
        return {
            "reason": answer.reason.label,
            "explanation": answer.explanation,
            "candidate_lines": answer.candidate_lines,
        }
    assignment = answer.assignment
    return {
        "line_id": answer.line_id,
        "certainty": answer.certainty,
        "method": assignment.method,
        "prefix": str(assignment.prefix),
        "port_first": assignment.port_first,
        "port_last": assignment.port_last,
        "from": None if assignment.valid_from_ms is None else iso(assignment.valid_from_ms),
        "to": None if assignment.valid_to_ms is None else iso(assignment.valid_to_ms),
    }


def _hold(held: Held, span: Span) -> dict[str, Any]:
    return {
        "line_id": span.holder,
        "prefix": str(held.prefix),
        "port_first": held.port_first,
        "port_last": held.port_last,
        "from": None if span.from_ms == OPEN_FROM_MS else iso(span.from_ms),
        "to": None if span.to_ms == OPEN_TO_MS else iso(span.to_ms),
        "certainty": "inferred" if span.inferred else "certain",
        "source": span.source,
    }


def _hold_text(hold: dict[str, Any], word: dict[str, str]) -> str:
    return f"{hold['line_id']} {_held_text(hold, word)}, {word[hold['certainty']]}, {hold['source']}"


def _held_text(hold: dict[str, Any], word: dict[str, str]) -> str:
    ports = (
        "" if (hold["port_first"], hold["port_last"]) == (0, 65535) else f" {hold['port_first']}-{hold['port_last']}"
    )
    return f"{hold['prefix']}{ports} {hold['from'] or word['beginning']} – {hold['to'] or word['open']}"
