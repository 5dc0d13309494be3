"""What a link's numbers lack, as a closed list of codes; the report has words for each."""

from __future__ import annotations

from enum import StrEnum


class Missing(StrEnum):
    """An entry of ``missing``."""

    LINES_UNKNOWN = "lines_unknown"
    CAPACITY_UNKNOWN = "capacity_unknown"
    NO_COUNTERS = "no_counters"
    COUNTERS_UNAVAILABLE = "counters_unavailable"
    NO_INTERFACE = "no_interface"
    NOTHING_RECEIVED = "nothing_received"
    INTERFACE_LOAD_LIMIT = "interface_load_limit"
    DIRECTION_UNKNOWN = "direction_unknown"
    DIRECTION_CONTRADICTED = "direction_contradicted"
