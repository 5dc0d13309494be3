"""A process that answers in a browser: until it is asked to end, or its server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.alarms import Alarms
from sekisho.core.log import logger
from sekisho.core.time import now_ms
from sekisho.serve.status import EVERY_S, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sekisho.core.metrics import Sample
    from sekisho.serve.ending import Asked
    from sekisho.web.base.server import WebServer


def answer(
    name: str,
    server: WebServer,
    *,
    asked: Asked,
    directory: Path,
    samples: Callable[[], Iterable[Sample]] = lambda: (),
) -> int:
    """Run a server, and tell of it; the exit status.

    Args:
        name: of the process.
        server: inert.
        asked: to end.
        directory: of the processes' state.
        samples: what it tells.

    Raises:
        InputError: the address cannot be listened at.
    """
    server.start()
    logger().info(f"the {name} answers", port=server.port)
    alarms = Alarms(now_ms)
    while not asked.end.is_set() and server.failed is None:
        tell(directory, name, at_ms=now_ms(), samples=samples(), alarms=alarms)
        asked.end.wait(EVERY_S)
    server.close()
    if server.failed is not None:
        raise server.failed
    logger().info(f"the {name} ends")
    return 0
