"""The report in its forms: complete, in two languages and levels, and harmless whatever a device calls itself."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from rich.console import Console

from sekisho.checkup.outcomes import Observation, finding
from sekisho.checkup.report import html, pdf, terminal
from sekisho.checkup.report.archive import Archive, read_report
from sekisho.checkup.report.view import View, labels, view
from sekisho.checkup.snapshot import Snapshot
from sekisho.checkup.spoken import Note, say
from sekisho.core.errors import InputError
from sekisho.measures.model import Language, Reader
from sekisho.measures.order import DeviceKind
from sekisho.measures.report import DeviceReport, Fact, Report, schema

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000
EVIL = '<script>alert(1)</script>[bold red]x[/] #import "x" \x1b[31m$x$'


def report(*observations: Observation, at_ms: int = NOW_MS, name: str = EVIL) -> Report:
    device = DeviceReport(
        id="d1",
        kind=DeviceKind.CAMERA,
        name=name,
        addresses=("192.0.2.9",),
        identity={"maker": Fact(value=EVIL, source="upnp", confidence=0.8)},
        findings=tuple(finding(o, at_ms) for o in observations),
    )
    return Report(
        generated_at_ms=at_ms,
        gateway_mac="00:00:5e:00:53:01",
        prefix="192.0.2.0/24",
        devices=(device,),
        unreachable=(Note.NO_ECHO,),
    )


OPEN_PAGE = Observation("c1.1.open_page", {"place": f"192.0.2.9:80/{EVIL}"}, "http")
ASKED = Observation("c2.6.ask", {"first_seen": "2026-09-21", "last_seen": "2026-09-21"}, "nobody was asked yet")
SHEET = Observation("maker.sheet", {"count": "2", "questions": "ask_firmware, ask_support_end"}, "x")


def shown(language: Language, reader: Reader, *observations: Observation) -> View:
    return view(report(*observations).to_json(), language, reader)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reader", Reader)
def test_html_is_self_contained_and_escapes_what_devices_say(language: Language, reader: Reader) -> None:
    """No script, nothing loaded, the device's name as text."""
    text = html.render(shown(language, reader, OPEN_PAGE, ASKED, SHEET))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert 'http-equiv="Content-Security-Policy"' in text
    assert "src=" not in text
    assert f'lang="{language}"' in text


@pytest.mark.parametrize("language", Language)
def test_pdf_is_made_with_its_font_and_any_name(language: Language) -> None:
    """A name that looks like markup is text; the Japanese font is inside."""
    document = pdf.render(shown(language, Reader.ANYONE, OPEN_PAGE, ASKED, SHEET))
    assert document.startswith(b"%PDF-")
    assert b"NotoSansJP" in document


@pytest.mark.parametrize("language", Language)
def test_terminal_shows_all_and_obeys_nothing(language: Language) -> None:
    """Markup and escape sequences of a device do not reach the terminal as such."""
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=False).print(terminal.render(shown(language, Reader.ANYONE, OPEN_PAGE)))
    text = out.getvalue()
    assert "[bold red]x[/]" in text
    assert "\x1b" not in text
    assert labels()["unfinished"][language][:8] in text
    assert say(Note.NO_ECHO, language)[:8] in text


@pytest.mark.parametrize(("reader", "there"), [(Reader.ANYONE, False), (Reader.EXPERT, True)])
def test_the_terminal_shows_what_a_finding_rests_on_to_those_who_know(reader: Reader, there: bool) -> None:
    """Source and evidence, in words of the language."""
    out = io.StringIO()
    shown_to = shown(Language.JA, reader, ASKED)
    Console(file=out, width=80, force_terminal=False).print(terminal.render(shown_to))
    assert ("出典: 未回答 · 最初に見た日=2026-09-21" in out.getvalue()) is there


def test_what_to_do_stands_first_and_questions_once() -> None:
    """A question that two devices raise is one line with both names; the maker's sheet stays with its device."""
    one = report(OPEN_PAGE, ASKED, SHEET, name="one").to_json()
    two = report(ASKED, SHEET, name="two").to_json()
    two["devices"][0]["id"] = "d2"
    two["devices"][0]["findings"][0]["key"] = "d2/c2.6/ask"
    both = one | {"devices": one["devices"] + two["devices"], "to_do": [*one["to_do"], "d2/c2.6/ask"]}
    rows = view(both, Language.EN, Reader.ANYONE).to_do
    assert [names for names, _ in rows] == [("one",), ("one", "two")]
    assert rows[0][1].verdict == "ACTION"


