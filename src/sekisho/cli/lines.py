"""``sekisho lines``: which line held an address, for a stated purpose; and sources of that which are no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sekisho.cli.analyze import Form, Language

if TYPE_CHECKING:
    from sekisho.core.config import Config

WHO_EXAMPLES = """
Examples:

    sekisho lines who 203.0.113.7 --at 2026-11-24T12:00+09:00 --purpose third_party_report --config sekisho.toml

    sekisho lines who 198.51.100.1 --port 40000 --protocol udp --purpose own_network_protection --config sekisho.toml
"""

FORGET_EXAMPLES = """
Examples:

    sekisho lines forget "radius_detail /var/log/radius/detail" --config sekisho.toml

    sekisho lines forget "radius_detail /var/log/radius/detail" --yes --config sekisho.toml
"""

app = typer.Typer(no_args_is_help=True, help="Which line held an address.")


@app.command("who", epilog=WHO_EXAMPLES)
def who(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="IPv4 or IPv6 address.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of that side, where it is known.")] = 0,
    protocol: Annotated[str, typer.Option("--protocol", help="tcp, udp, … or the IANA number.")] = "tcp",
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="ISO 8601 with zone; without it, now.")] = None,
    realm: Annotated[str, typer.Option("--realm", help="Address realm.")] = "",
    purpose: Annotated[
        str | None, typer.Option("--purpose", metavar="CODE", help="What for; without a code nothing is answered.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="sekisho.toml, which names the sources.")] = None,
    form: Annotated[Form, typer.Option("--format", help="Text for people, JSON for programs.")] = Form.TABLE,
    lang: Annotated[
        Language | None, typer.Option("--lang", help="Language of the text; else that of the environment.")
    ] = None,
) -> None:
    """Say which line held an address, and what the answer rests on.

    Assignment, source, interval, certainty, clock margin, how far each source has told, and what else was considered.
    Every question is written to the audit file of the store before it is answered.
    """
    import json
    import os

    from sekisho.cli import lines_view, progress
    from sekisho.core.config import load_config
    from sekisho.core.purposes import purpose_of
    from sekisho.core.time import now_ms
    from sekisho.pipeline.who import answered, question_of

    stated = purpose_of(purpose or "")
    settings = load_config(config, os.environ)
    asked_ms = now_ms()
    question = question_of(address, port=port, protocol=protocol, realm=realm, at=at, now_ms=asked_ms)
    audit_file = _audit_file(settings)
    with progress.bar() as bar:
        document = answered(settings, question, stated, on_progress=bar)
    _record(audit_file, stated.code, asked_ms, document)
    if form is Form.JSON:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        typer.echo(lines_view.text(document, (lang or Language.of_environment()).value))


@app.command("forget", epilog=FORGET_EXAMPLES)
def forget(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Its name, as ``lines who`` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="sekisho.toml, which names the history.")] = None,
) -> None:
    """Remove a source that is gone for good from the history, with all that it told.

    Nothing is settled while a source that once told of sessions tells no more: its next record could change any answer.
    Who takes one out of the configuration forgets it here, then restarts the collector. It cannot be undone.
    """
    import os

    from sekisho.attribution.history.history import History
    from sekisho.cli.hunt import caller
    from sekisho.core.config import load_config
    from sekisho.core.errors import InputError, Refused
    from sekisho.core.time import now_ms
    from sekisho.store import audit

    settings = load_config(config, os.environ)
    path = settings.attribution.history
    if path is None or not path.exists():
        raise InputError("[attribution] history", "expected the file that sources are kept in, found none")
    if source in {each.called for each in settings.source}:
        raise Refused(f"lines forget: {source} is configured and would tell again: take its [[source]] out first")
    with History(path) as history:
        if source not in history.feeds:
            known = ", ".join(sorted(history.feeds)) or "none"
            raise InputError("SOURCE", f"expected one of those that have told anything ({known}), found {source!r}")
        sessions = history.told_by(source)
        if not yes and not typer.confirm(f"Forget {source} and the {sessions:,} sessions that it told of?", err=True):
            raise typer.Exit(1)
        details = {"source": source, "sessions": sessions}
        # It has no purpose: nobody's communication is looked at.
        audit.record(
            _audit_file(settings), at_ms=now_ms(), who=caller(), action="lines_forget", purpose="", details=details
        )
        history.forget_source(source)
    typer.echo(f"{source}: {sessions:,} sessions forgotten; restart the collector", err=True)


def _audit_file(settings: Config) -> Path:
    from sekisho.core.errors import Refused
    from sekisho.store.audit import AUDIT

    if settings.store.directory is None:
        raise Refused("lines who: nothing is answered that cannot be recorded: set [store] directory")
    settings.store.directory.mkdir(parents=True, exist_ok=True)
    return settings.store.directory / AUDIT


def _record(audit_file: Path, purpose: str, now_ms: int, document: dict[str, Any]) -> None:
    from sekisho.cli.hunt import caller
    from sekisho.pipeline.who import summary
    from sekisho.store import audit

    details = summary(document)
    audit.record(audit_file, at_ms=now_ms, who=caller(), action="lines_who", purpose=purpose, details=details)
