"""A subscriber's way through the portal, in both languages."""

from __future__ import annotations

import pytest

from cases.documents import MINUTE_MS, detection, document
from sekisho.cases.database import writing
from sekisho.cases.lifecycle import Act, move
from sekisho.cases.record import record_analysis
from sekisho.cases.states import ClosingLabel, State
from sekisho.measures.model import MeasureId, MeasureState
from web.portal.conftest import LINES, SECRETS, World, form_of, inside

WORDS = {
    "ja": ("お使いの回線で", "日本時間 JST", "協定世界時（UTC）", "ルーター", "電源を入れ直す", "済みました"),
    "en": ("from your line", "JST", "UTC", "router", "Restart the device", "Done"),
}


def states(world: World, line_id: str = "L1") -> dict[MeasureId, MeasureState]:
    return {row.measure: row.state for row in world.case(line_id).measures}


@pytest.mark.parametrize("language", ["ja", "en"])
def test_from_the_code_to_the_measures(world: World, language: str) -> None:
    """Entering acknowledges; a measure is claimed, taken back, claimed again; leaving closes the door."""

    async def visit(browser) -> None:
        page = await inside(browser, world)
        assert page.status_code == 200
        assert all(word in page.text for word in WORDS[language])
        assert world.case("L1").state is State.ACKNOWLEDGED
        form = form_of(page)
        for state in ("claimed", "open", "claimed"):
            answer = await browser.post("/case/measure", data={"measure": "reboot", "state": state, "form": form})
            assert answer.status_code == 303
            assert states(world)[MeasureId.REBOOT] == state
        await browser.post("/case/measure", data={"measure": "settings", "state": "not_applicable", "form": form})
        assert states(world)[MeasureId.SETTINGS] is MeasureState.NOT_APPLICABLE
        assert (await browser.post("/leave", data={"form": form})).status_code == 303
        assert (await browser.get("/case")).headers["location"] == "/?again=1"

    world.run(visit, language=language)


@pytest.mark.parametrize("line_id", LINES[:3])
@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("reader", ["anyone", "expert"])
def test_no_page_names_a_destination_an_address_or_a_person(
    world: World, line_id: str, language: str, reader: str
) -> None:
    """Whatever the books hold: a name with markup in it is not even shown."""

    async def visit(browser) -> None:
        pages = [await inside(browser, world, line_id)]
        await browser.post("/case/restart", data={"form": form_of(pages[0])})
        paths = ("/case", "/case/restart", "/case/maker", "/case/report", "/advice")
        pages += [await browser.get(f"{path}?reader={reader}") for path in paths]
        for page in pages:
            assert page.status_code == 200, page.url
            assert not [secret for secret in SECRETS if secret in page.text], page.url

    world.run(visit, language=language)


def test_the_order_follows_the_evidence(world: World) -> None:
    """A flood begins with the restart, a scan for logins goes on with passwords, spam begins with the PC."""

    async def visit(browser) -> None:
        text = (await inside(browser, world, "L2")).text
        places = [
            text.index(f'id="{m}"') for m in ("reboot", "credentials", "connections", "vulnerabilities", "settings")
        ]
        assert places == sorted(places)

    async def spam(browser) -> None:
        text = (await inside(browser, world, "L3")).text
        assert text.index('id="credentials"') < text.index('id="reboot"')
        assert "パソコンをウイルス対策ソフトで検査し" in text

    world.run(visit)
    world.run(spam)


def test_chosen_devices_refine_the_advice(world: World) -> None:
    """What the household has is named in the steps and in the maker's sheet; a PC is not unplugged."""

    async def visit(browser) -> None:
        page = await inside(browser, world)
        assert "対象の機器" not in page.text
        data = {"device_tv_box": "1", "device_pc_or_mail": "1", "device_<b>": "1", "form": form_of(page)}
        assert (await browser.post("/case/devices", data=data)).status_code == 303
        text = (await browser.get("/case")).text
        assert "メーカー名や問い合わせ先が分からないものは、使うのをやめてください" in text
        step = text[text.index('id="reboot"') :]
        assert "<strong>テレビに接続する再生機器</strong>" in step[: step.index("</section>")]
        sheet = (await browser.get("/case/maker")).text
        assert "機器：テレビに接続する再生機器" in sheet
        assert "機器：ルーター" not in sheet

    world.run(visit)


def test_the_restart_says_only_what_can_be_seen(world: World) -> None:
    """Unknown at first; quiet once enough minutes were observed; seen again when it was."""
    from sekisho.cases.quiet import LineMinute, note_minutes

    async def visit(browser) -> None:
        page = await inside(browser, world)
        assert "いま電源を入れ直しました" in (await browser.get("/case/restart")).text
        await browser.post("/case/restart", data={"form": form_of(page)})
        said_ms = world.clock.ms
        text = (await browser.get("/case/restart")).text
        assert "まだここからは分かりません" in text
        assert "ここからは分かりません。ルーター以外" in text
        minutes = [
            LineMinute(line_id="L1", at_ms=said_ms + n * MINUTE_MS, online=True, delivered=True, covered=True)
            for n in range(1, 13)
        ]
        with writing(world.url) as connection:
            note_minutes(connection, minutes)
        world.clock.ms += 20 * MINUTE_MS
        text = (await browser.get("/case/restart")).text
        assert "確認できた12分のあいだ、同じ通信は見られていません" in text
        assert "何日も静かなことがあります" in text
        record_analysis(world.url, document(detection("L1", start=95, stop=100)), now_ms=world.clock.ms)
        assert "そのあとにも、同じ通信が見られました" in (await browser.get("/case/restart")).text

    world.run(visit)


