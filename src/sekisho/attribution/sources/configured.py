"""Sources of the configuration, a row for each kind."""

from __future__ import annotations

from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING

from sekisho.attribution.sources.cgnat.block import Realms
from sekisho.attribution.sources.cgnat.cef import Cef
from sekisho.attribution.sources.cgnat.ipfix import read_event
from sekisho.attribution.sources.ds_lite import Shape
from sekisho.attribution.sources.ipoe import read_hand_over
from sekisho.attribution.sources.kea import KeaFile
from sekisho.attribution.sources.line_inputs import FileLines, TcpLines, UdpLines
from sekisho.attribution.sources.listed import Listed
from sekisho.attribution.sources.lw4o6 import binding_events
from sekisho.attribution.sources.radius.detail import DetailFile
from sekisho.attribution.sources.radius.listener import Listener
from sekisho.attribution.sources.radius.radacct import read_radacct
from sekisho.attribution.sources.radius.records import Rules
from sekisho.attribution.sources.radius.static import read_static
from sekisho.attribution.sources.translator_log import TranslatorLog, read_any
from sekisho.attribution.sources.zones import zone_of
from sekisho.core.config_sources import SourceKind
from sekisho.core.errors import InputError
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sekisho.attribution.sources.cgnat.block import Block
    from sekisho.attribution.sources.events import Event
    from sekisho.attribution.sources.events import Source as EventSource
    from sekisho.core.config import Attribution
    from sekisho.core.config_sources import Source
    from sekisho.wire.options import Event as NatEvent

    Make = Callable[[Source, Attribution], EventSource]

MOST_WAITING = 100_000
"""NAT events that wait to be read: seconds of a busy translator. Further ones are counted and left out."""


def sources_of(configured: Iterable[Source], settings: Attribution) -> list[EventSource]:
    """The sources, inert; those with ``start()`` are started by it and have ``close()``.

    Raises:
        InputError: a secret or a list of prefixes cannot be read.
        ConfigError: an expression that does not fit.
    """
    return [MAKERS[source.kind](source, settings) for source in configured]


class NatEvents:
    """NAT events that the collector has decoded; it offers them from another thread."""

    def __init__(self, *, name: str, realms: Realms) -> None:
        self.name = name
        self.position = ""
        self.dropped: Counter[SourceReason] = Counter()
        self._realms = realms
        self._waiting: deque[tuple[NatEvent, str]] = deque()

    def offer(self, records: Iterable[tuple[NatEvent, str]]) -> None:
        """Records with the addresses of their exporters."""
        for record in records:
            if len(self._waiting) >= MOST_WAITING:
                self.dropped[SourceReason.OVERLOAD] += 1
            else:
                self._waiting.append(record)

    def poll(self, now_ms: int) -> list[Event]:
        """What was offered since."""
        del now_ms  # the records say when they were received
        events = []
        while self._waiting:
            record, exporter = self._waiting.popleft()
            event = read_event(record, realms=self._realms, exporter=exporter)
            if isinstance(event, SourceReason):
                self.dropped[event] += 1
            else:
                events.append(event)
        return events

    def committed(self) -> None:
        """Nobody waits for an answer."""


class Replaced:
    """A list that is written anew now and then: read whenever its time or size has changed."""

    def __init__(self, path: Path, *, name: str, read: Callable[[], Iterator[Event]]) -> None:
        self.name = name
        self.position = ""
        self.dropped: Counter[SourceReason] = Counter()
        self._path, self._read = path, read
        self._state: tuple[int, int] | None = None
        self._list: Listed | None = None

    def poll(self, now_ms: int) -> Sequence[Event]:
        """The next part of the list.

        Raises:
            InputError: it cannot be read, or a row of it cannot: it is read again once it has changed.
        """
        if self._list is None:
            state = self._path.stat() if self._path.exists() else None
            if state is None:
                raise InputError(self._path, "expected a list that can be read, found no such file")
            if self._state == (state.st_mtime_ns, state.st_size):
                return ()
            self._state = state.st_mtime_ns, state.st_size
            self._list = Listed(path=self._path, kind="", read=self._read)
        try:
            events = self._list.poll(now_ms)
        except InputError:
            self._list = None
            raise
        if not events:
            self._list = None
        return events

    def committed(self) -> None:
        """Nobody waits for an answer."""


