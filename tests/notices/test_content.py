"""What a notice must say and must never say, for every kind, language, level and form."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from cases.documents import NOW_MS
from notices.samples import CASE_KINDS, EXTENT, LINE_ID, OPERATOR, SOURCE, case_of
from sekisho.cases.code import SPECIMEN, is_valid
from sekisho.cases.model import Case, Extent
from sekisho.cases.states import NoticeKind
from sekisho.core.config import Operator
from sekisho.measures.model import Language, MeasureId, Reader, measures
from sekisho.measures.order import AMPLIFIERS, device_names, likely_devices, order_of_measures
from sekisho.notices import page, plain
from sekisho.notices.announcement import announcement
from sekisho.notices.case_notice import case_notice
from sekisho.notices.kinds import wording_of
from sekisho.notices.markup import Kind
from sekisho.notices.notice import Form, Notice
from sekisho.schema.line_window import REFLECTOR_PORTS

JA, EN = Language.JA, Language.EN
RENDERERS: dict[str, Callable[[Notice], str]] = {"text": plain.render, "html": page.render}
VARIANTS = list(product(Language, Reader, Form, RENDERERS))

FORBIDDEN = {
    "an address": r"\d+\.\d+\.\d+\.\d+|[0-9a-f]{1,4}:[0-9a-f:]*::",
    "a claim that a device is infected": r"感染|infect|botnet|ボット|乗っ取|hacked|compromised",
    "a question for a secret": r"パスワードを?(入力|お知らせ|教え|送)|(enter|send|tell|give) [^.]*(password|PIN)",
    "a link": r"https?:|mailto:|<a\b|href|ここをクリック|click",
    "something to open": r"添付ファイルを(開|ご覧)|open the attach|attached",
}
ANTIVIRUS = {JA: "パソコンのウイルス対策ソフトだけでは", EN: "antivirus program on a PC alone is not enough"}
LIKELIHOOD = {JA: "考えられます", EN: "It is possible"}
GENERIC = {JA: "一般的なご案内", EN: "advice below is therefore general"}
ASKING = [about for about in NoticeKind if about is not NoticeKind.CORRECTION]
"""Messages that ask for something, now or for later."""

FIVE = [measure for measure in MeasureId if measure is not MeasureId.MAKER]
MAIL_STEP = {JA: "パソコンをウイルス対策ソフトで検査", EN: "Scan your PC"}
DATE = re.compile(r"\d+年\d+月\d+日|\d+ [A-Z][a-z]+ \d{4}")
HEADINGS = {
    JA: ["確認したこと", "考えられる機器", "ほかの方への影響", "お願いしたい対策", "メーカーに聞くこと",
         "このあとについて", "このお知らせが本物かどうかの確かめ方", "お問い合わせ"],
    EN: ["What we saw", "Which devices it may come from", "What it does to others", "What we ask you to do",
         "What to ask the maker", "What happens next", "How to make sure that this notice is from us", "Questions"],
}  # fmt: skip


@cache
def case(*kinds: str) -> Case:
    return case_of(*kinds)


def noticed(
    kind: str,
    language: Language,
    reader: Reader = Reader.ANYONE,
    form: Form = Form.MAIL,
    about: NoticeKind = NoticeKind.FIRST_NOTICE,
) -> Notice:
    return case_notice(about, case(kind), OPERATOR, language, now_ms=NOW_MS, reader=reader, form=form)


def announced(extent: Extent, language: Language, reader: Reader = Reader.ANYONE, form: Form = Form.MAIL) -> Notice:
    return announcement(extent, OPERATOR, language, now_ms=NOW_MS, reader=reader, form=form)


def seen_of(text: str) -> str:
    return re.split(r"^[■*] ", text, flags=re.MULTILINE)[1]


def require_clean(text: str) -> None:
    assert "…" not in text.replace("【…", ""), "a sentence of ours is cut"
    for what, pattern in FORBIDDEN.items():
        assert re.search(pattern, text, re.IGNORECASE) is None, what
    for secret in (LINE_ID, SOURCE, "203.0.113", "2001:db8"):
        assert secret not in text


@pytest.mark.parametrize("about", NoticeKind)
@pytest.mark.parametrize("kind", CASE_KINDS)
@pytest.mark.parametrize(("language", "reader", "form", "renderer"), VARIANTS)
def test_nothing_forbidden_stands_in_a_notice(
    about: NoticeKind, kind: str, language: Language, reader: Reader, form: Form, renderer: str
) -> None:
    """No address, line or destination, no infection, no secret asked for, nothing to click or to open."""
    require_clean(RENDERERS[renderer](noticed(kind, language, reader, form, about)))


@pytest.mark.parametrize(("about", "language", "kind"), list(product(ASKING, Language, CASE_KINDS)))
def test_every_notice_says_what_it_has_to(about: NoticeKind, language: Language, kind: str) -> None:
    """Likely devices as a likelihood, that an antivirus is not enough, both clocks, code, whom to call, the five."""
    notice = noticed(kind, language, about=about)
    text = plain.render(notice)
    for part in (LIKELIHOOD[language], GENERIC[language], ANTIVIRUS[language], "JST", "UTC", SPECIMEN):
        assert part in text
    for given in (OPERATOR.telephone, OPERATOR.site, *(measures()[m].title.render(language) for m in FIVE)):
        assert given is not None
        assert given in text
    for heading in (HEADINGS[language][1], *HEADINGS[language][5:]):
        assert heading in text
    assert notice.blocks[1].kind is Kind.BOX


@pytest.mark.parametrize(("about", "kind"), list(product(NoticeKind, CASE_KINDS)))
def test_both_languages_of_every_notice_have_the_same_blocks(about: NoticeKind, kind: str) -> None:
    """Neither language tells more."""
    ja, en = (noticed(kind, language, about=about) for language in Language)
    assert [block.kind for block in ja.blocks] == [block.kind for block in en.blocks]


@pytest.mark.parametrize("language", Language)
def test_a_message_is_the_digest_since_the_one_before(language: Language) -> None:
    """What was told already is not told again; where nothing is new, a reminder does not say that it goes on."""
    found = case("udp_flood", "scan")
    old, new = found.evidence
    later = replace(found, evidence=(old, replace(new, last_seen_ms=NOW_MS)))
    since = old.last_seen_ms + 1
    told = plain.render(case_notice(NoticeKind.REMINDER, later, OPERATOR, language, now_ms=NOW_MS, since_ms=since))
    assert wording_of(new.kind).seen.render(language) in told
    assert wording_of(old.kind).seen.render(language) not in told
    goes_on = {JA: "次の通信を確認しています", EN: "Since then we have seen"}[language]
    quiet = plain.render(case_notice(NoticeKind.REMINDER, found, OPERATOR, language, now_ms=NOW_MS, since_ms=NOW_MS))
    assert (goes_on in told, goes_on in quiet) == (True, False)


@pytest.mark.parametrize(
    ("proof", "ja", "en"),
    [
        ("verified", "収まったことを確かめました", "made sure that the traffic has stopped"),
        ("self_reported", "通信の記録によって確かめたものではありません", "has not shown us by itself"),
        ("observed_quiet", "当社からは分かりません", "we cannot see from outside"),
    ],
)
def test_a_closing_says_how_strong_the_proof_is(proof: str, ja: str, en: str) -> None:
    """Each label of a closed case has its own words."""
    closed = replace(case("scan"), closing=proof)
    texts = [plain.render(case_notice(NoticeKind.CLOSING, closed, OPERATOR, lang, now_ms=NOW_MS)) for lang in (JA, EN)]
    assert ja in texts[0]
    assert en in texts[1]
    results = [block.text for block in case_notice(NoticeKind.CLOSING, closed, OPERATOR, JA, now_ms=NOW_MS).blocks]
    assert ("以前と同じ通信" in "".join(results)) is (proof == "observed_quiet")


@pytest.mark.parametrize(("language", "kind"), list(product(Language, CASE_KINDS)))
def test_a_correction_asks_for_nothing_and_tells_nothing_of_the_other_line(language: Language, kind: str) -> None:
    """Neither what was seen, nor when, nor which devices; the code and whom to call are there."""
    notice = noticed(kind, language, about=NoticeKind.CORRECTION)
    text = plain.render(notice)
    for part in (wording_of(kind).what, wording_of(kind).seen, wording_of(kind).effect):
        assert part.render(language) not in text
    for part in ("JST", "UTC", LIKELIHOOD[language], ANTIVIRUS[language]):
        assert part not in text
    assert not any(measures()[measure].title.render(language) in text for measure in FIVE)
    assert {JA: "お詫び", EN: "apologise"}[language] in text
    assert {JA: "ありません", EN: "Nothing"}[language] in notice.blocks[3].text
    assert SPECIMEN in text
    assert str(OPERATOR.telephone) in text


@pytest.mark.parametrize("language", Language)
def test_beside_a_qr_code_nothing_claims_that_there_is_no_link(language: Language) -> None:
    """A letter with a QR code says what it is for, and that it is not needed."""
    text = plain.render(case_notice(NoticeKind.FIRST_NOTICE, case("scan"), OPERATOR, language, now_ms=NOW_MS, qr=True))
    assert "QR" in text
    assert not re.search("リンクも添付|no links", text)
    require_clean(text)


@pytest.mark.parametrize("kind", CASE_KINDS)
@pytest.mark.parametrize(("language", "reader", "form", "renderer"), VARIANTS)
def test_nothing_forbidden_stands_in_an_announcement(
    kind: str, language: Language, reader: Reader, form: Form, renderer: str
) -> None:
    """The same, and no exact number of lines."""
    extent = Extent(kinds=(kind,), first_seen_ms=0, last_seen_ms=NOW_MS, lines=137, links=("bng-1/0",))
    text = RENDERERS[renderer](announced(extent, language, reader, form))
    require_clean(text)
    assert "137" not in text
    assert "140" in text


@pytest.mark.parametrize("kind", CASE_KINDS)
@pytest.mark.parametrize(("language", "reader"), list(product(Language, Reader)))
def test_a_first_notice_says_everything_in_order(kind: str, language: Language, reader: Reader) -> None:
    """What was seen, likely devices, effect on others, measures, maker, what is next, how to verify, whom to call."""
    text = plain.render(noticed(kind, language, reader))
    places = [text.index(f"{'■' if language is JA else '*'} {heading}\n") for heading in HEADINGS[language]]
    assert places == sorted(places)
    assert len(places) == len(HEADINGS[language])
    for part in ("12:00", "03:00", "JST", "UTC", LIKELIHOOD[language], GENERIC[language], SPECIMEN):
        assert part in text
    for part in (OPERATOR.telephone, OPERATOR.site):
        assert part is not None
        assert part in text
    assert text.index("JST") < places[1]


@pytest.mark.parametrize(("language", "kind"), list(product(Language, CASE_KINDS)))
def test_the_first_screen_says_what_which_devices_and_the_first_step(language: Language, kind: str) -> None:
    """Who reads no further has read the most important."""
    box = [block.text for block in noticed(kind, language).blocks if block.kind is Kind.BOX]
    first = measures()[order_of_measures(kind, ports=[23, 2323])[0]].title.render(language)
    assert noticed(kind, language).blocks[1].kind is Kind.BOX
    assert box[0] == wording_of(kind).seen.render(language)
    assert "JST" in box[1]
    assert "UTC" in box[1]
    assert device_names()[likely_devices(kind)[0]].render(language) in box[2]
    assert box[3].startswith(MAIL_STEP[language] if kind == "spam" else first)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", [kind for kind in CASE_KINDS if kind != "spam"])
def test_that_an_antivirus_is_not_enough_is_said_early(language: Language, kind: str) -> None:
    """Before the measures, since many would begin there; the PC is not named as the likely device."""
    text = plain.render(noticed(kind, language))
    assert text.index(ANTIVIRUS[language]) < text.index(HEADINGS[language][3])


@pytest.mark.parametrize(
    ("language", "words"), [(JA, ("パソコンまたはメール", "ネットワークカメラ")), (EN, ("PC or mail", "camera"))]
)
def test_spam_begins_with_the_pc_and_the_mail_account(language: Language, words: tuple[str, str]) -> None:
    """Only then cameras and routers, and that an antivirus alone does not help with those."""
    text = plain.render(noticed("spam", language))
    assert text.index(words[0]) < text.index(words[1]) < text.index(ANTIVIRUS[language])


@pytest.mark.parametrize("kind", CASE_KINDS)
@pytest.mark.parametrize("language", Language)
def test_measures_stand_in_the_order_of_the_evidence(kind: str, language: Language) -> None:
    """All five, numbered, each with its reason and what to do."""
    text = plain.render(noticed(kind, language))
    five = [measure for measure in order_of_measures(kind, ports=[23, 2323]) if measure is not MeasureId.MAKER]
    places = [text.index(f"\n{n}. {measures()[m].title.render(language)}\n") for n, m in enumerate(five, start=1)]
    assert places == sorted(places)


@pytest.mark.parametrize(("kind", "reader", "form"), list(product(CASE_KINDS, Reader, Form)))
def test_both_languages_tell_the_same_facts(kind: str, reader: Reader, form: Form) -> None:
    """The same blocks, the same times, the same rates."""
    ja, en = (noticed(kind, language, reader, form) for language in Language)
    assert [block.kind for block in ja.blocks] == [block.kind for block in en.blocks]
    facts = [Counter(re.findall(r"\d[\d:,.]*", DATE.sub("", seen_of(plain.render(notice))))) for notice in (ja, en)]
    assert facts[0] == facts[1]
    assert facts[0]["12:00"] == 1


@pytest.mark.parametrize(("kind", "reader"), list(product(CASE_KINDS, Reader)))
def test_both_languages_announce_the_same_facts(kind: str, reader: Reader) -> None:
    """The same blocks and the same numbers."""
    extent = Extent(kinds=(kind, "scan"), first_seen_ms=0, last_seen_ms=NOW_MS, lines=1234, links=("bng-1/0",))
    ja, en = (announced(extent, language, reader) for language in Language)
    assert [block.kind for block in ja.blocks] == [block.kind for block in en.blocks]
    for text in (plain.render(ja), plain.render(en)):
        assert "1,200" in text
        assert "bng-1/0" in text


def test_a_code_that_was_issued_takes_the_place_of_the_specimen() -> None:
    """What is sent carries its own code and no word of a preview."""
    code = "AAAA-AAAA-AAAA-AAAA"
    sent = case_notice(NoticeKind.FIRST_NOTICE, case("scan"), OPERATOR, JA, now_ms=NOW_MS, code=code)
    text = plain.render(sent)
    assert (sent.banner, code in text, "見本" in text, SPECIMEN in text) == ("", True, False, False)


@pytest.mark.parametrize("language", Language)
def test_a_preview_shows_a_specimen_and_says_so(language: Language) -> None:
    """The code in it verifies as one, and the first line says that it is none that was issued."""
    notice = noticed("scan", language)
    (code,) = re.findall(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b", plain.render(notice))
    assert is_valid(code)
    assert plain.render(notice).startswith(f"[{notice.banner}]")
    assert notice.banner in page.render(notice)


@pytest.mark.parametrize("language", Language)
def test_what_is_not_configured_is_marked(language: Language) -> None:
    """No name, number or site is made up; the notice knows which keys are missing."""
    notice = case_notice(NoticeKind.FIRST_NOTICE, case("scan"), Operator(), language, now_ms=NOW_MS)
    keys = [f"name_{language}", f"contact_{language}", "telephone", f"hours_{language}", "site"]
    assert list(notice.missing) == [f"operator.{key}" for key in keys]
    mark = {JA: "：未設定】", EN: ": not configured]"}[language]
    assert len(set(re.findall(rf"[【\[][^】\]\n]*{re.escape(mark)}", plain.render(notice)))) == len(keys)
    assert noticed("scan", language).missing == ()


@pytest.mark.parametrize("language", Language)
def test_several_kinds_are_told_one_by_one(language: Language) -> None:
    """The worst first, and in the box; its evidence decides where the measures begin, the others' comes next."""
    both = case_notice(NoticeKind.FIRST_NOTICE, case("udp_flood", "scan"), OPERATOR, language, now_ms=NOW_MS)
    text = plain.render(both)
    assert text.count("JST") == 3
    titles = [measures()[m].title.render(language) for m in (MeasureId.REBOOT, MeasureId.CREDENTIALS)]
    assert text.index(f"1. {titles[0]}") < text.index(f"2. {titles[1]}")


