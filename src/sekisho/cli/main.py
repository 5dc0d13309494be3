"""``sekisho``: the commands, and what becomes of an error."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from sekisho import __version__
from sekisho.cli import analyze, cases, checkup, decode
from sekisho.cli import audit as audit_commands
from sekisho.cli import batch as batch_commands
from sekisho.cli import case_acts as _case_acts  # noqa: F401 (its commands stand under `cases`)
from sekisho.cli import config as config_commands
from sekisho.cli import contacts as contact_commands
from sekisho.cli import hunt as hunt_command
from sekisho.cli import lines as lines_commands
from sekisho.cli import notice as notice_commands
from sekisho.cli import reports as reports_commands
from sekisho.cli import serve as serve_command
from sekisho.cli import simulate as simulate_commands
from sekisho.cli import users as users_commands
from sekisho.cli.extras import extras_of
from sekisho.core.errors import SekishoError

app = typer.Typer(
    name="sekisho",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Finds the subscriber lines that send unintended mass traffic, from the routers' flow exports.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("analyze", epilog=analyze.EXAMPLES)(analyze.analyze)
app.command("decode", epilog=decode.EXAMPLES)(decode.decode)
app.command("serve", epilog=serve_command.EXAMPLES)(serve_command.serve)
app.command("simulate", epilog=simulate_commands.EXAMPLES)(simulate_commands.simulate)
app.command("hunt", epilog=hunt_command.EXAMPLES)(hunt_command.hunt)
app.add_typer(audit_commands.app, name="audit")
app.add_typer(batch_commands.app, name="batch")
app.add_typer(cases.app, name="cases")
app.add_typer(checkup.app, name="checkup")
app.add_typer(config_commands.app, name="config")
app.add_typer(lines_commands.app, name="lines")
app.add_typer(contact_commands.app, name="contacts")
app.add_typer(notice_commands.app, name="notice")
app.add_typer(reports_commands.app, name="reports")
app.add_typer(users_commands.app, name="users")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sekisho {__version__}")
        raise typer.Exit


@app.callback()
def sekisho(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def run() -> None:
    """Entry point: an error of ours becomes one sentence on stderr and its exit status."""
    try:
        app()
    except SekishoError as error:
        sys.stderr.write(f"sekisho: {error}\n")
        sys.exit(error.exit_status)
    except ModuleNotFoundError as error:
        extras = extras_of(error.name)
        if not extras:
            raise
        sys.stderr.write(
            f"sekisho: this command needs {error.name}, which comes with the extra {' or '.join(extras)}: "
            f"pip install 'sekisho[{extras[0]}]'\n"
        )
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has left (`| head`): that is no failure, and nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
