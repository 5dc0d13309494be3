"""Which lines of a scenario are infected, and which ones do something that resembles it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sekisho.simulate.barrages import Target
from sekisho.simulate.conversations import Use
from sekisho.simulate.lines import ACCESS
from sekisho.simulate.look_alikes import LOOK_ALIKES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.lines import Lines
    from sekisho.simulate.look_alikes import LookAlike
    from sekisho.simulate.scenario import LookAlikePart, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A look-alike on its lines: their numbers, and from when until when, milliseconds UTC."""

    row: LookAlike
    lines: NDArray[np.int64]
    from_ms: int
    until_ms: int

    def uses(self) -> Iterator[Use]:
        """Its applications."""
        for application in self.row.applications:
            yield Use(application=application, lines=self.lines, from_ms=self.from_ms, until_ms=self.until_ms)

    def targets(self) -> Iterator[Target]:
        """What it receives."""
        for barrage in self.row.barrages:
            for line in self.lines.tolist():
                yield Target(barrage=barrage, line=line, from_ms=self.from_ms, until_ms=self.until_ms)


class Placing:
    """Gives every attack a line of its own, then every look-alike as many as it wants.

    Attributes:
        infected: line of each attack.
        look_alikes: on their lines.
    """

    def __init__(self, scenario: Scenario, lines: Lines, rng: Generator) -> None:
        self._scenario, self._lines = scenario, lines
        self._free = {access: rng.permutation(lines.of(code)).tolist() for code, access in enumerate(ACCESS)}
        self.infected = [self._take(part.access, part.pps * max(part.octets) * 8) for part in scenario.attack]
        self.look_alikes = [self._placed(part) for part in scenario.look_alike]

    def _take(self, access: str, needed_bps: float) -> int:
        """A free line that is fast enough, where there is one; a simulation never changes a contract."""
        free = self._free[access]
        line = next((line for line in free if self._lines.up_bps[line] >= needed_bps), free[0])
        free.remove(line)
        return int(line)

    def _placed(self, part: LookAlikePart) -> Placed:
        row, start_ms = LOOK_ALIKES[part.name], self._scenario.start_ms
        from_ms = start_ms + int(part.start_s * 1000)
        until_ms = self._scenario.end_ms if part.duration_s is None else from_ms + int(part.duration_s * 1000)
        if row.everywhere:
            codes = [ACCESS.index(access) for access in row.access]
            lines = np.flatnonzero(np.isin(self._lines.access, codes))
        else:
            needed_bps = max(
                (float(a.up_pps * a.up_octets * 8 * max(1, a.always)) for a in row.applications), default=0
            )
            lines = np.array([self._take(part.line_access, needed_bps) for _ in range(part.lines)], np.int64)
        return Placed(row=row, lines=lines, from_ms=from_ms, until_ms=until_ms)
