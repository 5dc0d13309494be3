"""Lines files (what a line is, and how fast), and telling them from assignments files."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.keys import line_keys
from sekisho.attribution.tabular import Tabular
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from sekisho.attribution.tabular import Block

REQUIRED = ("line_id", "access_kind", "group", "up_bps", "down_bps", "link")
OPTIONAL = ("reseller", "exempt_until", "exempt_reason")


class LineGroup(StrEnum):
    """Who stands behind a line; policy and texts differ."""

    HOME = "home"
    BUSINESS = "business"
    BUILDING = "building"
    RESELLER = "reseller"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInfo:
    """One contract.

    Attributes:
        up_bps, down_bps: contracted speed, bits a second; None where not known.
        exempt_until_ms: milliseconds UTC, exclusive; None where the line is not exempt.
    """

    line_id: str
    access_kind: str
    group: LineGroup
    up_bps: int | None
    down_bps: int | None
    link: str
    reseller: str
    exempt_until_ms: int | None
    exempt_reason: str


class FileKind(StrEnum):
    """What a file given with ``--lines`` holds."""

    ASSIGNMENTS = "assignments"
    LINES = "lines"


def read_lines_file(path: Path) -> tuple[FileKind, Tabular]:
    """Tell an assignments file (it has prefixes) from a lines file (it has access kinds) by the header.

    Raises:
        InputError: unreadable, or neither of the two.
    """
    file = Tabular.open(path)
    for column, kind in (("prefix", FileKind.ASSIGNMENTS), ("access_kind", FileKind.LINES)):
        if column in file.names:
            return kind, file
    expected = "assignments (line_id,prefix,…) or lines (line_id,access_kind,…)"
    raise InputError(path, f"expected {expected}, found the columns {','.join(file.names)}", line=1)


@dataclass(slots=True, kw_only=True)
class Lines:
    """Lines by key, from any number of lines files."""

    key: bytes
    _lines: dict[int, LineInfo] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._lines)

    def get(self, key: int) -> LineInfo | None:
        """The line of a key, None where no file told about it."""
        return self._lines.get(key)

    def links(self) -> Iterator[tuple[int, str]]:
        """Key and link of every line."""
        return ((key, line.link) for key, line in self._lines.items())

    def read(self, file: Tabular) -> None:
        """Add a file's rows.

        Raises:
            InputError: a malformed row, or a line that was given before: one ``line_id`` is one contract.
        """
        file.check_columns(REQUIRED, OPTIONAL)
        for block in file.blocks():
            lines = list(_lines(block))
            keys = line_keys((line.line_id for line in lines), self.key)
            for row, (key, line) in enumerate(zip(keys.tolist(), lines, strict=True)):
                if key in self._lines:
                    raise block.refuse(row, "line_id", expected="each line once", found=line.line_id)
                self._lines[key] = line


def _lines(block: Block) -> Iterator[LineInfo]:
    columns = (
        block.required("line_id"),
        block.texts("access_kind").fill_null(""),
        _groups(block),
        _speeds(block, "up_bps"),
        _speeds(block, "down_bps"),
        block.texts("link").fill_null(""),
        block.texts("reseller").fill_null(""),
        block.instants("exempt_until"),
        block.texts("exempt_reason").fill_null(""),
    )
    names = LineInfo.__dataclass_fields__
    for cells in zip(*(column.to_pylist() for column in columns), strict=True):
        values = dict(zip(names, cells, strict=True))
        yield LineInfo(**values | {"group": LineGroup(values["group"])})


def _groups(block: Block) -> pa.Array:
    groups = block.required("group")
    known = [group.value for group in LineGroup]
    for row, group in enumerate(groups.to_pylist()):
        if group not in known:
            raise block.refuse(row, "group", expected=" or ".join(known), found=group)
    return groups


def _speeds(block: Block, name: str) -> pa.Array:
    speeds = block.numbers(name)
    wrong = np.flatnonzero(speeds.fill_null(1).to_numpy(zero_copy_only=False) <= 0)
    if len(wrong):
        row = int(wrong[0])
        raise block.refuse(row, name, expected="bits a second, or empty where not known", found=speeds[row].as_py())
    return speeds
