"""The announcement to all customers: chosen by event or period, read in both languages, released under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, PlainTextResponse

from sekisho.cases import announcements
from sekisho.cases.now import events_of_a_day
from sekisho.cases.read import event_extent, period_extent
from sekisho.core.errors import Refused
from sekisho.core.time import JST, parse_time, to_datetime
from sekisho.measures.model import Language
from sekisho.notices import page as notice_page
from sekisho.notices import plain
from sekisho.notices.announcement import announcement
from sekisho.web.console.asking import one_of
from sekisho.web.console.cases import PAPER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from sekisho.cases.model import Extent
    from sekisho.notices.notice import Notice
    from sekisho.web.console.asking import Ask

EVENTS = 20
RELEASED = 10
"""Earlier announcements on the page."""

DAY_MS = 86_400_000


def page(ask: Ask) -> Response:
    """What it is about, both languages as they would be read, and what was released before."""
    with ask.reading() as connection:
        events = events_of_a_day(connection, ask.now_ms, most=EVENTS)
        past = announcements.newest(connection, limit=RELEASED)
    given = ask.request.query_params
    values: dict[str, Any] = {"texts": {}, "missing": [], "seen": "", "about": ""}
    if chosen := bool(given.get("event") or given.get("from")):
        values = _shown(ask, given)
    response: Response = ask.page(
        "announcement.html",
        **values,
        events=events,
        past=past,
        event=ask.query("event"),
        begin=ask.query("from") or _local(ask.now_ms - DAY_MS),
        until=ask.query("until") or _local(ask.now_ms),
        is_chosen=chosen,
    )
    return response


def preview(ask: Ask) -> Response:
    """One language as a page or as text, marked as not released."""
    language = _language(ask)
    notice = _notice(ask, _extent(ask, ask.request.query_params)[0], language, approved=False)
    return _raw(ask, notice_page.render(notice), plain.render(notice))


def approve(ask: Ask) -> Response:
    """Release what was read, word for word; who did and what it was is on record before anybody else sees it."""
    if ask.form.get("sure") != "yes":
        raise Refused(
            "announcement: expected the tick that both languages have been read",
            "承認するには、両言語の文面を確認したことにチェックを入れてください",
        )
    extent, event = _extent(ask, ask.form)
    texts, missing = _texts(ask, extent)
    if missing:
        keys = ", ".join(missing)
        raise Refused(
            f"announcement: expected {keys} in the configuration, found none", f"お知らせ: 設定に {keys} がありません"
        )
    if ask.form.get("seen") != announcements.digest_of(texts):
        raise Refused(
            "announcement: it is not what was read any more (more was seen, or another day began): read it again",
            "お知らせ: 表示の後に文面が変わりました（新しい通信や日付の変更）。もう一度読んでから承認してください",
        )
    with ask.writing() as connection:
        number = announcements.release(connection, texts, extent, ask.act(), event=event)
    return ask.back_to(f"/announcements/{number}", "announced")


def released(ask: Ask) -> Response:
    """One that was released: who stands for it, and its words to be taken to where customers read them."""
    with ask.reading() as connection:
        found = announcements.get(connection, ask.number())
    response: Response = ask.page("released.html", found=found)
    return response


def released_text(ask: Ask) -> Response:
    """One language of it, as it was approved."""
    language = _language(ask)
    with ask.reading() as connection:
        texts = announcements.get(connection, ask.number()).texts[language]
    return _raw(ask, texts["html"], texts["text"])


def _shown(ask: Ask, given: Mapping[str, str]) -> dict[str, Any]:
    extent, _ = _extent(ask, given)
    texts, missing = _texts(ask, extent)
    about = {name: given[name] for name in ("event", "from", "until") if given.get(name)}
    return {"texts": texts, "missing": missing, "seen": announcements.digest_of(texts), "about": urlencode(about)}


def _texts(ask: Ask, extent: Extent) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Language -> the words that would be released; and keys of the configuration that they lack."""
    notices = [_notice(ask, extent, language, approved=True) for language in Language]
    texts = {
        notice.language.value: {
            "subject": notice.subject,
            "text": plain.render(notice),
            "html": notice_page.render(notice),
        }
        for notice in notices
    }
    return texts, sorted({key for notice in notices for key in notice.missing})


def _notice(ask: Ask, extent: Extent, language: Language, *, approved: bool) -> Notice:
    return announcement(extent, ask.console.config.operator, language, now_ms=ask.now_ms, approved=approved)


def _language(ask: Ask) -> Language:
    return Language(one_of("in", ask.query("in"), list(Language), ja="言語"))


def _raw(ask: Ask, html: str, text: str) -> Response:
    headers = {"Content-Security-Policy": PAPER, "X-Frame-Options": "SAMEORIGIN"}
    if ask.query("as") == "html":
        return HTMLResponse(html, headers=headers)
    return PlainTextResponse(text, headers=headers)


def _extent(ask: Ask, given: Mapping[str, str]) -> tuple[Extent, int | None]:
    """What it is about, and the number of the event where it is about one."""
    event = given.get("event", "").removeprefix("E")
    if event.isascii() and event.isdigit() and len(event) < 10:
        with ask.reading() as connection:
            return event_extent(connection, int(event)), int(event)
    from_ms, until_ms = (_time(ask, name, given.get(name, "")) for name in ("from", "until"))
    if from_ms >= until_ms:
        raise Refused("from: expected a time before its end", "開始は終了より前の時刻にしてください")
    with ask.reading() as connection:
        return period_extent(connection, from_ms, until_ms), None


def _time(ask: Ask, name: str, text: str) -> int:
    """What a ``datetime-local`` field gives, in Japan; a time with its zone is taken as it is."""
    try:
        at_ms = parse_time(text if "+" in text or text.endswith("Z") else f"{text}+09:00")
    except (ValueError, OverflowError):
        raise Refused(
            f"{name}: expected a time such as 2026-11-24T12:00, found {text!r}",
            f"{name}: 2026-11-24T12:00 のような時刻を入力してください（入力: {text!r}）",
        ) from None
    if not 0 <= at_ms <= ask.now_ms + DAY_MS:
        raise Refused(
            f"{name}: expected a time of the past, found {text!r}",
            f"{name}: 過去の時刻を入力してください（入力: {text!r}）",
        )
    return at_ms


def _local(milliseconds: int) -> str:
    return f"{to_datetime(milliseconds).astimezone(JST):%Y-%m-%dT%H:%M}"