def test_a_new_session_is_told(world: World, tmp_path) -> None:
    """Where the history of assignments shows that the line was connected anew."""
    from attribution.history.test_history import begin
    from sekisho.attribution.history.history import History

    began = begin(0, holder="L1")
    world.clock.ms = began.at_ms + 5 * MINUTE_MS
    with History(tmp_path / "history.db") as history:
        history.apply("radius", [began])
    known = World(world.url, world.codes, clock=world.clock, history=tmp_path / "history.db")

    async def visit(browser) -> None:
        page = await inside(browser, known)
        await browser.post("/case/restart", data={"form": form_of(page)})
        assert "回線がつなぎ直されたことを確認しました" in (await browser.get("/case/restart")).text

    with writing(world.url) as connection:
        from sekisho.cases.subscriber import codes

        known.codes = {"L1": codes.reissue(connection, 1, Act(actor="a", purpose="consent", at_ms=world.clock.ms))}
    known.run(visit)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (ClosingLabel.VERIFIED, "収まったことを確かめました"),
        (ClosingLabel.OBSERVED_QUIET, "同じ通信は見られませんでした"),
        (ClosingLabel.SELF_REPORTED, "通信の記録によって確かめたものではありません"),
    ],
)
def test_a_closed_case_says_how_sure_it_is(world: World, label: ClosingLabel, words: str) -> None:
    """And asks for nothing more; a form that was still open changes nothing."""
    done = Act(actor="serve", purpose="own_network_protection", at_ms=world.clock.ms)

    async def visit(browser) -> None:
        page = await inside(browser, world)
        with writing(world.url) as connection:
            move(connection, 1, State.OBSERVING, done)
            move(connection, 1, State.RESOLVED, done, reason=label)
        data = {"measure": "reboot", "state": "claimed", "form": form_of(page)}
        assert (await browser.post("/case/measure", data=data)).headers["location"] == "/case"
        text = (await browser.get("/case")).text
        assert words in text
        assert "済みました" not in text
        assert "はじめにお願いしたいこと" not in text
        assert states(world)[MeasureId.REBOOT] is MeasureState.OPEN

    async def later(browser) -> None:
        assert words in (await inside(browser, world)).text

    world.run(visit)
    world.run(later)


def test_what_is_observed_or_back_is_told(world: World) -> None:
    """The state of the case in words."""
    done = Act(actor="serve", purpose="own_network_protection", at_ms=world.clock.ms)

    async def visit(browser) -> None:
        await inside(browser, world)
        with writing(world.url) as connection:
            move(connection, 1, State.OBSERVING, done)
        assert "いまは、同じ通信は見られていません" in (await browser.get("/case")).text
        with writing(world.url) as connection:
            move(connection, 1, State.RESOLVED, done, reason=ClosingLabel.VERIFIED)
            move(connection, 1, State.RELAPSED, done)
        assert "また見られました" in (await browser.get("/case")).text

    world.run(visit)


def test_a_report_needs_consent_and_shows_what_it_proved(world: World) -> None:
    """Without consent it is not looked at; a wrong file is told; a right one makes evidence that no word takes back."""
    from cases.subscriber.test_checkup import finding, report
    from sekisho.core.time import iso

    content = report(finding("credentials", "OK"), generated_at=iso(world.clock.ms))

    async def visit(browser) -> None:
        form = form_of(await inside(browser, world))
        answer = await browser.post("/case/report", data={"form": form}, files={"report": content})
        assert (answer.status_code, "同意の欄に" in answer.text) == (422, True)
        assert states(world)[MeasureId.CREDENTIALS] is MeasureState.OPEN
        data = {"form": form, "consent": "1"}
        answer = await browser.post("/case/report", data=data, files={"report": b"<svg onload=alert(1)>"})
        assert (answer.status_code, "onload" in answer.text) == (422, False)
        assert (await browser.post("/case/report", data=data)).status_code == 422
        answer = await browser.post("/case/report", data=data, files={"report": content})
        assert answer.headers["location"] == "/case/report?taken=1"
        assert "確認済み" in (await browser.get("/case/report?taken=1")).text
        await browser.post("/case/measure", data={"measure": "credentials", "state": "open", "form": form})
        assert states(world)[MeasureId.CREDENTIALS] is MeasureState.EVIDENCED

    world.run(visit)


def test_who_thinks_that_another_line_is_meant_says_so_once(world: World) -> None:
    """The page then says that a person looks at it, and asks no second time."""

    async def visit(browser) -> None:
        page = await inside(browser, world)
        assert "別の回線のことだと思う" in page.text
        await browser.post("/case/wrong-line", data={"form": form_of(page)})
        text = (await browser.get("/case")).text
        assert "お申し出を受け付けました" in text
        assert "別の回線のことだと思う" not in text

    world.run(visit)


def test_before_anybody_enters_there_is_advice(world: World) -> None:
    """The five measures for everybody, and whom to call."""

    async def visit(browser) -> None:
        text = (await browser.get("/advice")).text
        for words in ("電源を入れ直す", "IDとパスワード", "必要な接続", "脆弱性", "設定", "0120-000-000"):
            assert words in text

    world.run(visit)
