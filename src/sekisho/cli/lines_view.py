"""How ``sekisho lines who`` is written for people, in both languages, from its JSON (``pipeline/who.py``)."""

from __future__ import annotations

from typing import Any

from sekisho.core.time import jst_and_utc, parse_time

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


def _hold_text(hold: dict[str, Any], word: dict[str, str]) -> str:
    return f"{hold['line_id']} {_held_text(hold, word)}, {word[hold['certainty']]}, {hold['source']}"


def _held_text(hold: dict[str, Any], word: dict[str, str]) -> str:
    ports = (
        "" if (hold["port_first"], hold["port_last"]) == (0, 65535) else f" {hold['port_first']}-{hold['port_last']}"
    )
    return f"{hold['prefix']}{ports} {hold['from'] or word['beginning']} – {hold['to'] or word['open']}"
