"""What a source tells of who held what: the words that every source speaks and the history understands.

An event is a fact about one *session*: the time for which one holder had one set of addresses. Facts may come late,
twice and in any order; the history's answer is the same. Times are milliseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from sekisho.core.address import IPAddress, IPNetwork
    from sekisho.core.reasons import SourceReason

LAST_PORT = 0xFFFF
MAX_HELD = 64
"""Prefixes of one session: an access concentrator sends a few; more of them are counted and left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A prefix, or a range of ports of a shared IPv4 address; ports are inclusive, 0 to 65535 where none share it."""

    prefix: IPNetwork
    realm: str = ""
    port_first: int = 0
    port_last: int = LAST_PORT

    @property
    def session(self) -> str:
        """A session's name where the source gives none: what is held can be held by one at a time only."""
        return f"{self.realm} {self.prefix} {self.port_first}-{self.port_last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """A holder known by the address behind the translator: its line is whoever holds that address meanwhile."""

    address: IPAddress
    realm: str = ""


Holder: TypeAlias = str | Inside
"""A line's identifier, or an inside address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """What every event carries.

    Attributes:
        at_ms: when it happened.
        received_ms: when it was received or written; with ``at_ms`` it tells the delay of the source.
        server: who counts the session: NAS, translator, DHCP server. Sessions of two servers are two.
    """

    at_ms: int
    received_ms: int
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin(_Event):
    """From ``at_ms`` on the holder has what is held.

    Attributes:
        until_ms: end of a lease: held until then unless something else is told.
        confirm_every_ms: the server has promised a ``Confirm`` that often; where they stay away the session is over.
    """

    session: str
    holder: Holder
    held: tuple[Held, ...]
    until_ms: int | None = None
    confirm_every_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(_Event):
    """At ``at_ms`` the session was still on: an interim record, a renewed lease.

    Attributes:
        holder, held: as far as the record names them; they open a session whose beginning was missed, and prefixes
            that are new are held from ``at_ms`` on. A record without them counts only if the session is known already.
        since_ms: when the session began, where the record tells its duration.
        octets_up: octets that the holder has sent since the session began.
    """

    session: str
    holder: Holder | None = None
    held: tuple[Held, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    confirm_every_ms: int | None = None
    octets_up: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End(_Event):
    """At ``at_ms`` the session ended. The other fields are those of ``Confirm``, for an end without a beginning."""

    session: str
    holder: Holder | None = None
    held: tuple[Held, ...] = ()
    since_ms: int | None = None
    octets_up: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(_Event):
    """The server says that it starts or stops: its sessions before ``at_ms`` may be gone without a word."""


Event: TypeAlias = Begin | Confirm | End | Restarted


class Source(Protocol):
    """Where events come from: a file that grows, a socket.

    Attributes:
        name: the operator's name of the source.
        dropped: what could not be used, by reason; nothing is left out without one.
        position: where reading goes on after a restart; saved together with what was read.
    """

    name: str
    dropped: Counter[SourceReason]
    position: str

    def poll(self, now_ms: int) -> Sequence[Event]:
        """What came since the last call, at most a bounded part of it; never waits. Empty: nothing more for now.

        Raises:
            InputError: the source cannot be read at all.
        """

    def committed(self) -> None:
        """What was polled is on the disk: now a server may be told so."""
