"""TCP connect: is a service there, and what does it greet with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate
    from sekisho.checkup.jobs import Job

GREETS_FIRST = frozenset({21, 25, 110, 143})
"""Services whose protocol lets the server speak first, and which no probe of their own reads."""


@dataclass(frozen=True, slots=True)
class Open:
    """A port that accepts connections.

    Attributes:
        banner: what the service greeted with, printable; "" where it waits for the client.
    """

    banner: str = ""


async def run(job: Job, gate: Gate) -> Open:
    """Connect and read a greeting line where one comes by itself."""
    async with gate.connect(job.address, job.port) as stream:
        if job.port not in GREETS_FIRST:
            return Open()
        return Open(printable(await stream.read_until(lambda got: b"\n" in got)))
