"""``sekisho checkup``: are the devices on my network safe from this, and did I fix them.

Parses, asks for consent, shows progress and calls ``sekisho.checkup``; heavy imports stand inside the commands.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from rich.console import Console

    from sekisho.checkup.consent import CheckClass
    from sekisho.checkup.session import Inputs, Outcome, Session

app = typer.Typer(
    no_args_is_help=True,
    help="Check the devices of your own network: which need what, and did it help.",
    rich_markup_mode=None,
)


class Form(StrEnum):
    """How a result is written."""

    TABLE = "table"
    JSON = "json"


class Lang(StrEnum):
    """Language of the report."""

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


Interface = Annotated[str | None, typer.Option(help="Interface of your network; by default that of the default route.")]
ConsentOf = Annotated[
    str | None,
    typer.Option("--consent", metavar="NAME", help="I am NAME and responsible for these devices; do not ask me again."),
]
Devices = Annotated[list[str] | None, typer.Option("--device", metavar="ADDRESS", help="Only this device; repeatable.")]
StateDir = Annotated[Path | None, typer.Option("--state", help="Where consents, baselines and reports are kept.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List every kind of packet, and send none.")]
Format = Annotated[Form, typer.Option("--format", help="Table for people, JSON for programs.")]
Language = Annotated[Lang, typer.Option("--lang", help="Language of the report.")]
ReadingLevel = Annotated[Level, typer.Option("--level", help="For anyone, or for the person who knows the device.")]
Answers = Annotated[Path | None, typer.Option(help="What you know about the devices, TOML (see the how-to).")]
Data = Annotated[Path | None, typer.Option(help="Folder of KEV, NVD, CVE, CSAF and MyJVN files.")]
PerSecond = Annotated[float | None, typer.Option(help="Fewer new connections a second than 20.")]
Html = Annotated[Path | None, typer.Option(help="Also write the report as HTML.")]
Pdf = Annotated[Path | None, typer.Option(help="Also write the report as PDF.")]


@app.callback()
def configure() -> None:
    """Log to standard error: standard output holds the result."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


@app.command()
def discover(
    interface: Interface = None,
    consent: ConsentOf = None,
    state: StateDir = None,
    dry_run: DryRun = False,
    form: Format = Form.TABLE,
) -> None:
    """List the devices of your network."""
    from sekisho.checkup.consent import CheckClass

    if dry_run:
        _print_packets()
        return
    session = _session(interface, consent, None, state, {CheckClass.DISCOVER}, per_second=None)
    with _steps() as step:
        found, devices = _run(session.discover(step))
    _print_devices(devices, found.notes, form)


@app.command()
def run(  # the options of a command are its arguments
    interface: Interface = None,
    consent: ConsentOf = None,
    device: Devices = None,
    state: StateDir = None,
    dry_run: DryRun = False,
    answers: Answers = None,
    data: Data = None,
    mud: Annotated[
        list[str] | None, typer.Option(metavar="DEVICE=FILE", help="The maker's statement of needed connections.")
    ] = None,
    flows: Annotated[
        Path | None, typer.Option(help="Your router's log: device,destination,protocol,port[,name].")
    ] = None,
    default_pairs: Annotated[
        Path | None, typer.Option(help="Try the default pairs of your manuals, listed in this file (off unless given).")
    ] = None,
    score: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DEVICE", help="Score your own password of this device: typed hidden, never kept or sent."
        ),
    ] = None,
    list_only: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="List this device and never ask it anything (medical, industrial gear)."),
    ] = None,
    per_second: PerSecond = None,
    html: Html = None,
    pdf: Pdf = None,
    form: Format = Form.TABLE,
    lang: Language = Lang.JA,
    level: ReadingLevel = Level.ANYONE,
) -> None:
    """Check the devices and say what to do, on which device, in which order."""
    from sekisho.checkup.consent import SHIPPED_CLASSES, CheckClass

    if dry_run:
        _print_packets()
        return
    classes = set(SHIPPED_CLASSES) | ({CheckClass.DEFAULT_PAIRS} if default_pairs else set())
    session = _session(interface, consent, device, state, classes, per_second=per_second)
    inputs = _scored(_inputs(session, answers, data, mud or [], flows, list_only or []), score or [])
    outcome = _checked(session, inputs, default_pairs)
    _finish(session, outcome, Output(form, lang, level, html, pdf))


@app.command()
def baseline(interface: Interface = None, state: StateDir = None) -> None:
    """Accept the state that the last run saw as the one you intend."""
    from sekisho.checkup.baseline import Baselines
    from sekisho.checkup.report.archive import Archive
    from sekisho.checkup.session import known_gateway
    from sekisho.checkup.system import this_system

    directory = _directory(state)
    with _errors():
        network = asyncio.run(known_gateway(this_system(), interface))
        snapshot = Archive(directory).snapshot(network.identity)
        if snapshot is None:
            _fail(f"there is no run of this network yet ({network.prefix}); start with: sekisho checkup run")
        Baselines(directory).accept(snapshot)
    typer.echo(f"{len(snapshot.devices)} devices of {snapshot.prefix} are the baseline now", err=True)