@pytest.mark.parametrize(("language", "expected"), [(JA, "の間に3回"), (EN, "3 times, ")])
def test_episodes_of_a_kind_are_counted(language: Language, expected: str) -> None:
    """Three floods in an evening are one paragraph, from the first to the last."""
    found = case("udp_flood")
    repeated = replace(found, evidence=found.evidence * 3)
    assert expected in plain.render(case_notice(NoticeKind.FIRST_NOTICE, repeated, OPERATOR, language, now_ms=NOW_MS))


@pytest.mark.parametrize(("language", "reader"), list(product(Language, Reader)))
def test_the_abused_service_is_named_where_it_is_known(language: Language, reader: Reader) -> None:
    """For reflection: in what was seen, in the first step and in what to turn off."""
    found = case_of("reflection", evidence={"service_port": 123.0, "caps": []})
    text = plain.render(case_notice(NoticeKind.FIRST_NOTICE, found, OPERATOR, language, now_ms=NOW_MS, reader=reader))
    assert text.count("NTP (123)") == 3
    assert "NTP" not in plain.render(noticed("reflection", language, reader))


def test_every_service_that_is_detected_has_a_name_for_the_reader() -> None:
    """What the detector can name, the notice can tell to turn off."""
    assert set(AMPLIFIERS) == set(REFLECTOR_PORTS)


