"""``sekisho serve``: receive exports day and night."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
Examples:

    sekisho config check sekisho.toml && sekisho serve --config sekisho.toml

    kill -HUP PID                             read the configuration anew, or refuse it whole

    curl http://127.0.0.1:9655/health         is every process up, and what is wrong

    curl http://127.0.0.1:9655/metrics        for Prometheus
"""


def serve(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration, `sekisho.toml`.")],
) -> None:
    """Receive NetFlow, IPFIX and sFlow from the configured exporters, and decide within seconds.

    Keeps flows in `[store]`, cases in `[cases]` and its own state in `[serve]`. SIGTERM ends it within ten seconds;
    what goes on then goes on after the next start.
    """
    from sekisho.serve.supervisor import Supervisor

    raise typer.Exit(Supervisor(config_file=config).run())
