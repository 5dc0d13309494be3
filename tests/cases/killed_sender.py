"""A sender that a test kills: the real outbox, and the channel that drops files."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from cases.sending import message, policy, same
from sekisho.notices.channels.drop import DropChannel
from sekisho.notices.sender import Sender


def main(url: str, folder: str, now_ms: str, until: str) -> None:
    sender = Sender(
        url, policy(daily_cap=1_000), channels={"mail": DropChannel(Path(folder))}, compose=message, resolve=same,
        now_ms=lambda: int(now_ms),
    )  # fmt: skip
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not sender.run() and until == "something leaves":
        time.sleep(0.001)


if __name__ == "__main__":
    main(*sys.argv[1:])