@pytest.mark.parametrize(("lines", "ja", "en"), [
    (1, "10回線未満", "fewer than 10 lines"),
    (12, "約10回線", "about 10 lines"),
    (137, "約140回線", "about 140 lines"),
    (12_345, "約12,000回線", "about 12,000 lines"),
])  # fmt: skip
def test_lines_are_rounded(lines: int, ja: str, en: str) -> None:
    """Nobody can be counted out of an announcement."""
    extent = Extent(kinds=("scan",), first_seen_ms=0, last_seen_ms=1, lines=lines, links=())
    assert ja in plain.render(announced(extent, JA))
    assert en in plain.render(announced(extent, EN))


def test_an_announcement_without_links_says_nothing_about_them() -> None:
    """An empty item would raise a question."""
    extent = Extent(kinds=(), first_seen_ms=0, last_seen_ms=1, lines=20, links=())
    assert "影響のあった区間" not in plain.render(announced(extent, JA))
    assert "影響のあった区間：bng-1/0、bng-2/0" in plain.render(announced(EXTENT, JA))


def test_an_announcement_is_addressed_to_everybody() -> None:
    """お客様各位, with the operator and the date above, and all five measures in the general order."""
    texts = [block.text for block in announced(EXTENT, JA).blocks]
    assert texts[:3] == ["2026年11月24日", "お客様各位", "サンプルネット"]
    assert json.dumps(texts, ensure_ascii=False).count("メーカーに聞くこと") == 1