@app.command()
def restart(  # the options of a command are its arguments
    device: Annotated[str, typer.Argument(help="Address of the device that you will unplug.")],
    interface: Interface = None,
    consent: ConsentOf = None,
    state: StateDir = None,
    answers: Answers = None,
    data: Data = None,
    wait_s: Annotated[float, typer.Option(help="How long to wait for it to come back.")] = 300.0,
    html: Html = None,
    pdf: Pdf = None,
    form: Format = Form.TABLE,
    lang: Language = Lang.JA,
    level: ReadingLevel = Level.ANYONE,
) -> None:
    """Watch a restart, prove it, and check again: not finished until the way in is closed."""
    from sekisho.checkup.assistant import RestartAssistant
    from sekisho.checkup.consent import SHIPPED_CLASSES

    session = _session(interface, consent, None, state, set(SHIPPED_CLASSES), per_second=None)
    inputs = _inputs(session, answers, data, [], None, [])
    outcome = _run(RestartAssistant(session, inputs, tell=_each_once()).run(device, wait_s=wait_s))
    _finish(session, outcome, Output(form, lang, level, html, pdf))


@app.command()
def report(  # the options of a command are its arguments
    file: Annotated[Path | None, typer.Argument(help="A report of an earlier run; by default the last one.")] = None,
    state: StateDir = None,
    html: Html = None,
    pdf: Pdf = None,
    form: Format = Form.TABLE,
    lang: Language = Lang.JA,
    level: ReadingLevel = Level.ANYONE,
) -> None:
    """Show a report again, in another language, level or form. Nothing is sent anywhere."""
    from sekisho.checkup.report.archive import Archive, read_report

    with _errors():
        body = read_report(file) if file else Archive(_directory(state)).latest()
    if body is None:
        _fail("there is no report yet; start with: sekisho checkup run")
    _write(body, Output(form, lang, level, html, pdf))


@app.command()
def demo(
    html: Html = None,
    pdf: Pdf = None,
    form: Format = Form.TABLE,
    lang: Language = Lang.JA,
    level: ReadingLevel = Level.ANYONE,
) -> None:
    """Build a small LAN of stand-in devices on this computer and check it (Linux, root)."""
    from sekisho.checkup.demo.household import check_household

    with _errors():
        body = check_household()
    _write(body, Output(form, lang, level, html, pdf))


def _session(
    interface: str | None,
    person: str | None,
    devices: list[str] | None,
    state: Path | None,
    classes: set[CheckClass],
    *,
    per_second: float | None,
) -> Session:
    from sekisho.checkup.consent import ConsentBook
    from sekisho.checkup.limits import Limits
    from sekisho.checkup.session import Session, known_gateway
    from sekisho.checkup.system import this_system

    directory, system = _directory(state), this_system()
    with _errors():
        network = asyncio.run(known_gateway(system, interface))
        limits = Limits() if per_second is None else Limits().tightened(connections_per_s=per_second)
        book = ConsentBook(directory / "consents.jsonl")
        consent = book.valid(network.identity, _now_ms())
        if person or consent is None or not classes <= consent.classes or consent.devices != frozenset(devices or ()):
            consent = _ask_consent(network, classes, devices or [], person)
            book.record(consent)
    return Session(system, network, consent, directory=directory, now_ms=_now_ms, limits=limits)


def _ask_consent(network: Any, classes: set[CheckClass], devices: list[str], person: str | None) -> Any:
    from sekisho.checkup.consent import CONSENT_LIFE_MS, Consent

    typer.echo(
        f"Network {network.prefix} on {network.interface}, gateway {network.gateway} ({network.gateway_mac}).\n"
        f"Devices: {', '.join(devices) or 'all on this network'}. Checks: {', '.join(sorted(classes))}. For 24 hours.",
        err=True,
    )
    name = person or typer.prompt("You are responsible for these devices and allow this; your name", err=True)
    now_ms = _now_ms()
    return Consent(
        person=name,
        network=network.identity,
        classes=frozenset(classes),
        devices=frozenset(devices),
        given_at_ms=now_ms,
        expires_at_ms=now_ms + CONSENT_LIFE_MS,
    )


