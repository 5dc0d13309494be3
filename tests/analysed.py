"""A simulated network analysed with what stands beside its capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.pipeline.batch import analyze

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.pipeline.analysis import Analysis


def analysed(folder: Path, *indicators: Path, config: str = "") -> Analysis:
    """The folder's capture with its lines, rules and configuration, to which ``config`` is added."""
    config_file = folder / "with.toml"
    config_file.write_text((folder / "sekisho.toml").read_text(encoding="utf-8") + config, encoding="utf-8")
    return analyze(
        [str(folder / "flows.pcap")],
        lines=[folder / "assignments.csv", folder / "lines.csv"],
        map_e=folder / "map-e.toml",
        engine="duckdb",
        config_file=config_file,
        on_progress=lambda *_: None,
        indicators=indicators,
    )
