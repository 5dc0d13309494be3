"""Cases as the texts get them, of every kind, and an operator whose names are plainly examples."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cases.documents import NOW_MS, T0_MS, detection, document
from sekisho.cases.database import reading
from sekisho.cases.model import Case, Extent
from sekisho.cases.read import get_case
from sekisho.cases.record import NEVER_A_CASE, record_analysis
from sekisho.core.config import Operator
from sekisho.schema.detection import KINDS

CASE_KINDS = (*(kind for kind in KINDS if kind not in NEVER_A_CASE), "x_own")

OPERATOR = Operator(
    name_ja="サンプルネット",
    name_en="Sample Net",
    contact_ja="お客様サポート窓口",
    contact_en="Customer support",
    telephone="0120-000-000",
    hours_ja="9時から18時まで",
    hours_en="9 to 18 o'clock",
    site="www.isp.example",
)

EXTENT = Extent(
    kinds=("udp_flood", "scan"), first_seen_ms=T0_MS, last_seen_ms=NOW_MS, lines=137, links=("bng-1/0", "bng-2/0")
)

LINE_ID, SOURCE = "L000123", "100.72.0.48"
TARGETS = [
    {"prefix": "203.0.113.0/24", "port": 23, "protocol": 17, "share": 0.6},
    {"prefix": "2001:db8:77::/48", "port": 2323, "protocol": 17, "share": 0.3},
]


def case_of(*kinds: str, **changes: Any) -> Case:
    """A case with one detection a kind, the first the worst, out of a real database."""
    found = [
        detection(LINE_ID, kind, source=SOURCE, peak_bps=231e6 / (place + 1), **{"top_targets": TARGETS} | changes)
        for place, kind in enumerate(kinds)
    ]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'cases.db')}"
        record_analysis(url, document(*found), now_ms=NOW_MS)
        with reading(url) as connection:
            return get_case(connection, 1)
