"""From a capture file to verdicts: receive, decode, attribute both sides, fold, detect; next to nfacctd."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from bench.measure import Cost, best_of, of_child, show

CAPTURE = Path("build/bench")
"""Made once and kept; ``make clean`` removes it."""

SEED = 1

NFACCTD = """daemonize: false
pcap_savefile: {capture}
plugins: print[out]
aggregate[out]: src_host
print_output_file[out]: {folder}/out.csv
print_output[out]: csv
print_refresh_time[out]: 3600
print_cache_entries[out]: 200003
nfacctd_renormalize: true
"""
"""By source address with renormalised counters: the least that a flow collector has to do to name a loud line."""


def capture(folder: Path = CAPTURE) -> tuple[Path, int]:
    """The benchmark's capture and its number of data records."""
    from sekisho.simulate.run import simulate
    from sekisho.simulate.scenario import load

    if not (folder / "truth.json").exists():
        simulate(load("bench"), folder, seed=SEED)
    exporters = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["exporters"]
    return folder / "flows.pcap", sum(exporter["records"] for exporter in exporters)


def main() -> list[dict[str, object]]:
    """Measure both, print, return the results."""
    file, records = capture()
    results = [shown("to verdict, in process", best_of(3, lambda: to_verdict(file)), records)]
    results.append(shown("to verdict, whole `sekisho analyze`", of_child(command(file)), records))
    if nfacctd := shutil.which("nfacctd") or shutil.which("nfacctd", path="/usr/sbin"):
        with tempfile.TemporaryDirectory() as folder:
            settings = Path(folder) / "nfacctd.conf"
            settings.write_text(NFACCTD.format(capture=file.resolve(), folder=folder), encoding="utf-8")
            results.append(shown("nfacctd by source, whole process", of_child([nfacctd, "-f", str(settings)]), records))
    return results


def to_verdict(file: Path) -> None:
    """One analysis in this process, kernels warm from the first time on."""
    from sekisho.pipeline.batch import analyze

    folder = file.parent
    analyze(
        [str(file)],
        lines=[folder / "assignments.csv", folder / "lines.csv"],
        map_e=folder / "map-e.toml",
        engine="duckdb",
        config_file=folder / "sekisho.toml",
        on_progress=lambda *_: None,
    )


def command(file: Path) -> list[str]:
    """The same as a command line."""
    folder = file.parent
    files = ["--lines", folder / "assignments.csv", "--lines", folder / "lines.csv", "--map-e", folder / "map-e.toml"]
    options = [*files, "--config", folder / "sekisho.toml", "--format", "json"]
    return [sys.executable, "-m", "sekisho", "analyze", str(file), *map(str, options)]


def shown(name: str, cost: Cost, records: int) -> dict[str, object]:
    """One result with the figure that counts."""
    return show(name, cost, records=records, records_per_cpu_s=round(records / cost.cpu_s))


if __name__ == "__main__":
    main()
