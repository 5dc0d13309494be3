"""One process of `sekisho serve`: ``python -m sekisho.serve NAME CONFIG``; the supervisor starts it so."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from sekisho.core.errors import SekishoError
from sekisho.core.log import logger
from sekisho.serve.processes import PROCESSES


def main() -> int:
    """Run a process until it ends."""
    name, config_file = sys.argv[1:]
    module = next(process.module for process in PROCESSES if process.name == name)
    try:
        status: int = import_module(module).main(Path(config_file))
    except SekishoError as error:
        logger().error(str(error), process=name)
        return error.exit_status
    return status


if __name__ == "__main__":
    sys.exit(main())
