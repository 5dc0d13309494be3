"""What was measured so far: a JSON line for each finished piece, so that hours of measuring spread over sessions."""

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
        key: what was measured; no two pieces of a part have the same.
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
    """The pieces of one file, or of this run alone where there is none."""

    path: Path | None = None
    pieces: list[Piece] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            lines = self.path.read_text(encoding="utf-8").splitlines()
            self.pieces += [Piece(**json.loads(line)) for line in lines]

    def of(self, part: str) -> list[Piece]:
        """Pieces of a part, in the order in which they were measured."""
        return [piece for piece in self.pieces if piece.part == part]

    def has(self, part: str, key: list[Any]) -> bool:
        """Whether this piece was measured."""
        return any(piece.part == part and piece.key == key for piece in self.pieces)

    def add(self, part: str, key: list[Any], value: Any, *, seconds: float) -> None:
        """Keep a piece, at once: what is interrupted has lost the piece that ran."""
        piece = Piece(part=part, key=key, commit=str(machine()["commit"]), seconds=seconds, value=value)
        self.pieces.append(piece)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(piece), ensure_ascii=False) + "\n")

    def told(self, part: str) -> str:
        """Which code was judged, and how long that took."""
        pieces = self.of(part)
        commits = list(dict.fromkeys(piece.commit for piece in pieces))
        minutes = sum(piece.seconds for piece in pieces) / 60
        return f"Commit {', '.join(commits)}; {minutes:,.0f} minutes of one core."
