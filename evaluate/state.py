"""What was measured so far: a JSON line for each finished piece, so that hours of measuring spread over sessions.

Nothing is ever taken out: what an earlier commit showed stays beside what a later one shows.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bench.measure import machine

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One finished piece of a part.

    Attributes:
        part: of the page.
        key: what was measured; of two pieces of a part with the same, the later counts.
        commit: of the code that was judged.
        seconds: of wall-clock time.
        value: as JSON.
    """

    part: str
    key: list[Any]
    commit: str
    seconds: float
    value: Any


@dataclass(slots=True)
class State:
    """The pieces of a folder, a file a part, or of this run alone where there is none.

    Attributes:
        again: what was measured before this run is measured once more.
    """

    path: Path | None = None
    again: bool = False
    pieces: list[Piece] = field(default_factory=list)
    added: list[Piece] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path is not None:
            for file in sorted(self.path.glob("*.jsonl")):
                self.pieces += [Piece(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]

    def all_of(self, part: str) -> list[Piece]:
        """Pieces of a part, in the order in which they were measured."""
        return [piece for piece in self.pieces if piece.part == part]

    def of(self, part: str) -> list[Piece]:
        """The latest piece of each key of a part."""
        return list({json.dumps(piece.key): piece for piece in self.all_of(part)}.values())

    def has(self, part: str, key: list[Any]) -> bool:
        """Whether this piece need not be measured."""
        known = self.added if self.again else self.pieces
        return any(piece.part == part and piece.key == key for piece in known)

    def add(self, part: str, key: list[Any], value: Any, *, seconds: float) -> None:
        """Keep a piece, at once: what is interrupted has lost the piece that ran."""
        piece = Piece(part=part, key=key, commit=str(machine()["commit"]), seconds=seconds, value=value)
        self.pieces.append(piece)
        self.added.append(piece)
        if self.path is not None:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / f"{part}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(piece), ensure_ascii=False) + "\n")

    def told(self, part: str) -> str:
        """Which code was judged by the pieces that count, and how long that took."""
        pieces = self.of(part)
        commits = list(dict.fromkeys(piece.commit for piece in pieces))
        minutes = sum(piece.seconds for piece in pieces) / 60
        return f"Commit {', '.join(commits)}; {minutes:,.0f} minutes of one core."
