"""``sekisho config``: is the file right, and which values hold."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sekisho.core.config import Config
    from sekisho.core.config_layers import Layers

CHECK_EXAMPLES = """
Examples:

    sekisho config check sekisho.toml

    sekisho config check sekisho.toml --dns

    SEKISHO_ATTRIBUTION__CLOCK_MARGIN_S=5 sekisho config check sekisho.toml
"""

SHOW_EXAMPLES = """
Examples:

    sekisho config show sekisho.toml

    sekisho config show --format json
"""

app = typer.Typer(no_args_is_help=True, help="Check and show the configuration.")


class Form(StrEnum):
    """How the configuration is shown."""

    TOML = "toml"
    JSON = "json"


@app.command(epilog=CHECK_EXAMPLES)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="sekisho.toml.")],
    dns: Annotated[bool, typer.Option("--dns", help="Also ask the DNS about the sender: DKIM, SPF, DMARC.")] = False,
) -> None:
    """Check a configuration file together with the environment.

    Warnings name what works but is risky; they do not change the exit status.
    """
    from sekisho.core.config import validate
    from sekisho.core.config_review import require_files, warnings_of

    config = validate(_layers(file))
    require_files(config, file)
    _require_policy(config)
    _require_detectors(config, file)
    _require_processes(config, file)
    for warning in (*warnings_of(config), *_mail_warnings(config, dns=dns)):
        typer.echo(f"sekisho: {file}: {warning}", err=True)
    count = len(config.exporter)
    typer.echo(f"{file}: OK, {count} exporter{'' if count == 1 else 's'}")


@app.command(epilog=SHOW_EXAMPLES)
def show(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="sekisho.toml; without it the defaults are shown.")
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="TOML with comments for people, JSON for programs.")
    ] = Form.TOML,
) -> None:
    """Show every value that holds, and where it comes from: default, file or environment."""
    import json

    from sekisho.core.config import validate
    from sekisho.core.config_review import as_toml, settings_of

    layers = _layers(file)
    settings = settings_of(validate(layers), layers)
    if form is Form.JSON:
        typer.echo(json.dumps([s.as_dict() for s in settings], ensure_ascii=False, indent=2))
    else:
        typer.echo(as_toml(settings), nl=False)


def _mail_warnings(config: Config, *, dns: bool) -> list[str]:
    from sekisho.notices.mail_check import dns_warnings, key_warnings, txt_records

    if config.mail.host is None:
        return []
    return [*key_warnings(config.mail), *(dns_warnings(config.mail, txt_records) if dns else ())]


def _require_policy(config: Config) -> None:
    from sekisho.cases.policy import load_policy

    load_policy(config.cases.policy)


def _require_processes(config: Config, file: Path) -> None:
    """Where `serve` is told what to run; without names a file may be for `analyze` alone."""
    from sekisho.serve.processes import processes_of

    if config.serve.processes:
        processes_of(config, file)


def _require_detectors(config: Config, file: Path) -> None:
    """Ask the operator's own detectors about empty tables, as every start does."""
    from sekisho.pipeline.detecting import detectors_of
    from sekisho.query.duckdb import DuckDBEngine

    engine = DuckDBEngine()
    try:
        detectors_of(config.detect, engine=engine, config_file=file)
    finally:
        engine.close()


def _layers(file: Path | None) -> Layers:
    from sekisho.core.config_layers import read_layers

    return read_layers(file, os.environ)
