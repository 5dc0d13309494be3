"""The announcement to all customers: chosen by event or period, seen before anybody else sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, PlainTextResponse

from sekisho.cases.now import events_of_a_day
from sekisho.cases.read import event_extent, period_extent
from sekisho.core.errors import Refused
from sekisho.core.time import JST, parse_time, to_datetime
from sekisho.measures.model import Language
from sekisho.notices import page as notice_page
from sekisho.notices import plain
from sekisho.notices.announcement import announcement
from sekisho.notices.notice import Form
from sekisho.web.console.cases import PAPER

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.cases.model import Extent
    from sekisho.notices.notice import Notice
    from sekisho.web.console.asking import Ask

EVENTS = 20
DAY_MS = 86_400_000


def page(ask: Ask) -> Response:
    """What it is about, and both languages as they would be read."""
    with ask.reading() as connection:
        events = events_of_a_day(connection, ask.now_ms, most=EVENTS)
    chosen = bool(ask.query("event") or ask.query("from"))
    notices = [_notice(ask, language) for language in Language] if chosen else []
    texts = [(notice.language, notice.subject, plain.render(notice)) for notice in notices]
    missing = sorted({key for notice in notices for key in notice.missing})
    response: Response = ask.page(
        "announcement.html",
        events=events,
        texts=texts,
        missing=missing,
        event=ask.query("event"),
        begin=ask.query("from") or _local(ask.now_ms - DAY_MS),
        until=ask.query("until") or _local(ask.now_ms),
        is_chosen=chosen,
        letter=ask.query("form") == Form.LETTER,
    )
    return response


def preview(ask: Ask) -> Response:
    """One language as a page or as text, to be copied to where announcements are published."""
    if ask.query("in") not in set(Language):
        raise Refused(f"in: expected one of {', '.join(Language)}")
    notice = _notice(ask, Language(ask.query("in")))
    headers = {"Content-Security-Policy": PAPER, "X-Frame-Options": "SAMEORIGIN"}
    if ask.query("as") == "html":
        return HTMLResponse(notice_page.render(notice), headers=headers)
    return PlainTextResponse(plain.render(notice), headers=headers)


def _notice(ask: Ask, language: Language) -> Notice:
    form = Form.LETTER if ask.query("form") == Form.LETTER else Form.MAIL
    return announcement(_extent(ask), ask.console.config.operator, language, now_ms=ask.now_ms, form=form)


def _extent(ask: Ask) -> Extent:
    event = ask.query("event").removeprefix("E")
    if event.isascii() and event.isdigit() and len(event) < 10:
        with ask.reading() as connection:
            return event_extent(connection, int(event))
    from_ms, until_ms = (_time(ask, name) for name in ("from", "until"))
    if from_ms >= until_ms:
        raise Refused("from: expected a time before its end")
    with ask.reading() as connection:
        return period_extent(connection, from_ms, until_ms)


def _time(ask: Ask, name: str) -> int:
    """What a ``datetime-local`` field gives, in Japan; a time with its zone is taken as it is."""
    text = ask.query(name)
    try:
        at_ms = parse_time(text if "+" in text or text.endswith("Z") else f"{text}+09:00")
    except (ValueError, OverflowError):
        raise Refused(f"{name}: expected a time such as 2026-11-24T12:00, found {text!r}") from None
    if not 0 <= at_ms <= ask.now_ms + DAY_MS:
        raise Refused(f"{name}: expected a time of the past, found {text!r}")
    return at_ms


def _local(milliseconds: int) -> str:
    return f"{to_datetime(milliseconds).astimezone(JST):%Y-%m-%dT%H:%M}"
