"""One report in one language at one reading level: the words in the places where every form puts them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sekisho.checkup.spoken import note
from sekisho.core.time import jst_and_utc, parse_time
from sekisho.measures.model import Language, MeasureId, Reader, measures
from sekisho.measures.order import DeviceKind, device_names
from sekisho.measures.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One finding as it is shown."""

    verdict: str
    verdict_word: str
    measure: str
    found: str
    do: str
    evidence: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """One device as it is shown."""

    name: str
    kind: str
    addresses: str
    identity: tuple[tuple[str, str, str], ...]
    lines: tuple[Line, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The report as it is shown.

    Attributes:
        to_do: (names of the devices, finding), in the order of doing. Actions stand one by one; a question that many
            devices raise stands once, with all their names.
        compared: (label, number), empty where there was no earlier run.
        restart: (signal, its strength, what was read), empty where no restart was watched.
    """

    language: Language
    reader: Reader
    labels: Mapping[str, str]
    made: str
    network: str
    finished: bool
    restart_hint: str
    to_do: tuple[tuple[tuple[str, ...], Line], ...]
    devices: tuple[DeviceView, ...]
    data: tuple[str, ...]
    notes: tuple[str, ...]
    compared: tuple[tuple[str, int], ...]
    restart: tuple[tuple[str, str, str], ...]


@cache
def labels() -> Mapping[str, Mapping[str, str]]:
    """Every label in every language."""
    return tomllib.loads(files(__package__).joinpath("labels.toml").read_text("utf-8"))


@cache
def terms() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Words for sources, evidence and signals, in every language."""
    return tomllib.loads(files(__package__).joinpath("terms.toml").read_text("utf-8"))


def term(kind: str, name: str, language: Language) -> str:
    """The word for a term; one that stands in no row is the same in every language."""
    row = terms()[kind].get(name)
    return row[language] if row is not None else name


def view(report: Mapping[str, Any], language: Language, reader: Reader) -> View:
    """The report's JSON as words."""
    words = {name: texts[language] for name, texts in labels().items()}
    by_key = {
        f["key"]: (device["name"], _line(f, language, reader, words))
        for device in report["devices"]
        for f in device["findings"]
    }
    compared = report["compared"] or {}
    return View(
        language=language,
        reader=reader,
        labels=words,
        made=jst_and_utc(parse_time(report["generated_at"])),
        network=f"{report['network']['prefix']} ({report['network']['gateway_mac']})",
        finished=report["finished"],
        restart_hint="" if report["finished"] else words["restart_first"],
        to_do=_grouped([by_key[key] for key in report["to_do"]]),
        devices=tuple(_device(device, language, reader, words) for device in report["devices"]),
        data=tuple(f"{d['name']}: {d['date']} ({d['age_days']} {words['age']})" for d in report["data"]),
        notes=tuple(note(text, language) for text in report["unreachable"]),
        compared=tuple((words[n], len(compared[n])) for n in ("closed", "still_open", "new") if n in compared),
        restart=tuple(_signal(signal, language) for signal in report.get("restart", {}).get("signals", ())),
    )


def _signal(signal: Mapping[str, str], language: Language) -> tuple[str, str, str]:
    change = " → ".join(value for value in (signal["before"], signal["after"]) if value)
    return term("signal", signal["signal"], language), term("strength", signal["strength"], language), change


def _grouped(rows: list[tuple[str, Line]]) -> tuple[tuple[tuple[str, ...], Line], ...]:
    maker = measures()[MeasureId.MAKER].title
    asked: dict[tuple[str, str], list[tuple[str, Line]]] = {}
    for name, line in rows:
        if line.measure not in (maker.render(Language.JA), maker.render(Language.EN)):
            alone = (name, line.found) if line.verdict == Verdict.ACTION else ("", "")
            asked.setdefault((line.do, "".join(alone)), []).append((name, line))
    return tuple(_together(group) for group in asked.values())


def _together(group: list[tuple[str, Line]]) -> tuple[tuple[str, ...], Line]:
    first = group[0][1]
    same = all(line.found == first.found for _, line in group)
    names = tuple(dict.fromkeys(name for name, _ in group))
    return names, first if same else replace(first, found=first.measure)


def _device(device: Mapping[str, Any], language: Language, reader: Reader, words: Mapping[str, str]) -> DeviceView:
    return DeviceView(
        name=device["name"],
        kind=device_names()[DeviceKind(device["kind"])].render(language),
        addresses=", ".join(device["addresses"]),
        identity=tuple(
            (words[part], fact["value"], term("source", fact["source"], language))
            for part, fact in device["identity"].items()
        ),
        lines=tuple(_line(f, language, reader, words) for f in device["findings"] if f["check"] != "maker"),
        questions=_questions(device, language, reader),
    )


def _questions(device: Mapping[str, Any], language: Language, reader: Reader) -> tuple[str, ...]:
    maker = measures()[MeasureId.MAKER]
    wanted = [f["evidence"].get("questions", "") for f in device["findings"] if f["check"] == "maker"]
    ids = [name for text in wanted for name in text.split(", ") if name]
    return tuple(maker.action(name).text.render(language, reader) for name in ids)


def _line(finding: Mapping[str, Any], language: Language, reader: Reader, words: Mapping[str, str]) -> Line:
    return Line(
        verdict=finding["verdict"],
        verdict_word=words[finding["verdict"]],
        measure=measures()[MeasureId(finding["measure"])].title.render(language),
        found=finding["found"][language][reader],
        do=finding["do"][language][reader],
        evidence=tuple((term("evidence", name, language), value) for name, value in finding["evidence"].items()),
        source=term("source", finding["source"], language),
    )
