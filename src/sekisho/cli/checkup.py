"""``sekisho checkup``: are the devices on my network safe from this, and did I fix them.

Parses and calls ``sekisho.checkup``; how it talks to the person stands in ``checkup_talk``. Heavy imports stand inside
the commands.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sekisho.cli import checkup_talk as talk
from sekisho.cli.checkup_talk import Form, Lang, Level, Output

if TYPE_CHECKING:
    from sekisho.checkup.consent import CheckClass
    from sekisho.checkup.session import Inputs, Outcome, Session

app = typer.Typer(
    no_args_is_help=True,
    help="Check the devices of your own network: which need what, and did it help.",
    rich_markup_mode=None,
)

Interface = Annotated[str | None, typer.Option(help="Interface of your network; by default that of the default route.")]
ConsentOf = Annotated[
    str | None,
    typer.Option("--consent", metavar="NAME", help="I am NAME and responsible for these devices; do not ask me again."),
]
Devices = Annotated[list[str] | None, typer.Option("--device", metavar="ADDRESS", help="Only this device; repeatable.")]
StateDir = Annotated[Path | None, typer.Option("--state", help="Where consents, baselines and reports are kept.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List every kind of packet, and send none.")]
Format = Annotated[Form, typer.Option("--format", help="Table for people, JSON for programs.")]
Language = Annotated[Lang, typer.Option("--lang", help="Language of the report and of the questions.")]
ReadingLevel = Annotated[Level, typer.Option("--level", help="For anyone, or for the person who knows the device.")]
Answers = Annotated[Path | None, typer.Option(help="What you know about the devices, TOML (see the how-to).")]
Data = Annotated[Path | None, typer.Option(help="Folder of KEV, NVD, CVE, CSAF and MyJVN files.")]
Logins = Annotated[
    Path | None,
    typer.Option(
        help="Your own logins, to read more: SNMP community, TR-064, ONVIF (off unless given; see the how-to)."
    ),
]
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
    lang: Language = Lang.JA,
) -> None:
    """List the devices of your network."""
    from sekisho.checkup.consent import CheckClass

    if dry_run:
        _print_packets(lang)
        return
    session = _session(interface, consent, None, state, {CheckClass.DISCOVER}, lang)
    with talk.watching(lang) as watch:
        found, devices = talk.run(session.discover(watch.step))
    _print_devices(devices, found.notes, form, lang)


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
    logins: Logins = None,
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
        _print_packets(lang)
        return
    classes = set(SHIPPED_CLASSES) | ({CheckClass.DEFAULT_PAIRS} if default_pairs else set())
    session = _session(interface, consent, device, state, classes, lang, per_second=per_second, logins=logins)
    inputs = _scored(_inputs(session, answers, data, mud or [], flows, list_only or []), score or [], lang)
    outcome = _checked(session, inputs, default_pairs, lang)
    _finish(session, outcome, Output(form, lang, level, html, pdf))


@app.command()
def baseline(interface: Interface = None, state: StateDir = None, lang: Language = Lang.JA) -> None:
    """Accept the state that the last run saw as the one you intend."""
    from sekisho.checkup.baseline import Baselines
    from sekisho.checkup.report.archive import Archive
    from sekisho.checkup.session import known_gateway
    from sekisho.checkup.system import this_system

    directory = _directory(state)
    with talk.told_errors():
        network = asyncio.run(known_gateway(this_system(), interface))
        snapshot = Archive(directory).snapshot(network.identity)
        if snapshot is None:
            talk.fail(f"there is no run of this network yet ({network.prefix}); start with: sekisho checkup run")
        Baselines(directory).accept(snapshot)
    kept = talk.sentence("baseline_kept", lang, count=len(snapshot.devices), prefix=snapshot.prefix)
    typer.echo(kept, err=True)


@app.command()
def restart(  # the options of a command are its arguments
    device: Annotated[str, typer.Argument(help="Address of the device that you will unplug.")],
    interface: Interface = None,
    consent: ConsentOf = None,
    state: StateDir = None,
    answers: Answers = None,
    data: Data = None,
    logins: Logins = None,
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

    session = _session(interface, consent, None, state, set(SHIPPED_CLASSES), lang, logins=logins)
    inputs = _inputs(session, answers, data, [], None, [])
    outcome = talk.run(RestartAssistant(session, inputs, tell=talk.told_once(lang)).run(device, wait_s=wait_s))
    _finish(session, outcome, Output(form, lang, level, html, pdf))


@app.command()
def report(  # the options of a command are its arguments
    file: Annotated[Path | None, typer.Argument(help="A report of an earlier run; by default the last one.")] = None,
    state: StateDir = None,
    html: Html = None,
    pdf: Pdf = None,
    maker_sheets: Annotated[
        Path | None, typer.Option(help="Write a sheet of questions for the maker of each device into this folder.")
    ] = None,
    upload_preview: Annotated[
        bool, typer.Option("--upload-preview", help="Print exactly what an upload would send, and send nothing.")
    ] = False,
    upload_to: Annotated[
        str | None, typer.Option(metavar="URL", help="Send the report to your provider's portal, after asking you.")
    ] = None,
    case: Annotated[str, typer.Option(metavar="CODE", help="Case code of your provider's notice.")] = "",
    form: Format = Form.TABLE,
    lang: Language = Lang.JA,
    level: ReadingLevel = Level.ANYONE,
) -> None:
    """Show a report again, in another language, level or form. Nothing is sent unless you ask for it and confirm."""
    from sekisho.checkup.report.archive import Archive, read_report

    with talk.told_errors():
        body = read_report(file) if file else Archive(_directory(state)).latest()
    if body is None:
        talk.fail("there is no report yet; start with: sekisho checkup run")
    if upload_preview or upload_to:
        _upload(body, case, upload_to if not upload_preview else None, _directory(state), lang)
        return
    if maker_sheets:
        _write_sheets(body, maker_sheets)
    talk.write(body, Output(form, lang, level, html, pdf))


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

    with talk.told_errors():
        body = check_household()
    talk.write(body, Output(form, lang, level, html, pdf))


def _session(
    interface: str | None,
    person: str | None,
    devices: list[str] | None,
    state: Path | None,
    classes: set[CheckClass],
    lang: Lang,
    *,
    per_second: float | None = None,
    logins: Path | None = None,
) -> Session:
    from sekisho.checkup.consent import CheckClass, ConsentBook
    from sekisho.checkup.credentials.owner import read_logins
    from sekisho.checkup.limits import Limits
    from sekisho.checkup.session import Session, known_gateway
    from sekisho.checkup.system import this_system

    directory, system = _directory(state), this_system()
    with talk.told_errors():
        owned = read_logins(logins) if logins else {}
        wanted = classes | ({CheckClass.OWNER_LOGIN} if owned else set())
        network = asyncio.run(known_gateway(system, interface))
        limits = Limits() if per_second is None else Limits().tightened(connections_per_s=per_second)
        book = ConsentBook(directory / "consents.jsonl")
        consent = book.valid(network.identity, talk.now_ms())
        if person or consent is None or not wanted <= consent.classes or consent.devices != frozenset(devices or ()):
            consent = talk.ask_consent(network, wanted, devices or [], person, lang)
            book.record(consent)
    return Session(system, network, consent, directory=directory, now_ms=talk.now_ms, limits=limits, logins=owned)


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

    with talk.told_errors():
        pairs = [row.partition("=") for row in mud]
        return Inputs(
            knowledge=knowledge.load(data, session.now_ms()),
            answers=read_answers(answers) if answers else OwnerAnswers(),
            profiles={device: mud_reader.read(Path(file)) for device, _, file in pairs},
            flows=flowlog.read(flows) if flows else {},
            list_only=frozenset(list_only),
        )


def _scored(inputs: Inputs, devices: list[str], lang: Lang) -> Inputs:
    """The inputs with the strength of passwords that the owner types now; only the numbers are kept."""
    from dataclasses import replace

    from sekisho.checkup.strength import score

    stated = {name: dict(table) for name, table in inputs.answers.devices.items()}
    for device in devices:
        password = typer.prompt(talk.sentence("type_password", lang, device=device), hide_input=True, err=True)
        stated.setdefault(device, {})["password_score"] = score(password)
    return replace(inputs, answers=replace(inputs.answers, devices=stated))


def _checked(session: Session, inputs: Inputs, default_pairs: Path | None, lang: Lang) -> Outcome:
    from sekisho.checkup.credentials.pairs import read_pairs

    with talk.told_errors():
        pairs = read_pairs(default_pairs) if default_pairs else None
    with talk.watching(lang) as watch:
        outcome: Outcome = talk.run(session.run(inputs, step=watch.step, progress=watch.progress))
        if pairs is not None:
            outcome = talk.run(session.try_pairs(outcome, pairs))
        return outcome


def _finish(session: Session, outcome: Outcome, output: Output) -> None:
    from sekisho.checkup.report.archive import Archive

    archive = Archive(session.directory)
    compared = archive.compared(outcome.report)
    archive.keep(compared, outcome.snapshot)
    talk.write(compared.to_json(), output)


def _upload(body: dict[str, Any], case: str, url: str | None, directory: Path, lang: Lang) -> None:
    """Show exactly what would leave; send it where a URL was given and the person, having seen it, says yes."""
    import hashlib

    from sekisho.checkup.report import upload
    from sekisho.checkup.state import append_line

    with talk.told_errors():
        octets = upload.body(body, case)
        typer.echo(octets.decode())
        if url is None:
            typer.echo(talk.sentence("upload_kept_back", lang), err=True)
            return
        if not typer.confirm(talk.sentence("upload_ask", lang, url=url), err=True):
            typer.echo(talk.sentence("upload_kept_back", lang), err=True)
            raise typer.Exit(1)
        row = {"at_ms": talk.now_ms(), "url": url, "sha256": hashlib.sha256(octets).hexdigest()}
        append_line(directory / "uploads.jsonl", row)
        status = upload.send(url, octets)
    typer.echo(talk.sentence("upload_done", lang, status=status), err=True)


def _write_sheets(body: dict[str, Any], folder: Path) -> None:
    from sekisho.checkup.report.sheet import sheets
    from sekisho.core.errors import InputError

    with talk.told_errors():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for device, text in sheets(body).items():
                (folder / f"{device}.md").write_text(text, "utf-8")
        except OSError as error:
            raise InputError(folder, f"expected a folder that can be written, found: {error.strerror}") from error


def _print_packets(lang: Lang) -> None:
    from sekisho.checkup.spoken import packets
    from sekisho.measures.model import Language as Wording

    for line in packets(Wording(lang)):
        typer.echo(f"- {line}")


def _print_devices(devices: Any, notes: Any, form: Form, lang: Lang) -> None:
    import json

    from sekisho.checkup.spoken import note
    from sekisho.measures.model import Language as Wording

    rows = [
        {"id": d.id, "addresses": list(d.addresses), "traits": sorted(f"{t.kind} {t.value}" for t in d.traits)}
        for d in devices
    ]
    if form is Form.JSON:
        typer.echo(json.dumps({"devices": rows, "notes": list(notes)}, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['id']}  {', '.join(row['addresses'])}  {'; '.join(row['traits'])}")
    for text in notes:
        typer.echo(note(text, Wording(lang)), err=True)


def _directory(state: Path | None) -> Path:
    from sekisho.checkup.state import default_state_directory

    return state or default_state_directory()
