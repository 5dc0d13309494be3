"""``sekisho notice``: what subscribers would be told, to be looked at before anybody is."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sekisho.cases.states import NoticeKind
from sekisho.cli.analyze import Language
from sekisho.cli.cases import CasesOption, ConfigOption, LanguageOption, configuration, database_of
from sekisho.core.errors import InputError
from sekisho.core.time import now_ms

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.model import Extent
    from sekisho.core.config import Config
    from sekisho.notices.notice import Notice

PREVIEW_EXAMPLES = """
Examples:

    sekisho notice preview 11 --cases sqlite:///cases.db --lang ja --as text

    sekisho notice preview 11 --config sekisho.toml --lang en --as html > notice.html

    sekisho notice preview 11 --config sekisho.toml --lang ja --about reminder --as pdf > letter.pdf
"""

BOUNCES_EXAMPLES = """
Example:

    sekisho notice bounces --config sekisho.toml
"""

ANNOUNCE_EXAMPLES = """
Examples:

    sekisho notice announce --event E1 --preview --cases sqlite:///cases.db --lang ja

    sekisho notice announce --from 2026-11-24T00:00+09:00 --until 2026-11-25T00:00+09:00 --preview --as html
"""

MISSING = {
    "ja": "設定されていないため、見本では【…：未設定】と表示しています: {keys}",
    "en": "not configured, and marked in the preview: {keys}",
}

app = typer.Typer(no_args_is_help=True, help="Look at notices and announcements, and at what came back.")


class Output(StrEnum):
    """How a text is set."""

    TEXT = "text"
    HTML = "html"
    PDF = "pdf"


class Paper(StrEnum):
    """What a text is written for."""

    MAIL = "mail"
    LETTER = "letter"


class Level(StrEnum):
    """Whom the advice is written for."""

    ANYONE = "anyone"
    EXPERT = "expert"


OutputOption = Annotated[Output, typer.Option("--as", help="Plain text, one HTML page, or the letter as PDF.")]
PaperOption = Annotated[Paper, typer.Option("--form", help="A mail, or a letter.")]
LevelOption = Annotated[Level, typer.Option(help="Advice for anyone, or for the person who knows the device.")]


@app.command(epilog=PREVIEW_EXAMPLES)
def preview(
    number: Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.")],
    cases: CasesOption = None,
    config: ConfigOption = None,
    about: Annotated[NoticeKind, typer.Option(help="Which message about the case.")] = NoticeKind.FIRST_NOTICE,
    lang: LanguageOption = None,
    output: OutputOption = Output.TEXT,
    form: PaperOption = Paper.MAIL,
    level: LevelOption = Level.ANYONE,
) -> None:
    """Show a message about a case as its subscriber would read it.

    Nothing is sent, and no code is issued: the one that is shown is a specimen.
    """
    from sekisho.cases.database import reading
    from sekisho.cases.read import get_case
    from sekisho.measures import model
    from sekisho.notices.case_notice import case_notice
    from sekisho.notices.notice import Form

    settings, language = configuration(config), lang or Language.of_environment()
    with reading(database_of(cases, settings)) as connection:
        case = get_case(connection, number)
    notice = case_notice(
        about,
        case,
        settings.operator,
        model.Language(language),
        now_ms=now_ms(),
        reader=model.Reader(level),
        form=Form.MAIL if output is Output.PDF else Form(form),
        qr=output is Output.PDF and settings.letter.qr,
    )
    _write(notice, output, settings)


@app.command(epilog=BOUNCES_EXAMPLES)
def bounces(config: ConfigOption = None) -> None:
    """Read the mailbox for bounces: the notice, final or not, and the status (RFC 3463), one a line.

    Mails there that are no bounces of ours are counted on standard error. Nothing is removed.
    """
    from collections import Counter

    from sekisho.notices.bounces import Bounce, Unread, read_bounces

    mail = configuration(config).mail
    if mail.bounces is None or mail.from_address is None:
        raise InputError("mail", "expected [mail] bounces and from_address in the file that --config names")
    unread: Counter[Unread] = Counter()
    for _, found in read_bounces(mail.bounces, mail.from_address.rpartition("@")[2]):
        match found:
            case Bounce():
                typer.echo(f"{found.notice}\t{'final' if found.is_final else 'delayed'}\t{found.status}")
            case Unread():
                unread[found] += 1
    for reason, count in sorted(unread.items()):
        typer.echo(f"sekisho: {mail.bounces}: {count} {reason}", err=True)


@app.command(epilog=ANNOUNCE_EXAMPLES)
def announce(
    event: Annotated[str | None, typer.Option(help="About this event, such as E1.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="About this period: ISO 8601 with its zone.")] = None,
    until: Annotated[str | None, typer.Option(help="End of the period.")] = None,
    only_preview: Annotated[
        bool, typer.Option("--preview", help="Only show it; needed until it can be approved.")
    ] = False,
    cases: CasesOption = None,
    config: ConfigOption = None,
    lang: LanguageOption = None,
    output: OutputOption = Output.TEXT,
    form: PaperOption = Paper.MAIL,
    level: LevelOption = Level.ANYONE,
) -> None:
    """Show an announcement to all customers, about one event or about a period.

    It says how many lines took part, rounded, and which links were hit, and names no address and no target.
    """
    from sekisho.cases.database import reading
    from sekisho.measures import model
    from sekisho.notices.announcement import announcement
    from sekisho.notices.notice import Form

    if not only_preview:
        raise InputError("notice announce", "expected --preview: an announcement is published by an approver, not here")
    settings, language = configuration(config), lang or Language.of_environment()
    with reading(database_of(cases, settings)) as connection:
        extent = _extent(connection, event, begin, until)
    notice = announcement(
        extent,
        settings.operator,
        model.Language(language),
        now_ms=now_ms(),
        reader=model.Reader(level),
        form=Form.MAIL if output is Output.PDF else Form(form),
    )
    _write(notice, output, settings)


def _extent(connection: Connection, event: str | None, begin: str | None, until: str | None) -> Extent:
    from sekisho.cases.read import event_extent, period_extent

    if event is not None and begin is None and until is None:
        number = re.fullmatch(r"[Ee]?([0-9]{1,9})", event)
        if number is None:
            raise InputError("--event", f"expected the number of an event, such as E1, found {event!r}")
        return event_extent(connection, int(number[1]))
    if event is None and begin is not None and until is not None:
        from_ms, until_ms = _time("--from", begin), _time("--until", until)
        if from_ms >= until_ms:
            raise InputError("--from", f"expected a time before its end, {until}, found {begin}")
        return period_extent(connection, from_ms, until_ms)
    raise InputError("notice announce", "expected either --event, or --from and --until")


def _time(option: str, text: str) -> int:
    from sekisho.core.time import parse_time

    try:
        return parse_time(text)
    except ValueError as error:
        raise InputError(
            option, f"expected a time with its zone, such as 2026-11-24T12:00+09:00, found {text!r}"
        ) from error


def _write(notice: Notice, output: Output, settings: Config) -> None:
    from sekisho.notices import page, plain

    if notice.missing:
        typer.echo(f"sekisho: {MISSING[notice.language].format(keys=', '.join(notice.missing))}", err=True)
    match output:
        case Output.PDF:
            typer.echo(_printed(notice, settings), nl=False)
        case Output.HTML:
            typer.echo(page.render(notice), nl=False)
        case Output.TEXT:
            typer.echo(plain.render(notice), nl=False)


def _printed(notice: Notice, settings: Config) -> bytes:
    """The letter; a preview joins no contact and marks where the address will stand."""
    from sekisho.notices import letter, wording
    from sekisho.notices.operator import sender

    head = letter.Head(
        address=[wording.say("address_here", notice.language)],
        date=wording.date(now_ms(), notice.language),
        writes=sender(settings.operator, notice.language),
    )
    return letter.render(notice, head, settings.letter)
