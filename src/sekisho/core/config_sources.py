"""``[[source]]``: who tells ``sekisho serve``, while it runs, which line holds which address."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, Strict, model_validator

from sekisho.core.config_fields import Address, File, Pattern, Seconds, Section, Text, ZoneOffset
from sekisho.core.config_serve import ListenAt  # noqa: TC001 (pydantic reads it at run time)


class SourceKind(StrEnum):
    """What a source is."""

    RADIUS_DETAIL = "radius_detail"
    RADIUS_LISTEN = "radius_listen"
    RADACCT = "radacct"
    KEA = "kea"
    CGNAT_SYSLOG_FILE = "cgnat_syslog_file"
    CGNAT_SYSLOG_UDP = "cgnat_syslog_udp"
    CGNAT_SYSLOG_TCP = "cgnat_syslog_tcp"
    IPFIX_NAT = "ipfix_nat"
    LW4O6 = "lw4o6"
    IPOE = "ipoe"


_FILES = frozenset({"file", "zone"})
_SOCKETS = frozenset({"listen", "senders", "zone"})
_RADIUS = frozenset({"line", "interim_s", "static"})
_LOG = frozenset({"inside_realm", "message", "words", "batch_size", "batch_end"})
KEYS_OF: dict[SourceKind, tuple[frozenset[str], frozenset[str]]] = {
    SourceKind.RADIUS_DETAIL: (frozenset({"file"}), _FILES | _RADIUS),
    SourceKind.RADIUS_LISTEN: (frozenset({"listen", "senders", "secret_file"}), _RADIUS),
    SourceKind.RADACCT: (frozenset({"file", "zone"}), _RADIUS),
    SourceKind.KEA: (frozenset({"file"}), frozenset({"line"})),
    SourceKind.CGNAT_SYSLOG_FILE: (frozenset({"file"}), _FILES | _LOG),
    SourceKind.CGNAT_SYSLOG_UDP: (frozenset({"listen", "senders"}), _SOCKETS | _LOG),
    SourceKind.CGNAT_SYSLOG_TCP: (frozenset({"listen", "senders"}), _SOCKETS | _LOG),
    SourceKind.IPFIX_NAT: (frozenset(), frozenset({"inside_realm"})),
    SourceKind.LW4O6: (frozenset({"file"}), frozenset()),
    SourceKind.IPOE: (frozenset({"file"}), frozenset()),
}
"""Keys that a kind needs, and those that it may have besides; ``name``, ``realm`` and ``silent_after_s`` fit all."""

_EVERYWHERE = frozenset({"kind", "name", "realm", "silent_after_s"})


class Source(Section):
    """``[[source]]``: a file that is followed, a socket, or what exporters tell of their translators."""

    kind: SourceKind
    """What the source is: ``radius_detail``, ``kea`` …; the guide to assignments lists the kinds."""
    name: Text | None = None
    """What people call it; else its kind and its file or address. Another name is another source."""
    file: File | None = None
    """File that is followed; lists (``radacct``, ``lw4o6``, ``ipoe``) are read again whenever they are replaced."""
    listen: ListenAt | None = None
    """Where copies of accounting requests, or messages, arrive: ADDRESS:PORT."""
    senders: tuple[Address, ...] = ()
    """Who may send; others are counted and not read."""
    secret_file: File | None = None
    """Shared secret of the RADIUS senders; a line feed at its end does not count."""
    zone: ZoneOffset | None = None
    """Offset of times that carry none, such as ``+09:00``; without it such records are of no use."""
    line: Text | None = None
    """Line identifier, from the attributes or columns, as ``[attribution] radius_line`` and ``kea_line``."""
    interim_s: Seconds | None = None
    """Interval of interim records, where they do not tell it."""
    static: File | None = None
    """Prefixes that a line holds whenever it has a session, CSV: line_id, prefix."""
    realm: Annotated[str, Strict()] | None = None
    """Address realm of what is held; without it that of ``[attribution] default_realm``."""
    inside_realm: Annotated[str, Strict()] | None = None
    """Realm behind a translator; without it that of ``[attribution] inside_realm``."""
    message: Pattern | None = None
    """Expression of a translator's own log, with groups; without it Junos, A10 (CEF) and NFWare are told apart."""
    words: dict[str, str] = Field(default_factory=dict)
    """Texts of the group ``change``, and what they mean: ``allocated``, ``still_held`` or ``released``."""
    batch_size: Annotated[int, Strict(), Field(ge=1, le=65_536)] | None = None
    """A10: ports of a batch, where no key tells its end."""
    batch_end: Text | None = None
    """A10: key, or label of a custom key, of a batch's last port."""
    silent_after_s: Seconds = 3600.0
    """An alarm holds when nothing was told for so long."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        needed, more = KEYS_OF[self.kind]
        given = {name for name in type(self).model_fields if name in self.model_fields_set}
        if missing := sorted(needed - given):
            raise ValueError(f"{' and '.join(missing)}, which kind = {self.kind.value!r} needs")
        if foreign := sorted(given - needed - more - _EVERYWHERE):
            raise ValueError(f"no {foreign[0]}, which kind = {self.kind.value!r} has not")
        return self

    @property
    def called(self) -> str:
        """Its name among all sources."""
        place = self.file or self.listen
        return self.name or (self.kind.value if place is None else f"{self.kind.value} {place}")


def problem_of(sources: tuple[Source, ...], *, has_history: bool) -> str | None:
    """What is wrong with all of them together."""
    names = [source.called for source in sources]
    if twice := next((name for name in names if names.count(name) > 1), None):
        return f"each source once, found {twice} twice: give one of them a name"
    if sources and not has_history:
        return "[attribution] history, where what the sources tell is kept"
    return None