def _inputs(
    session: Session,
    answers: Path | None,
    data: Path | None,
    mud: list[str],
    flows: Path | None,
    list_only: list[str],
) -> Inputs:
    from sekisho.checkup.data import flowlog, knowledge
    from sekisho.checkup.data import mud as mud_reader
    from sekisho.checkup.session import Inputs
    from sekisho.checkup.situation import OwnerAnswers, read_answers

    with _errors():
        pairs = [row.partition("=") for row in mud]
        return Inputs(
            knowledge=knowledge.load(data, session.now_ms()),
            answers=read_answers(answers) if answers else OwnerAnswers(),
            profiles={device: mud_reader.read(Path(file)) for device, _, file in pairs},
            flows=flowlog.read(flows) if flows else {},
            list_only=frozenset(list_only),
        )


def _scored(inputs: Inputs, devices: list[str]) -> Inputs:
    """The inputs with the strength of passwords that the owner types now; only the numbers are kept."""
    from dataclasses import replace

    from sekisho.checkup.strength import score

    stated = {name: dict(table) for name, table in inputs.answers.devices.items()}
    for device in devices:
        password = typer.prompt(f"password of {device} (scored here, not kept)", hide_input=True, err=True)
        stated.setdefault(device, {})["password_score"] = score(password)
    return replace(inputs, answers=replace(inputs.answers, devices=stated))


def _checked(session: Session, inputs: Inputs, default_pairs: Path | None) -> Outcome:
    from sekisho.checkup.credentials.pairs import read_pairs

    with _errors():
        pairs = read_pairs(default_pairs) if default_pairs else None
    with _steps() as step:
        outcome: Outcome = _run(session.run(inputs, step=step, progress=lambda p: step(f"{p.done}/{p.known} {p.what}")))
        if pairs is not None:
            outcome = _run(session.try_pairs(outcome, pairs))
        return outcome


def _finish(session: Session, outcome: Outcome, output: Output) -> None:
    from sekisho.checkup.report.archive import Archive

    archive = Archive(session.directory)
    compared = archive.compared(outcome.report)
    archive.keep(compared, outcome.snapshot)
    _write(compared.to_json(), output)


def _write(body: dict[str, Any], output: Output) -> None:
    import json

    from sekisho.checkup.report import view as views
    from sekisho.measures.model import Language as ReportLanguage
    from sekisho.measures.model import Reader

    shown = views.view(body, ReportLanguage(output.lang), Reader(output.level))
    if output.html:
        from sekisho.checkup.report import html

        output.html.write_text(html.render(shown), "utf-8")
    if output.pdf:
        from sekisho.checkup.report import pdf

        output.pdf.write_bytes(pdf.render(shown))
    if output.form is Form.JSON:
        typer.echo(json.dumps(body, ensure_ascii=False, indent=1))
        return
    from sekisho.checkup.report import terminal

    _console(stderr=False).print(terminal.render(shown))


def _print_packets() -> None:
    from sekisho.checkup.discover import PACKETS
    from sekisho.checkup.probes import PROBES

    for line in (*PACKETS, *(row.sends for row in PROBES.values())):
        typer.echo(f"- {line}")


def _print_devices(devices: Any, notes: Any, form: Form) -> None:
    import json

    rows = [
        {"id": d.id, "addresses": list(d.addresses), "traits": sorted(f"{t.kind} {t.value}" for t in d.traits)}
        for d in devices
    ]
    if form is Form.JSON:
        typer.echo(json.dumps({"devices": rows, "notes": list(notes)}, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['id']}  {', '.join(row['addresses'])}  {'; '.join(row['traits'])}")
    for note in notes:
        typer.echo(note, err=True)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    with _errors():
        return asyncio.run(work)


def _errors() -> Any:
    """Turns the errors that ask for a sentence into one, with their exit status."""
    from contextlib import contextmanager

    from sekisho.core.errors import SekishoError

    @contextmanager
    def told() -> Iterator[None]:
        try:
            yield
        except (SekishoError, BaseExceptionGroup) as raised:
            error = _first(raised)
            if not isinstance(error, SekishoError):
                raise
            typer.echo(f"sekisho checkup: {error}", err=True)
            raise typer.Exit(error.exit_status) from error

    return told()


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


def _steps() -> Any:
    """A line that says what is being asked; in a terminal it moves, in a log nothing is written."""
    from contextlib import contextmanager

    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    @contextmanager
    def steps() -> Iterator[Callable[[str], None]]:
        console = _console(stderr=True)
        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
            task = progress.add_task("")
            yield lambda text: progress.update(task, description=text)

    return steps()


def _each_once() -> Callable[[str], None]:
    """Says each thing on a line of its own, once in a row: what the person should do must not scroll away."""
    last = [""]

    def tell(text: str) -> None:
        if text != last[0]:
            last[0] = text
            typer.echo(text, err=True)

    return tell


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    return Console(stderr=stderr)


def _directory(state: Path | None) -> Path:
    from sekisho.checkup.state import default_state_directory

    return state or default_state_directory()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"sekisho checkup: {sentence}", err=True)
    raise typer.Exit(1)
