"""``sekisho cases``: read by people on 80 columns and by programs, in both languages."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from sqlalchemy import select
from typer.testing import CliRunner

from cases.documents import NOW_MS, T0_MS, detection, document, event
from sekisho.cases.accounts import people
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act, move
from sekisho.cases.model import Case
from sekisho.cases.read import find_cases, get_case
from sekisho.cases.record import record_analysis
from sekisho.cases.roles import Role
from sekisho.cases.states import State
from sekisho.cases.work_tables import AUDIT
from sekisho.cli import audit as audit_commands
from sekisho.cli import case_acts as _  # noqa: F401 (registers its commands)
from sekisho.cli import cases as commands
from sekisho.cli.case_view import TEXTS, show_case, show_list
from sekisho.cli.fold import folded
from sekisho.cli.hunt import caller
from sekisho.core.errors import InputError, Refused
from sekisho.measures.model import MeasureId, MeasureState

SCAN = {"peak_bps": 12_800.0, "top_targets": [{"prefix": "0.0.0.0/0", "port": 23, "protocol": 6, "share": 1.0}]}

OWN_EVIDENCE = {
    "title_ja": "想定外のトンネル",
    "title_en": "tunnel nobody ordered",
    "opens_packets_per_s": 200.0,
    "caps": [],
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    analysis = document(
        detection("L-scan", "scan", **SCAN),
        detection("L-flood", event="E1"),
        detection("L-own", "x_own", peak_bps=1e6, evidence=OWN_EVIDENCE),
        events=[event()],
    )
    record_analysis(url, analysis, now_ms=NOW_MS)
    return url


def get(url: str, line_id: str) -> Case:
    with reading(url) as connection:
        return find_cases(connection, line_id=line_id)[0]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(commands.app, list(arguments), env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result.stdout


def lines_of(listed: str) -> list[str]:
    return [case["line_id"] for case in json.loads(listed)]


def page(case: Case, lang: str) -> str:
    out = io.StringIO()
    show_case(case, lang=lang, console=Console(file=out, width=80, highlight=False))
    return out.getvalue()


def test_both_languages_have_the_same_texts() -> None:
    """Every text with the same placeholders, every state and every state of a measure with a name."""
    holes = [{key: set(re.findall(r"\{\w+\}", text)) for key, text in TEXTS[lang].items()} for lang in ("ja", "en")]
    assert holes[0] == holes[1]
    assert {f"state_{state}" for state in State} | {f"measure_{state}" for state in MeasureState} <= set(TEXTS["ja"])


def test_the_worst_comes_first(url: str) -> None:
    """By what it takes of the network, not by when it was seen."""
    assert lines_of(run("list", "--cases", url, "--format", "json")) == ["L-flood", "L-own", "L-scan"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--kind", "scan"], ["L-scan"]),
        (["--line", "L-own"], ["L-own"]),
        (["--state", "dismissed"], []),
        (["--state", "open", "--state", "dismissed"], ["L-flood", "L-own", "L-scan"]),
        (["--kind", "scan", "--line", "L-own"], []),
    ],
)
def test_filters(url: str, arguments: list[str], expected: list[str]) -> None:
    """By state, kind and line, each narrowing the rest."""
    assert lines_of(run("list", "--cases", url, "--format", "json", *arguments)) == expected


def test_closed_cases_are_listed_when_asked_for(url: str) -> None:
    """The list is for work that waits; a line's own list is its history."""
    with writing(url) as connection:
        move(connection, get(url, "L-own").number, State.DISMISSED, Act(actor="d", purpose="p", at_ms=1), reason="r")
    assert "L-own" not in lines_of(run("list", "--cases", url, "--format", "json"))
    assert lines_of(run("list", "--cases", url, "--format", "json", "--line", "L-own")) == ["L-own"]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_is_wider_than_80_columns(url: str, lang: str) -> None:
    """List and page, with full-width characters counted twice as a terminal does."""
    out = io.StringIO()
    with reading(url) as connection:
        found = find_cases(connection)
    show_list(found, lang=lang, console=Console(file=out, width=80, highlight=False))
    pages = out.getvalue() + "".join(page(case, lang) for case in found)
    assert max(cell_len(line) for line in pages.splitlines()) <= 80


@pytest.mark.parametrize(("lang", "kind"), [("ja", "UDP フラッド"), ("en", "UDP flood")])
def test_a_page_says_what_since_when_how_much_and_how_sure(url: str, lang: str, kind: str) -> None:
    """Kind, both clocks, peak with its interval, sampled packets, event, measures, who opened it and why."""
    text = page(get(url, "L-flood"), lang)
    for part in (kind, "12:00:00 JST (03:00:00 UTC)", "45.3 k (44.0–46.9)", "231 Mbit/s", "4,532", "E1", "analyze"):
        assert part in text.replace("\u00a0", " ")
    assert TEXTS[lang]["purpose_own_network_protection"] in text
    assert text.count(TEXTS[lang]["measure_open"]) >= 6


