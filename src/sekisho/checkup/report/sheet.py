"""The maker's sheet of one device, in Japanese and English: what it is, what was found, what only the maker knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.checkup.report.view import labels, view
from sekisho.measures.model import Language, Reader
from sekisho.measures.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.checkup.report.view import DeviceView


def sheets(report: Mapping[str, Any]) -> dict[str, str]:
    """Text by the id of each device that has a question left."""
    seen = {language: view(report, language, Reader.EXPERT).devices for language in Language}
    return {
        device["id"]: "\n\n".join("\n".join(_lines(device, seen[language][at], language)) for language in Language)
        + "\n"
        for at, device in enumerate(report["devices"])
        if seen[Language.EN][at].questions
    }


def _lines(device: Mapping[str, Any], shown: DeviceView, language: Language) -> Iterator[str]:
    words = {name: texts[language] for name, texts in labels().items()}
    identity, findings = device["identity"], device["findings"]
    yield from (f"# {words['sheet_title']}", "", words["sheet_greeting"], "")
    for part in ("maker", "model", "hardware", "firmware"):
        yield f"{words[part]}: {identity[part]['value'] if part in identity else words['sheet_unknown']}"
    for finding in findings:
        if (finding["check"], finding["outcome"]) == ("c3", "contact"):
            yield f"{words['sheet_page']}: {finding['evidence']['page']}"
    urgent = [finding for finding in findings if finding["verdict"] == Verdict.ACTION]
    if urgent:
        yield from ("", f"{words['sheet_findings']}:")
        yield from (f"- {f['check']}.{f['outcome']}: {f['found'][language][Reader.EXPERT]}" for f in urgent)
    yield from ("", f"{words['ask_maker']}:")
    yield from (f"{number}. {question}" for number, question in enumerate(shown.questions, 1))
