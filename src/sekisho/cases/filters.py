"""Copyable filter proposals for an event: text for a person to read and apply; nothing is ever sent to a router.

Each is scoped to the target and the protocol (and the port where there is one) and says when it should be gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from sqlalchemy import select

from sekisho.cases.tables import EVENT
from sekisho.core.errors import NotFound, Refused
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a filter would drop, and until when.

    Attributes:
        port: 0 where the protocol has none, or many were used.
    """

    target: str
    port: int
    protocol: int
    until_ms: int


def scope_of_event(connection: Connection, number: int, *, now_ms: int, hours: int) -> Scope:
    """The target of an event.

    Raises:
        NotFound: there is none of that number.
        Refused: its target is everybody.
    """
    row = connection.execute(select(EVENT).where(EVENT.c.id == number)).mappings().one_or_none()
    if row is None:
        raise NotFound("case database", f"expected the number of an event, found E{number}: there is no such event")
    if ip_network(row["target"]).prefixlen == 0:
        raise Refused(
            f"E{number} has no target of its own: a filter would drop everybody's traffic",
            f"E{number} には固有の宛先がありません。フィルターを設けると、すべての利用者の通信を止めてしまいます",
        )
    return Scope(target=row["target"], port=row["port"], protocol=row["protocol"], until_ms=now_ms + hours * HOUR_MS)


def flowspec(scope: Scope) -> str:
    """RFC 8955 components, in the words that several BGP speakers share."""
    port = f" destination-port ={scope.port};" if scope.port else ""
    match = f"match {{ destination {scope.target}; protocol ={scope.protocol};{port} }}"
    return f"# until {iso(scope.until_ms)}, then withdraw\nroute {{ {match} then {{ discard; }} }}\n"


def acl(scope: Scope) -> str:
    """Two lines of an extended access list, for the interfaces that face subscribers."""
    network = ip_network(scope.target)
    address = f"{network.network_address} {network.hostmask}" if network.version == 4 else str(network)
    anybody = "any" if network.version == 4 else "ipv6 any"
    port = f" eq {scope.port}" if scope.port else ""
    return f"! until {iso(scope.until_ms)}, then remove\ndeny {scope.protocol} {anybody} {address}{port}\n"


def rtbh(scope: Scope) -> str:
    """A route with the community of RFC 7999; it drops everything to the target, not only this protocol."""
    return (
        f"# until {iso(scope.until_ms)}, then withdraw; drops all traffic to the target, also what is wanted there\n"
        f"route {scope.target} community 65535:666\n"
    )


FORMS: Mapping[str, Callable[[Scope], str]] = {"flowspec": flowspec, "acl": acl, "rtbh": rtbh}