def _rules(source: Source, settings: Attribution) -> Rules:
    interim_s = source.interim_s or settings.radius_interim_s
    return Rules(
        line=source.line or settings.radius_line,
        realm=_realm(source, settings),
        confirm_every_ms=None if interim_s is None else round(interim_s * 1000),
        static=read_static(source.static) if source.static is not None else {},
    )


def _realm(source: Source, settings: Attribution) -> str:
    return settings.default_realm if source.realm is None else source.realm


def _realms(source: Source, settings: Attribution) -> Realms:
    inside = settings.inside_realm if source.inside_realm is None else source.inside_realm
    return Realms(inside=inside, outside=_realm(source, settings))


def _file(source: Source) -> Path:
    assert source.file is not None, "the configuration has checked it"
    return source.file


def _at(source: Source) -> tuple[str, int]:
    assert source.listen is not None, "the configuration has checked it"
    return str(source.listen.address), source.listen.port


def _detail(source: Source, settings: Attribution) -> EventSource:
    zone = source.zone or settings.radius_zone
    return DetailFile(
        _file(source), name=source.called, rules=_rules(source, settings), zone=zone_of(zone) if zone else None
    )


def _listener(source: Source, settings: Attribution) -> EventSource:
    assert source.listen is not None, "the configuration has checked it"
    assert source.secret_file is not None, "the configuration has checked it"
    try:
        secret = source.secret_file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise InputError(source.secret_file, f"expected a shared secret, found: {error.strerror}") from error
    return Listener(
        name=source.called,
        address=source.listen.address,
        port=source.listen.port,
        secrets=dict.fromkeys(source.senders, secret),
        rules=_rules(source, settings),
    )


def _radacct(source: Source, settings: Attribution) -> EventSource:
    assert source.zone is not None, "the configuration has checked it"
    read = partial(read_radacct, _file(source), zone=zone_of(source.zone), rules=_rules(source, settings))
    return Replaced(_file(source), name=source.called, read=read)


def _kea(source: Source, settings: Attribution) -> EventSource:
    line = source.line or settings.kea_line
    return KeaFile(_file(source), name=source.called, line=line, realm=_realm(source, settings))


def _log(source: Source, settings: Attribution) -> EventSource:
    zone = source.zone or settings.cgnat_zone
    lines: FileLines | UdpLines | TcpLines
    if source.kind is SourceKind.CGNAT_SYSLOG_FILE:
        lines = FileLines(path=_file(source))
    else:
        kind = UdpLines if source.kind is SourceKind.CGNAT_SYSLOG_UDP else TcpLines
        address, port = _at(source)
        lines = kind(address=address, port=port, senders=frozenset(source.senders))
    return TranslatorLog(
        name=source.called,
        lines=lines,
        read_message=_reader(source),
        zone=zone_of(zone) if zone else None,
        realms=_realms(source, settings),
    )


def _reader(source: Source) -> Callable[[str], Block | SourceReason]:
    if source.message is not None:
        return Shape.configured("configuration", f"source {source.called}", source.message, source.words).read_message
    if source.batch_size is None and source.batch_end is None:
        return read_any
    return Cef(port_last=source.batch_end, batch_size=source.batch_size or 1).read_message


def _nat(source: Source, settings: Attribution) -> EventSource:
    return NatEvents(name=source.called, realms=_realms(source, settings))


def _lw4o6(source: Source, settings: Attribution) -> EventSource:
    read = partial(binding_events, _file(source), realm=_realm(source, settings))
    return Replaced(_file(source), name=source.called, read=read)


def _ipoe(source: Source, settings: Attribution) -> EventSource:
    read = partial(read_hand_over, _file(source), realm=_realm(source, settings))
    return Replaced(_file(source), name=source.called, read=read)


MAKERS: dict[SourceKind, Make] = {
    SourceKind.RADIUS_DETAIL: _detail,
    SourceKind.RADIUS_LISTEN: _listener,
    SourceKind.RADACCT: _radacct,
    SourceKind.KEA: _kea,
    SourceKind.CGNAT_SYSLOG_FILE: _log,
    SourceKind.CGNAT_SYSLOG_UDP: _log,
    SourceKind.CGNAT_SYSLOG_TCP: _log,
    SourceKind.IPFIX_NAT: _nat,
    SourceKind.LW4O6: _lw4o6,
    SourceKind.IPOE: _ipoe,
}
"""A new kind is a maker here, and a row in ``core/config_sources.py``."""
