"""A quarter of an hour of `sekisho serve`: memory stays, nothing is lost, floods are found."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from sekisho.serve.status import told
from steady_exports import RECORDS, resident_mib, sending, serving, sum_of

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDS_PER_S = 20_000
SETTLED_S = 300
"""After so long what is made at the start, and the first of everything, is there."""

SLOPE_MIB_A_MINUTE = 1.0

TOLD_S = 12
"""By then a tick is over and the collector has told of it."""


class Look(NamedTuple):
    """Resident memory of a process at a time, MiB."""

    at_s: float
    collector: float
    keeper: float


def resident(folder: Path, process: str) -> float:
    return resident_mib(json.loads((folder / "state" / "status" / f"{process}.json").read_text())["pid"])


def slope_a_minute(at_s: list[float], mib: list[float]) -> float:
    return float(np.polyfit(np.array(at_s) / 60, mib, 1)[0])


@pytest.mark.prove
@pytest.mark.parametrize("seconds", [900])
def test_soak(tmp_path: Path, record_property: Callable[[str, object], None], seconds: int):
    """20,000 records/s: after minute 5 memory grows by less than 1 MiB a minute; every record is accounted for."""
    looks: list[Look] = []
    with serving(tmp_path) as port:
        with sending(port, records_per_s=RECORDS_PER_S) as sender:
            started_s = time.monotonic()
            while (at_s := time.monotonic() - started_s) < seconds:
                looks.append(Look(at_s, resident(tmp_path, "collector"), resident(tmp_path, "keeper")))
                time.sleep(5)
        time.sleep(TOLD_S)
        status = told(tmp_path / "state", "collector")
    at_s, collector, keeper = map(list, zip(*(look for look in looks if look.at_s >= SETTLED_S), strict=True))
    slopes = {"collector": slope_a_minute(at_s, collector), "keeper": slope_a_minute(at_s, keeper)}
    lost = int(sum_of(status, "export_units_lost_total"))
    record_property("records", sender.sent)
    record_property("datagrams lost", lost)
    record_property(
        "MiB after 0, 5 and 15 minutes", [round(mib) for mib in (looks[0].collector, collector[0], collector[-1])]
    )
    record_property("MiB a minute", {name: round(slope, 3) for name, slope in slopes.items()})
    assert all(slope < SLOPE_MIB_A_MINUTE for slope in slopes.values()), (slopes, collector)
    # Where others leave it no time it loses datagrams, and knows of each.
    assert lost == sum_of(status, "kernel_drops_total") + sum_of(status, "shed_total")
    missing = sender.sent - sum_of(status, "records_total")
    assert 0 <= missing <= lost * RECORDS
    assert sum_of(status, "stored_records_total") == sender.sent - missing
    assert sum_of(status, "episodes") >= seconds // 120
