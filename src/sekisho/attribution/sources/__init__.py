"""Sources of assignments, a file or folder each."""

from __future__ import annotations

SOURCES: dict[str, str] = {
    "radius detail": "radius.detail",
    "radius listener": "radius.listener",
    "radius radacct": "radius.radacct",
    "kea": "kea",
    "cgnat": "cgnat",
    "deterministic nat": "deterministic_nat",
    "ds-lite": "ds_lite",
    "lw4o6": "lw4o6",
    "ipoe": "ipoe",
}
"""What a source is called -> its module in this folder; each has a test and a place in docs/how-to."""
