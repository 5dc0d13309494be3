"""``analyze``: capture files through a run, from the first datagram to the verdicts."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sekisho.attribution.attributor import Attributor
from sekisho.attribution.history.read import read_history
from sekisho.attribution.keys import read_key_file
from sekisho.attribution.outcome import Unattributed
from sekisho.attribution.partner import Partner
from sekisho.attribution.subjects import Subjects
from sekisho.attribution.validity import OPEN_FROM_MS
from sekisho.collect.boundary import Boundaries
from sekisho.collect.capture import Capture
from sekisho.collect.exporters import Exporters
from sekisho.core.config import Config, Sees, load_config
from sekisho.core.errors import InputError
from sekisho.core.reasons import FrameReason, UnattributedReason
from sekisho.core.time import now_ms
from sekisho.detect.detect import Detect
from sekisho.detect.level import LineInfo
from sekisho.impact.prometheus import PrometheusCounters
from sekisho.impact.record import ImpactRecord, lines_by_link
from sekisho.pipeline.analysis import Analysis, document_of
from sekisho.pipeline.detecting import Inputs, detectors_of, inputs_of
from sekisho.pipeline.quality import QualityRecord
from sekisho.pipeline.remarks import remarks_of
from sekisho.pipeline.run import Run
from sekisho.pipeline.series import SeriesRecord
from sekisho.pipeline.stored import StoredFlows
from sekisho.query import ENGINES
from sekisho.schema.subject import is_line
from sekisho.store.read import is_store
from sekisho.windows.table import Windows
from sekisho.wire.decoder import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sekisho.attribution.history.history import History
    from sekisho.core.address import IPAddress, IPNetwork
    from sekisho.query.engine import Engine

    Advance = Callable[[str, int, int | None], None]


LEAST_ROOM = 1 << 16
"""Rows that changes may take, besides one for each hold that a history knows: a small network grows too."""


def analyze(
    inputs: Sequence[str],
    *,
    lines: Sequence[Path],
    map_e: Path | None,
    engine: str,
    config_file: Path | None,
    on_progress: Advance,
    indicators: Sequence[Path] = (),
    radius: Sequence[Path] = (),
    kea: Sequence[Path] = (),
    cgnat: Sequence[Path] = (),
    with_series: bool = False,
) -> Analysis:
    """Analyse capture files and flow stores in the order given.

    Args:
        inputs: pcap or pcapng files, "-" is standard input; or folders of flow stores.
        lines: files of assignments and of lines; those of the configuration come first.
        map_e: MAP-E rules, likewise.
        engine: name in ``query.ENGINES``.
        config_file: ``sekisho.toml``; None = defaults and environment.
        on_progress: told what is read, how far, and of how much.
        indicators: files of addresses that malware reports to, further to those of the configuration.
        radius: FreeRADIUS ``detail`` files, likewise.
        kea: lease files of Kea, likewise.
        cgnat: logs of address translators, likewise.
        with_series: keep outbound traffic over time, for a picture.

    Raises:
        InputError: a file that cannot be used, or no export datagram and no flow in any of the inputs.
        ConfigError: a wrong configuration.
    """
    config = load_config(config_file, os.environ)
    exporters = Exporters(config.exporter, accept_unconfigured=not config.exporter)
    sources = [_source(name, exporters, partial(on_progress, name)) for name in inputs]
    captures = [source for source in sources if isinstance(source, Capture)]
    for capture in captures:
        capture.check()
    attributor = load_attributor(config, lines, map_e, on_progress, radius=radius, kea=kea, cgnat=cgnat)
    further = inputs_of(config.detect, indicators=indicators, is_ours=partial(is_ours, attributor))
    run = compose(
        config,
        exporters,
        attributor=attributor,
        engine=_engine(engine),
        inputs=further,
        config_file=config_file,
        series=SeriesRecord() if with_series else None,
    )
    run.start()
    for source in sources:
        if isinstance(source, Capture):
            for datagrams in source:
                run.receive(datagrams)
        else:
            for flows in source:
                run.receive_flows(flows)
    run.finish()
    frames = sum((capture.drops for capture in captures), Counter[FrameReason]())
    if not run.decoder.datagrams and not run.replayed:
        raise InputError(", ".join(inputs), _nothing_found(frames, sum(capture.frames for capture in captures)))
    return Analysis(
        document=document_of(run, {reason.value: count for reason, count in frames.items()}),
        series=run.series.series() if run.series is not None else None,
        remarks=remarks_of(
            run, damage=[capture.damage for capture in captures if capture.damage], indicators=further.reports
        ),
    )


def _source(name: str, exporters: Exporters, on_progress: Callable[[int, int | None], None]) -> Capture | StoredFlows:
    if name != "-" and is_store(Path(name)):
        return StoredFlows(Path(name), exporters=exporters, on_progress=on_progress)
    return Capture(name, exporters=exporters, on_progress=on_progress)


def compose(
    config: Config,
    exporters: Exporters,
    *,
    attributor: Attributor,
    engine: Engine,
    inputs: Inputs | None = None,
    config_file: Path | None = None,
    series: SeriesRecord | None = None,
    keep_nat_events: bool = False,
) -> Run:
    """A run from its configuration; nothing is started.

    Raises:
        InputError: an own detector cannot be read.
        ConfigError: ``[detect]`` names no detector or no parameter of it, or an own detector is wrong.
    """
    realms = realms_of(config)
    decoder = Decoder(exporters=exporters.texts, realms=realms, keep_nat_events=keep_nat_events)
    boundaries = Boundaries(
        exporters, realms=realms, interface_names=decoder.interfaces, default_realm=config.attribution.default_realm
    )
    impact = ImpactRecord(
        links=config.link,
        boundaries=boundaries,
        lines_of=lines_by_link(attributor.links()) if config.link else {},
        counter_files=config.impact.counters,
        condition_files=config.impact.conditions,
        server=_counter_server(config),
    )
    quality = QualityRecord(impact.coverage)
    subjects = Subjects()
    further = inputs or Inputs()
    detect = Detect(
        engine=engine,
        detectors=detectors_of(config.detect, engine=engine, config_file=config_file),
        overrides=config.detect.overrides,
        line_info=_line_info(attributor, subjects, exporters),
        quality=quality.of,
        inputs=further.tables,
        learner=further.learner,
    )
    return Run(
        decoder=decoder,
        boundaries=boundaries,
        attributor=attributor,
        subjects=subjects,
        windows=Windows(active_cap_ms=exporters.active_cap_ms, lateness_ms=exporters.lateness_ms),
        detect=detect,
        quality=quality,
        impact=impact,
        series=series,
    )


def _counter_server(config: Config) -> PrometheusCounters | None:
    """Asks the configured server; exporters may be known there by their names."""
    if config.impact.prometheus is None:
        return None
    addresses = {exporter.name: str(exporter.address) for exporter in config.exporter if exporter.name is not None}
    return PrometheusCounters(config.impact.prometheus, addresses)


def realms_of(config: Config) -> list[str]:
    """Every realm that the configuration names, the default realm first."""
    named = [
        realm
        for exporter in config.exporter
        for realm in (exporter.realm, *(i.realm for i in exporter.interface), *(v.realm for v in exporter.vrf))
        if realm is not None
    ] + [realm for source in config.source for realm in (source.realm, source.inside_realm) if realm is not None]
    return list(dict.fromkeys(["", config.attribution.default_realm, *named]))


def load_attributor(
    config: Config,
    lines: Sequence[Path],
    map_e: Path | None,
    on_progress: Advance,
    *,
    radius: Sequence[Path] = (),
    kea: Sequence[Path] = (),
    cgnat: Sequence[Path] = (),
) -> Attributor:
    """What the configuration and the command line know of lines.

    Raises:
        InputError: a file that cannot be used.
        ConfigError: a wrong MAP-E rule.
    """
    with attribution_of(config, lines, map_e, on_progress, radius=radius, kea=kea, cgnat=cgnat) as (attributor, _):
        return attributor


@contextmanager
def attribution_of(
    config: Config,
    lines: Sequence[Path] = (),
    map_e: Path | None = None,
    on_progress: Advance = lambda *_: None,
    *,
    radius: Sequence[Path] = (),
    kea: Sequence[Path] = (),
    cgnat: Sequence[Path] = (),
) -> Iterator[tuple[Attributor, History]]:
    """The same, with the history that it rests on.

    Raises:
        InputError: a file that cannot be used.
        ConfigError: a wrong MAP-E rule.
    """
    with read_history(
        config.attribution,
        radius=[*config.files.radius, *radius],
        kea=[*config.files.kea, *kea],
        cgnat=[*config.files.cgnat, *cgnat],
        lw4o6=config.files.lw4o6,
        ipoe=config.files.ipoe,
        now_ms=now_ms(),
    ) as history:
        yield _loaded(config, lines, map_e, on_progress, history), history


def live_history(config: Config) -> History:
    """What the configuration's history and ``[files]`` know at the start of a live run; the caller closes it.

    Raises:
        InputError: a file that cannot be used.
    """
    return read_history(
        config.attribution,
        radius=config.files.radius,
        kea=config.files.kea,
        cgnat=config.files.cgnat,
        lw4o6=config.files.lw4o6,
        ipoe=config.files.ipoe,
        now_ms=now_ms(),
    )


def live_attributor(config: Config, history: History, since_ms: int) -> Attributor:
    """The operator's lists and what a history knows, without what was over before; with room for what is told later.

    Raises:
        InputError: a file that cannot be used.
        ConfigError: a wrong MAP-E rule.
    """
    return _loaded(config, (), None, lambda *_: None, history, since_ms=since_ms, room=LEAST_ROOM + history.held)


def _loaded(
    config: Config,
    lines: Sequence[Path],
    map_e: Path | None,
    on_progress: Advance,
    history: History,
    *,
    since_ms: int = OPEN_FROM_MS,
    room: int = 0,
) -> Attributor:
    rules = (*config.files.map_e, *([map_e] if map_e is not None else []))
    rows = 0

    def advance(more: int) -> None:
        nonlocal rows
        rows += more
        on_progress("assignments", rows, None)

    return Attributor.load(
        lines=[*config.files.lines, *lines],
        map_e=rules,
        history=history.told(since_ms=since_ms),
        network=config.network,
        realms=realms_of(config),
        clock_margin_ms=round(config.attribution.clock_margin_s * 1000),
        key=read_key_file(config.privacy.key_file) if config.privacy.key_file is not None else None,
        on_progress=advance,
        room=room,
        partners=[Partner(name=partner.name, prefixes=partner.prefixes) for partner in config.partner],
    )


def is_ours(attributor: Attributor, network: IPNetwork) -> bool:
    """Whether one end of a network lies in our prefixes; no network asked about is wider than a /24 or /48."""
    ends = {network.network_address, network.broadcast_address}
    return any(not _is_foreign(attributor, end) for end in ends)


def _is_foreign(attributor: Attributor, address: IPAddress) -> bool:
    found = attributor.resolve(realm="", address=address, port=0, protocol=0, start_ms=0, end_ms=0)
    return isinstance(found, Unattributed) and found.reason is UnattributedReason.NOT_OURS


def _engine(name: str) -> Engine:
    module, _, factory = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), factory)()
    return engine


def _line_info(attributor: Attributor, subjects: Subjects, exporters: Exporters) -> Callable[[int], LineInfo]:
    """What the detectors may know of a line, or of a sender without one."""
    only_outbound = bool(exporters.configured) and all(e.sees is Sees.OUTBOUND for e in exporters.configured)

    def line_info(key: int) -> LineInfo:
        if not is_line(key):
            subject = subjects.get(key)
            shared = subject is not None and subject.reason in _SHARED
            sources = subject.sources if subject is not None else 0
            return LineInfo(
                group="reseller" if shared else "home", sees="outbound" if only_outbound else "", sources=sources
            )
        known = attributor.line(key)
        return LineInfo(
            line_id=attributor.line_id(key),
            group=known.group if known is not None else "home",
            up_bps=known.up_bps or 0 if known is not None else 0,
            sees="outbound" if only_outbound else "",
        )

    return line_info


_SHARED = (UnattributedReason.NEEDS_PORT, UnattributedReason.PORT_OUTSIDE_SET)
"""Many households send from such an address, so it is judged as one that serves many."""


def _nothing_found(frames: Counter[FrameReason], frame_count: int) -> str:
    """Why a capture without a single export datagram is of no use."""
    expected = "expected NetFlow v5, v9, IPFIX or sFlow v5 in UDP datagrams, found"
    if not frame_count:
        return f"{expected} no packet at all"
    reasons = ", ".join(f"{count} {reason.value}" for reason, count in frames.most_common())
    return f"{expected} none in {frame_count} packets ({reasons or 'no usable one'})"
