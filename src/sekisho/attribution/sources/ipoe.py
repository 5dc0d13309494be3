"""IPoE hand-over lists: contract, prefix, from, to, as the VNE or the access carrier hands them over.

CSV: ``contract,prefix,from,to``; times with their zone, an empty ``to`` is still held. The retail ISP sees no session:
this list is all it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import Begin, Held
from sekisho.attribution.tabular import Tabular
from sekisho.core.address import parse_prefix
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUIRED = ("contract", "prefix", "from", "to")


def read_hand_over(path: Path, *, realm: str = "") -> Iterator[Begin]:
    """The rows of a list, each a contract's hold of one prefix.

    Raises:
        InputError: a malformed row, or none at all: an empty list would end nobody's hold and say nothing.
    """
    file = Tabular.open(path)
    file.check_columns(REQUIRED, ())
    empty = True
    for block in file.blocks():
        begins, ends = block.instants("from").to_pylist(), block.instants("to").to_pylist()
        rows = zip(block.required("contract").to_pylist(), block.required("prefix").to_pylist(), strict=True)
        for row, (contract, text) in enumerate(rows):
            empty = False
            begin, end = begins[row], ends[row]
            if begin is None:
                raise block.refuse(row, "from", expected="an ISO 8601 time with its zone", found=None)
            if end is not None and end < begin:
                raise block.refuse(row, "to", expected="a time not before from", found=block.texts("to")[row].as_py())
            try:
                prefix = parse_prefix(text)
            except ValueError:
                raise block.refuse(row, "prefix", expected="a prefix without host bits", found=text) from None
            yield Begin(
                at_ms=begin,
                received_ms=begin,
                server="ipoe",
                session=f"{contract} {prefix} {begin}",
                holder=contract,
                held=(Held(prefix=prefix, realm=realm),),
                until_ms=end,
            )
    if empty:
        raise InputError(path, "expected at least one contract, found none")
