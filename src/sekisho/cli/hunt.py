"""``sekisho hunt``: which lines sent to an address, in counts, for a stated purpose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sekisho.cli.analyze import Form, Language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sekisho.core.address import IPNetwork
    from sekisho.core.config import Config
    from sekisho.core.purposes import Purpose
    from sekisho.store.hunt import Found, Period
    from sekisho.store.targets import Targets

EXAMPLES = """
Examples:

    sekisho hunt --store /var/lib/sekisho/flows --to 198.51.100.20 --purpose own_network_protection

    sekisho hunt --store flows --indicators feed.csv --from 2026-11-24T00:00+09:00 --purpose third_party_report

    sekisho hunt --config sekisho.toml --to 2001:db8::53 --purpose own_network_protection --format json
"""


def hunt(
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder of the flow store; else [store] directory.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="ADDRESS", help="Who sent to this address.")] = None,
    indicators: Annotated[
        Path | None, typer.Option("--indicators", help="Who sent to one of these: plain list, CSV, MISP, STIX 2.1.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Flows under way then or later; ISO 8601 with zone.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Flows under way before; ISO 8601 with zone.")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option("--purpose", metavar="CODE", help="What for; without a code nothing is answered.")
    ] = None,
    cases: Annotated[
        str | None, typer.Option("--cases", help="Case database, sqlite:///PATH: names the lines with an open case.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="sekisho.toml.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also say what was read, and what did not need to.")
    ] = False,
    form: Annotated[Form, typer.Option("--format", help="Table for people, JSON for programs.")] = Form.TABLE,
    lang: Annotated[
        Language | None, typer.Option("--lang", help="Language of the table; else that of the environment.")
    ] = None,
) -> None:
    """Count the flows to an address or to indicators: by hour, by line, by indicator.

    Lines stand there under their keys, which name nobody; only a line with an open case is named. Nothing but what was
    asked for is shown of where traffic went. Every hunt is written to the audit file of the store before it is
    answered.
    """
    from sekisho.cli.cases import configuration
    from sekisho.core.purposes import purpose_of
    from sekisho.store.hunt import hunt as search

    stated = purpose_of(purpose or "")
    settings = configuration(config)
    root = _folder(store, settings)
    targets, asked = _targets(to, indicators, settings)
    period = _period(since, until)
    named = _named(cases or settings.cases.url, settings)
    found = search(root, targets, period)
    _record(root, stated, {**asked, **_times(period)}, found)
    _answer(found, targets, stated, named, form=form, lang=lang or Language.of_environment(), explain=explain)


def _answer(
    found: Found,
    targets: Targets,
    stated: Purpose,
    named: Mapping[int, tuple[int, str]],
    *,
    form: Form,
    lang: Language,
    explain: bool,
) -> None:
    from sekisho.cli import hunt_view

    if form is Form.JSON:
        import json

        document = hunt_view.document(found, targets, stated, named, explain=explain)
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        hunt_view.show(found, targets, stated, named, lang=lang.value, explain=explain)


def _folder(store: Path | None, settings: Config) -> Path:
    from sekisho.core.errors import InputError

    root = store or settings.store.directory
    if root is None:
        raise InputError("flow store", "expected --store DIR, or [store] directory in the file that --config names")
    return root


def _targets(to: str | None, indicators: Path | None, settings: Config) -> tuple[Targets, dict[str, Any]]:
    """What is looked for, and how the audit file tells it."""
    from sekisho.core.errors import InputError
    from sekisho.store.targets import Targets

    if (to is None) == (indicators is None):
        raise InputError("hunt", "expected one of --to ADDRESS and --indicators FILE")
    if to is not None:
        return _one_address(to), {"to": to}
    from hashlib import sha256

    from sekisho.detect.indicators.read import read_indicators

    assert indicators is not None, "one of the two was given"

    def is_ours(network: IPNetwork) -> bool:
        return any(ours.version == network.version and ours.overlaps(network) for ours in settings.network.prefixes)

    read = read_indicators([indicators], is_ours=is_ours)
    for report in read.reports:
        skipped = sum(report.skipped.values())
        if skipped:
            typer.echo(f"sekisho: {report.name}: {skipped} entries left out, such as {report.example}", err=True)
    digest = sha256(indicators.read_bytes()).hexdigest()
    return Targets.of_indicators(read.table), {"indicators": indicators.name, "sha256": digest, "entries": len(read)}


def _one_address(text: str) -> Targets:
    from sekisho.core.address import parse_address
    from sekisho.core.errors import InputError
    from sekisho.store.targets import Targets

    try:
        return Targets.of_address(parse_address(text))
    except ValueError:
        raise InputError("--to", f"expected an IP address, found {text!r}") from None


def _period(since: str | None, until: str | None) -> Period:
    from sekisho.core.errors import InputError
    from sekisho.core.time import parse_time
    from sekisho.store.hunt import Period

    bounds: dict[str, int] = {}
    for name, option, text in (("from_ms", "--from", since), ("until_ms", "--until", until)):
        if text is not None:
            try:
                bounds[name] = parse_time(text)
            except ValueError as error:
                raise InputError(option, f"expected {error}") from None
    period = Period(**bounds)
    if period.until_ms <= period.from_ms:
        raise InputError("--until", "expected a time after that of --from")
    return period


def _times(period: Period) -> dict[str, str]:
    from sekisho.core.time import iso
    from sekisho.store.hunt import Period

    always = Period()
    times = {}
    if period.from_ms != always.from_ms:
        times["from"] = iso(period.from_ms)
    if period.until_ms != always.until_ms:
        times["until"] = iso(period.until_ms)
    return times


def _named(url: str | None, settings: Config) -> dict[int, tuple[int, str]]:
    """Key of a line with an open case -> number of the case, identifier of the line."""
    if url is None:
        return {}
    from sekisho.attribution.keys import UNKEYED, line_keys, read_key_file
    from sekisho.cases.database import reading
    from sekisho.cases.read import find_cases
    from sekisho.cases.states import OPEN

    key = read_key_file(settings.privacy.key_file) if settings.privacy.key_file is not None else UNKEYED
    with reading(url) as connection:
        open_cases = find_cases(connection, states=OPEN)
    keys = line_keys((case.line_id for case in open_cases), key).tolist()
    return {number: (case.number, case.line_id) for number, case in zip(keys, open_cases, strict=True)}


def _record(root: Path, stated: Purpose, asked: Mapping[str, Any], found: Found) -> None:
    from sekisho.core.time import now_ms
    from sekisho.store import audit

    answered = {"lines": found.total.lines, "records": found.total.records}
    audit.record(
        root / audit.AUDIT,
        at_ms=now_ms(),
        who=caller(),
        action="hunt",
        purpose=stated.code,
        details={"asked": asked, "answered": answered},
    )


def caller() -> str:
    """Who runs this, as the system knows them; the environment could claim anybody."""
    import os
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
