"""Prefixes of business lines that no accounting record names: CSV ``line_id,prefix``.

They are routed to the line whenever it has a session, whatever address that session has.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sekisho.attribution.tabular import Tabular
from sekisho.core.address import parse_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.core.address import IPNetwork


def read_static(path: Path) -> dict[str, list[IPNetwork]]:
    """Prefixes by line.

    Raises:
        InputError: a malformed row.
    """
    file = Tabular.open(path)
    file.check_columns(("line_id", "prefix"), ())
    found: defaultdict[str, list[IPNetwork]] = defaultdict(list)
    for block in file.blocks():
        rows = zip(block.required("line_id").to_pylist(), block.required("prefix").to_pylist(), strict=True)
        for row, (line_id, text) in enumerate(rows):
            try:
                found[line_id].append(parse_prefix(text))
            except ValueError:
                raise block.refuse(row, "prefix", expected="a prefix without host bits", found=text) from None
    return dict(found)
