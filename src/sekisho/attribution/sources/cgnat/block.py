"""What one message of a translator says about a range of ports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import LAST_PORT, Begin, Confirm, End, Held, Inside
from sekisho.core.address import parse_address

if TYPE_CHECKING:
    from sekisho.attribution.sources.events import Event, Holder


class Change(Enum):
    """What became of a block."""

    ALLOCATED = "allocated"
    STILL_HELD = "still_held"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Realms:
    """Address realms of the two sides of a translator; "" is the default one."""

    inside: str = ""
    outside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A range of ports of a shared address and its holder.

    Attributes:
        holder: text of an address (behind the translator), or a line's identifier where ``is_line``.
        port_first, port_last: inclusive.
        since_ms: when the block was allocated, where a later message tells it.
        session: the translator's own name of it; without one the block is its own name.

    Raises:
        ValueError: the outside address is no IPv4 address, the holder none, or the ports are no range.
    """

    change: Change
    outside: IPv4Address
    port_first: int
    port_last: int
    holder: str
    is_line: bool = False
    since_ms: int | None = None
    session: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.port_first <= self.port_last <= LAST_PORT:
            raise ValueError(f"ports 0 to {LAST_PORT} in order, not {self.port_first}-{self.port_last}")
        if not self.is_line:
            parse_address(self.holder)

    def event(self, realms: Realms, *, at_ms: int, received_ms: int, server: str) -> Event:
        """The same in the words of all sources."""
        held = Held(
            prefix=IPv4Network(self.outside),
            realm=realms.outside,
            port_first=self.port_first,
            port_last=self.port_last,
        )
        session = self.session or held.session
        holder: Holder = (
            self.holder if self.is_line else Inside(address=parse_address(self.holder), realm=realms.inside)
        )
        if self.change is Change.ALLOCATED:
            return Begin(
                at_ms=at_ms, received_ms=received_ms, server=server, session=session, holder=holder, held=(held,)
            )
        later = Confirm if self.change is Change.STILL_HELD else End
        return later(
            at_ms=at_ms,
            received_ms=received_ms,
            server=server,
            session=session,
            holder=holder,
            held=(held,),
            since_ms=self.since_ms,
        )
