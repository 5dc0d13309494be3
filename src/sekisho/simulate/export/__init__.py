"""Export protocols, the sending side: flow records in, datagrams out. One file a protocol, one row in ``PROTOCOLS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.simulate.export.ipfix import IpfixExport
from sekisho.simulate.export.v5 import V5Export
from sekisho.simulate.export.v9 import V9Export

if TYPE_CHECKING:
    from sekisho.simulate.export.message import Export

PROTOCOLS: dict[str, type[Export]] = {"v5": V5Export, "v9": V9Export, "ipfix": IpfixExport}
"""Name in a scenario -> the exporting process."""