@pytest.mark.parametrize(
    ("lang", "parts"),
    [("ja", ("想定外のトンネル", "検知されませんでした")), ("en", ("tunnel nobody ordered", "packets_per_s 200"))],
)
def test_a_page_says_what_would_have_kept_it_quiet(url: str, lang: str, parts: tuple[str, ...]) -> None:
    """After what was found; an operator's own kind has its title and its thresholds."""
    text = " ".join(page(get(url, "L-own"), lang).split())
    assert [part in text for part in parts] == [True] * len(parts)


def test_where_traffic_went_is_on_no_page(url: str) -> None:
    """The first tier is volumes and counts: destinations have a command of their own, which is recorded."""
    case = get(url, "L-flood")
    for text in (page(case, "en"), page(case, "ja"), json.dumps(case.to_json())):
        assert "203.0.113" not in text


def test_a_reveal_names_a_purpose_and_is_recorded(url: str) -> None:
    """Without a known purpose: refused, nothing shown; with one, truncated networks and a row in the trail."""
    number = str(get(url, "L-flood").number)
    refused = CliRunner().invoke(commands.app, ["reveal", number, "--cases", url, "--purpose", "curiosity"])
    assert isinstance(refused.exception, Refused)
    shown = json.loads(run("reveal", number, "--cases", url, "--purpose", "own_network_protection"))
    assert [(row["prefix"], row["port"]) for row in shown] == [("203.0.113.0/24", 443)]
    with reading(url) as connection:
        (row,) = connection.execute(select(AUDIT)).mappings()
    assert (row["action"], row["purpose"], row["case_id"]) == ("reveal", "own_network_protection", int(number))


def account(url: str, name: str, *roles: Role) -> None:
    with writing(url) as connection:
        people.add(connection, name, "a quiet checkpoint on the old road", roles, Act(actor="x", purpose="y", at_ms=1))


def test_without_accounts_nobody_approves(url: str) -> None:
    """Whoever can open the database looks after it, and lets nothing leave."""
    result = CliRunner().invoke(commands.app, ["approve", "1", "--cases", url])
    assert isinstance(result.exception, Refused)
    assert "role approver" in str(result.exception)


@pytest.mark.parametrize("command", [["list"], ["show", "1"], ["outbox"], ["effect", "--format", "json"]])
def test_who_has_no_role_does_not_even_look(url: str, tmp_path: Path, command: list[str]) -> None:
    """As soon as there are accounts."""
    account(url, "somebody.else", Role.OPERATOR)
    config = tmp_path / "sekisho.toml"
    config.write_text(f'[cases]\nurl = "{url}"\n')
    result = CliRunner().invoke(commands.app, [*command, "--config", str(config)])
    assert isinstance(result.exception, Refused)


def test_a_person_approves_what_the_files_confirm(url: str, tmp_path: Path) -> None:
    """The assignments are read anew: whose line it is leaves, whose it is not is withdrawn."""
    (tmp_path / "lines.csv").write_text(
        "line_id,prefix,port_first,port_last,valid_from,valid_to\nL-flood,100.72.0.48/32,,,2026-11-01T00:00:00Z,\n"
    )
    (tmp_path / "policy.toml").write_text('mode = "propose"\n')
    account(url, caller(), Role.OPERATOR, Role.APPROVER)
    config = tmp_path / "sekisho.toml"
    config.write_text(f'[cases]\nurl = "{url}"\npolicy = "policy.toml"\n[files]\nlines = ["lines.csv"]\n')
    numbers = run("propose", "--config", str(config)).split()
    assert [run("approve", number, "--config", str(config)).strip() for number in numbers].count("approved") == 1
    states = {line.split("\t")[4] for line in run("outbox", "--config", str(config)).splitlines()}
    assert states == {"approved", "refused"}
    assert (get(url, "L-flood").state, get(url, "L-own").state) == (State.OPEN, State.WITHDRAWN)


def test_a_filter_proposal_is_text_with_an_end(url: str) -> None:
    """Scoped to target, protocol and port."""
    text = run("filter", "1", "--cases", url, "--hours", "2")
    assert "destination 203.0.113.0/24; protocol =17; destination-port =443;" in text
    assert text.startswith("# until 20")
    assert run("filter", "1", "--cases", url, "--as", "acl").endswith("deny 17 any 203.0.113.0 0.0.0.255 eq 443\n")
    assert "65535:666" in run("filter", "1", "--cases", url, "--as", "rtbh")


