"""The collector's memory over hours of stream time: what the hour of windows needs, and then no more."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from sekisho.core.config import load_config
from sekisho.serve import collector
from sekisho.serve.collector import Collector
from sekisho.wire.datagrams import Datagrams
from steady_exports import Exports, resident_mib, write_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T0_MS = 1_795_559_400_000
RECORDS_PER_S = 1_000
FULL_S = 4_500
"""An hour of windows, and what is made at its end."""

MOST_MIB = 12.0
"""The engine's database grows by some of them until it is begun anew."""


@pytest.mark.prove
@pytest.mark.parametrize("seconds", [3 * 3600])
def test_memory_stays_once_an_hour_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None], seconds: int
):
    """Floods of one line after the other, store, checkpoint and cases: nothing is held for longer than its time."""
    now = [T0_MS]
    monkeypatch.setattr(collector, "now_ms", lambda: now[0])
    config = write_config(tmp_path, 9)
    process = Collector(load_config(config, environ={}), config_file=config)
    process._exporters.start()
    process._live.start()
    assert process._cases is not None
    process._cases.start()
    code, exports, looks = process._exporters.code("127.0.0.1"), Exports(records_per_s=RECORDS_PER_S), {}
    for second in range(seconds):
        now[0] = T0_MS + second * 1000
        datagrams = [(now[0], code, 50_000, datagram) for datagram in exports.due(second, now[0])]
        process._live.receive(Datagrams.of(datagrams))
        if second % 900 == 0:
            gc.collect()
            looks[second] = resident_mib()
    episodes = len(process._live.run.detect.report().detections)
    process._live.close()
    process._cases.close(wait_s=10)
    full = [mib for second, mib in looks.items() if second >= FULL_S]
    record_property("hours", seconds / 3600)
    record_property("records", exports.records)
    record_property("MiB by quarter of an hour", [round(mib) for mib in looks.values()])
    assert episodes > 0
    assert max(full) - full[0] < MOST_MIB, looks
