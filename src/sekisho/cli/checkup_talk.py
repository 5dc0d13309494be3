"""How ``sekisho checkup`` talks to the person: consent, questions, progress, errors, and the report in its forms."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from sekisho.core.errors import SekishoError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from rich.console import Console

    from sekisho.checkup.consent import CheckClass, Consent
    from sekisho.checkup.network import LocalNetwork
    from sekisho.checkup.runner import Progress
    from sekisho.checkup.spoken import Step


class Form(StrEnum):
    """How a result is written."""

    TABLE = "table"
    JSON = "json"


class Lang(StrEnum):
    """Language of the report and of what is said on the way."""

    JA = "ja"
    EN = "en"


class Level(StrEnum):
    """Reading level of the report."""

    ANYONE = "anyone"
    EXPERT = "expert"


@dataclass(frozen=True, slots=True)
class Output:
    """Where and how a report is written."""

    form: Form
    lang: Lang
    level: Level
    html: Path | None
    pdf: Path | None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run is told to call: once per part of discovery, and once per question to a device."""

    step: Callable[[Step], None]
    progress: Callable[[Progress], None]


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def sentence(name: str, lang: Lang, **values: object) -> str:
    """A sentence in the person's language."""
    from sekisho.checkup.spoken import say
    from sekisho.measures.model import Language

    return say(name, Language(lang), **values)


def ask_consent(
    network: LocalNetwork, classes: set[CheckClass], devices: list[str], person: str | None, lang: Lang
) -> Consent:
    """Say what will be done, to which devices, until when; the person who allows it gives a name."""
    from sekisho.checkup.consent import CONSENT_LIFE_MS, CheckClass, Consent
    from sekisho.core.time import jst_and_utc

    given_at_ms, comma = now_ms(), sentence("comma", lang)
    until_ms = given_at_ms + CONSENT_LIFE_MS
    text = sentence(
        "consent",
        lang,
        prefix=network.prefix,
        interface=network.interface,
        gateway=network.gateway,
        gateway_mac=network.gateway_mac,
        devices=comma.join(devices) or sentence("all_devices", lang),
        classes=comma.join(sentence(name, lang) for name in CheckClass if name in classes),
        until=jst_and_utc(until_ms),
    )
    typer.echo(text, err=True)
    return Consent(
        person=person or typer.prompt(sentence("your_name", lang), err=True),
        network=network.identity,
        classes=frozenset(classes),
        devices=frozenset(devices),
        given_at_ms=given_at_ms,
        expires_at_ms=until_ms,
    )


@contextmanager
def watching(lang: Lang) -> Iterator[Watch]:
    """A bar with the device and the check that is being asked; nothing is drawn where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from sekisho.checkup.spoken import title
    from sekisho.measures.model import Language

    screen = console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(now: Progress) -> None:
            what = f"{now.device.addresses[0]}  {title(now.check, Language(lang))}"
            bar.update(task, completed=now.done, total=now.known, description=what)

        yield Watch(lambda step: bar.update(task, description=sentence(step, lang)), progress)


def told_once(lang: Lang) -> Callable[[Step], None]:
    """Says each step on a line of its own, once in a row: what the person should do must not scroll away."""
    last: list[Step | None] = [None]

    def tell(step: Step) -> None:
        if step is not last[0]:
            last[0] = step
            typer.echo(sentence(step, lang), err=True)

    return tell


def write(body: dict[str, Any], output: Output) -> None:
    """The report in every form that was asked for."""
    import json

    from sekisho.checkup.report import view as views
    from sekisho.measures.model import Language, Reader

    shown = views.view(body, Language(output.lang), Reader(output.level))
    if output.html:
        from sekisho.checkup.report import html

        _save(output.html, html.render(shown).encode())
    if output.pdf:
        from sekisho.checkup.report import pdf

        _save(output.pdf, pdf.render(shown))
    if output.form is Form.JSON:
        typer.echo(json.dumps(body, ensure_ascii=False, indent=1))
        return
    from sekisho.checkup.report import terminal

    console(stderr=False).print(terminal.render(shown))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns; an error that asks for a sentence becomes one."""
    with told_errors():
        return asyncio.run(work)


@contextmanager
def told_errors() -> Iterator[None]:
    """Turns the errors that ask for a sentence into one, with their exit status."""
    try:
        yield
    except (SekishoError, BaseExceptionGroup) as raised:
        error = _first(raised)
        if not isinstance(error, SekishoError):
            raise
        typer.echo(f"sekisho checkup: {error}", err=True)
        raise typer.Exit(error.exit_status) from error


def fail(text: str) -> NoReturn:
    """One sentence on standard error, and the status of a failure."""
    typer.echo(f"sekisho checkup: {text}", err=True)
    raise typer.Exit(1)


def console(*, stderr: bool) -> Console:
    """A console of this moment's standard output or error."""
    from rich.console import Console

    return Console(stderr=stderr)


def _save(path: Path, octets: bytes) -> None:
    from sekisho.core.errors import InputError

    with told_errors():
        try:
            path.write_bytes(octets)
        except OSError as error:
            raise InputError(path, f"expected a file that can be written, found: {error.strerror}") from error


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