def test_the_desk_dismisses_answers_and_measures(url: str) -> None:
    """Each is one command, and each is a row of the trail, which holds."""
    number = str(get(url, "L-scan").number)
    run("measure", number, "reboot", "claimed", "--cases", url)
    run("answer", number, "--kind", "complaint", "--cases", url)
    run("escalate", number, "--reason", "no answer", "--cases", url)
    run("dismiss", number, "--as", "look_alike", "--cases", url)
    case = get(url, "L-scan")
    assert (case.state, case.closing) == (State.DISMISSED, "look_alike")
    assert {p.measure: p.state for p in case.measures}[MeasureId.REBOOT] is MeasureState.CLAIMED
    assert "2 週間" in run("effect", "--cases", url, "--lang", "ja")
    counted = json.loads(run("effect", "--cases", url, "--format", "json"))
    assert (counted["look_alikes"], counted["complaints"], counted["wrong_lines"]) == (1, 1, 0)
    verified = CliRunner().invoke(audit_commands.app, ["verify", "--cases", url])
    assert verified.stdout.startswith("4 ")
    digest = verified.stdout.split()[1]
    kept = CliRunner().invoke(audit_commands.app, ["verify", "--cases", url, "--expect", digest])
    assert kept.exit_code == 0
    assert CliRunner().invoke(audit_commands.app, ["verify", "--cases", url, "--expect", "0" * 64]).exit_code == 1


def test_a_scan_points_at_passwords_first(url: str) -> None:
    """The measures stand in the order of the evidence: telnet was knocked at."""
    text = page(get(url, "L-scan"), "en")
    assert text.index("Restart the device") < text.index("Change IDs") < text.index("Allow only") < text.index("Close")


def test_a_hostile_line_name_moves_no_cursor(url: str) -> None:
    """Escape sequences and markup in a name are shown as text."""
    record_analysis(url, document(detection("\x1b[2J[red]x\nL")), now_ms=NOW_MS)
    case = get(url, "\x1b[2J[red]x\nL")
    out = io.StringIO()
    show_list([case], lang="en", console=Console(file=out, width=80, highlight=False))
    for text in (page(case, "en"), out.getvalue()):
        assert "\x1b" not in text
        assert "[2J[red]x L" in text


def test_show_prints_a_case_for_programs(url: str) -> None:
    """Times in ISO 8601, UTC."""
    shown = json.loads(run("show", str(get(url, "L-flood").number), "--cases", url, "--format", "json"))
    assert (shown["line_id"], shown["state"], shown["closed_at"]) == ("L-flood", "open", None)
    assert shown["detections"][0]["first_seen"] == "2026-11-24T03:00:00.000Z"


@pytest.mark.usefixtures("url")
def test_the_configuration_names_the_database(tmp_path: Path) -> None:
    """`[cases] url`, relative to the file it stands in."""
    file = tmp_path / "sekisho.toml"
    file.write_text('[cases]\nurl = "sqlite:///cases.db"\n', encoding="utf-8")
    assert "L-flood" in run("list", "--config", str(file))


def test_without_a_database_the_command_says_where_it_looks() -> None:
    """Neither option nor configuration: a sentence, not an empty list."""
    result = CliRunner().invoke(commands.app, ["list"], env={})
    assert isinstance(result.exception, InputError)
    assert "--cases" in str(result.exception)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_no_case_is_said(url: str, lang: str) -> None:
    """An empty table would leave the reader in doubt."""
    assert run("list", "--cases", url, "--lang", lang, "--state", "resolved").strip() == TEXTS[lang]["none"]


def test_analyze_writes_its_cases(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error says what became of them; a second time nothing changes."""
    analysis = document(detection("L-new"))
    for expected in ("cases: 1 opened", "1 unchanged"):
        commands.record(url, analysis, lang="en")
        assert expected in capsys.readouterr().err
    assert get(url, "L-new").first_seen_ms == T0_MS


def test_lines_are_folded_where_japanese_and_english_allow() -> None:
    """Words stay whole, a line never begins with a full stop, what follows hangs under its bullet."""
    assert list(folded("- abc def ghi", 9, hanging=2)) == ["- abc def", "  ghi"]
    assert list(folded("あいう。えお", 6)) == ["あい", "う。え", "お"]
    assert list(folded("12\u00a0% 関所", 6)) == ["12\u00a0%", "関所"]


def test_an_unknown_number_is_an_error_of_ours(url: str) -> None:
    """The command leaves it to the command line, which gives it exit status 2."""
    with reading(url) as connection, pytest.raises(InputError):
        get_case(connection, 12345)
    result = CliRunner().invoke(commands.app, ["show", "12345", "--cases", url], env={})
    assert isinstance(result.exception, InputError)