def many(count: int) -> View:
    """A question that so many devices raise."""
    (device,) = report(ASKED).to_json()["devices"]
    devices = [
        device
        | {"id": f"d{n}", "name": f"name-{n:02d}", "findings": [device["findings"][0] | {"key": f"d{n}/c2.6/ask"}]}
        for n in range(count)
    ]
    body = report().to_json() | {"devices": devices, "to_do": [f"d{n}/c2.6/ask" for n in range(count)]}
    return view(body, Language.EN, Reader.ANYONE)


@pytest.mark.parametrize(("count", "folded"), [(html.FOLD_FROM, False), (html.FOLD_FROM + 1, True)])
def test_a_long_list_of_devices_is_folded_on_the_screen_and_whole_on_paper(count: int, folded: bool) -> None:
    """Without a script; every name stands in both."""
    text = html.render(many(count))
    assert ("<details" in text) is folded
    assert (f"<summary>{count} devices</summary>" in text) is folded
    names = ", ".join(f"name-{n:02d}" for n in range(count))
    assert (f'<strong class="on-paper">{names}</strong>' in text) is folded
    assert (f"<strong>{names}</strong>" in text) is not folded
    assert "@media print { .on-screen { display: none; } .on-paper { display: inline; } }" in text


def test_the_makers_questions_are_written_out() -> None:
    """For the person to copy."""
    (device,) = shown(Language.JA, Reader.ANYONE, SHEET).devices
    assert len(device.questions) == 2
    assert all("。" in question for question in device.questions)


def test_a_check_that_failed_by_itself_is_shown() -> None:
    """Nothing is silent: the line stands with its device, whatever measure the check belonged to."""
    failed = Observation("any.failed", {"check": "c2.1", "error": "ValueError"}, "this program")
    (device,) = shown(Language.EN, Reader.ANYONE, failed).devices
    assert [line.verdict for line in device.lines] == ["CANNOT-TELL"]


def test_labels_exist_in_both_languages() -> None:
    """None is empty."""
    for name, texts in labels().items():
        assert set(texts) == set(Language), name
        assert all(texts.values()), name


def snapshot() -> Snapshot:
    return Snapshot(at_ms=NOW_MS, gateway_mac="00:00:5e:00:53:01", prefix="192.0.2.0/24", resolvers=(), devices={})


def test_a_run_is_compared_with_the_last_one_of_the_same_network(tmp_path: Path) -> None:
    """Closed, still open, new."""
    archive = Archive(tmp_path)
    telnet = Observation("c2.1.telnet", {"port": "23", "service": "23"}, "tcp connect")
    unused = Observation("c2.6.unused", {}, "stated by the owner")
    first = report(OPEN_PAGE, telnet)
    assert archive.compared(first).compared is None
    archive.keep(first, snapshot())
    compared = archive.compared(report(telnet, unused, at_ms=NOW_MS + 1)).compared
    assert compared is not None
    assert [len(names) for names in (compared.closed, compared.still_open, compared.new)] == [1, 1, 1]
    assert compared.still_open == ("d1/c2.1/telnet/23",)


def test_the_kept_report_reads_back_and_follows_its_schema(tmp_path: Path) -> None:
    """Readable by its owner only; the oldest go beyond thirty."""
    archive = Archive(tmp_path)
    for number in range(33):
        path = archive.keep(report(OPEN_PAGE, at_ms=NOW_MS + number), snapshot())
    assert path.stat().st_mode & 0o077 == 0
    assert len(list(path.parent.glob("*.json"))) == 30
    body = read_report(path)
    jsonschema.Draft202012Validator(schema()).validate(body)
    assert archive.latest() == body


@pytest.mark.parametrize("content", ["", "{}", '{"schema": "other/1"}'])
def test_a_file_that_is_no_report_is_an_error(tmp_path: Path, content: str) -> None:
    """One sentence that names the file."""
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"r\.json"):
        read_report(path)


def test_compared_runs_are_shown(tmp_path: Path) -> None:
    """The numbers stand in every form."""
    archive = Archive(tmp_path)
    archive.keep(report(OPEN_PAGE), snapshot())
    body: dict[str, Any] = archive.compared(report(at_ms=NOW_MS + 1)).to_json()
    seen = view(body, Language.EN, Reader.EXPERT)
    assert seen.compared == (("closed", 1), ("still open", 0), ("new", 0))
    assert "closed: 1" in html.render(seen)
