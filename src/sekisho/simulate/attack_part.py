"""``[[attack]]`` of a scenario: unwanted traffic that one line sends."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sekisho.simulate.amplifiers import AMPLIFIERS
from sekisho.simulate.attack_kinds import ATTACK_KINDS, Manner

if TYPE_CHECKING:
    from sekisho.simulate.attack_kinds import AttackKind

Access = Literal["pppoe", "map_e", "ipoe", "fixed"]
"""Dynamic IPv4; shared IPv4 beside native IPv6; IPv6 alone; fixed IPv4 (business lines)."""

Port = Annotated[int, Field(ge=0, le=65_535)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_as_list)]
Sizes = Annotated[tuple[Annotated[int, Field(ge=20, le=1500)], ...], Field(min_length=1), BeforeValidator(_as_list)]
"""One number, or several that share the packets evenly."""


class Part(BaseModel):
    """A table of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AttackPart(Part):
    """Unwanted traffic that one line sends. What is not named is as usual for its kind (``attack_kinds.py``).

    Attributes:
        name: for people; by default the kind.
        kind: the kind of detection that it deserves.
        access: access kind of its line.
        start_s: when it begins.
        duration_s: how long it lasts.
        protocol: ``tcp``, ``udp``, ``icmp`` (over IPv6: ICMPv6) or ``gre``.
        pps: packets that the line sends a second while it is on; connections and requests follow from it.
        octets: IP-layer octets of each packet; of several sizes each has an equal part of the packets.
        target: addresses or prefixes; every packet, or connection, goes to a pseudo-random address in one of them.
        ports: destination ports, chosen by packet; empty = any.
        source_ports: how many source ports the bot uses; 0 = as many as the line has.
        flags: TCP flags, chosen by packet; empty = SYN.
        forged: prefixes of the sources that stand in place of the line's own.
        service: the abused service of a reflection (``amplifiers.py``).
        fragment_offset: of every packet, in units of eight octets; 0 = no fragments.
        connection_packets: packets that the line sends in a complete connection.
        connection_s: how long such a connection lasts.
        on_s: length of a pulse.
        off_s: pause between two pulses; 0 = no pulses.
        refused: share of the packets, or connections, that a RST answers.
        accepted: share that is answered as the protocol does: SYN with ACK, DNS answer, echo reply, connection.
        answer_octets: IP-layer octets of such an answer's packets.
        reconnects_at_s: when the line is cut; the attack goes on from its next address.
    """

    name: str
    kind: str
    access: Access
    start_s: Seconds = 0.0
    duration_s: Annotated[float, Field(gt=0)]
    protocol: Literal["tcp", "udp", "icmp", "gre"]
    pps: Annotated[float, Field(gt=0)]
    octets: Sizes
    target: Annotated[Networks, Field(min_length=1)]
    ports: tuple[Port, ...] = ()
    source_ports: Annotated[int, Field(ge=0)] = 0
    flags: tuple[Annotated[int, Field(ge=0, le=255)], ...] = ()
    forged: Networks = ()
    service: str = ""
    fragment_offset: Annotated[int, Field(ge=0, le=8191)] = 0
    connection_packets: Annotated[int, Field(ge=3)] = 8
    connection_s: Annotated[float, Field(gt=0)] = 1.0
    on_s: Annotated[float, Field(gt=0)] = 1.0
    off_s: Seconds = 0.0
    refused: Share = 0.0
    accepted: Share = 0.0
    answer_octets: Annotated[int, Field(ge=20, le=1500)] = 44
    reconnects_at_s: tuple[Seconds, ...] = ()

    @property
    def version(self) -> int:
        """IP version of its packets."""
        return self.target[0].version

    @property
    def manner(self) -> Manner:
        """How its packets belong together."""
        return ATTACK_KINDS[self.kind].manner

    @property
    def unattributed(self) -> str:
        """Why nobody can tell the line from the records; empty where it can be told."""
        if self.forged:
            return "not_ours"
        without_ports = (
            not ATTACK_KINDS[self.kind].has_ports or self.fragment_offset or self.protocol in {"icmp", "gre"}
        )
        return "needs_port" if self.access == "map_e" and self.version == 4 and without_ports else ""

    @model_validator(mode="before")
    @classmethod
    def _as_usual(cls, values: Any) -> Any:
        """Fill in what is usual for the kind."""
        if not isinstance(values, dict) or "kind" not in values:
            return values
        kind = ATTACK_KINDS.get(str(values["kind"]))
        if kind is None:
            raise ValueError(f"kind must be one of {', '.join(ATTACK_KINDS)}")
        target = values.get("target") or _usual_targets(kind, str(values.get("access", "")))
        v6 = ip_network(_as_list(target)[0]).version == 6  # type: ignore[index]
        forged = kind.forged_v6 if v6 else kind.forged_v4
        usual = {**kind.values, "name": kind.name, "target": target, "forged": forged}
        return {**usual, **{key: value for key, value in values.items() if key != "target" or value}}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if {network.version for network in self.target} != {self.version}:
            raise ValueError("all targets must be of one IP version")
        if self.access == "ipoe" and self.version == 4:
            raise ValueError("an ipoe line has no IPv4; the target must be an IPv6 prefix")
        if self.access in {"pppoe", "fixed"} and self.version == 6:
            raise ValueError(f"a {self.access} line has no IPv6; the target must be an IPv4 prefix")
        if self.reconnects_at_s and self.access != "pppoe":
            raise ValueError("only a pppoe line gets another address when it reconnects")
        if self.refused + self.accepted > 1:
            raise ValueError("refused and accepted are shares of the same packets; together at most 1")
        self._fits_its_manner()
        return self

    def _fits_its_manner(self) -> None:
        if self.manner is Manner.REFLECTION:
            if self.service not in AMPLIFIERS:
                raise ValueError(f"service must be one of {', '.join(AMPLIFIERS)}")
            if self.access == "map_e" and self.version == 4:
                raise ValueError("no service behind a shared address has a well-known port; use an IPv6 target")
        if self.manner is Manner.CONNECTIONS and (self.protocol != "tcp" or not self.ports):
            raise ValueError("connections need protocol tcp and ports")


def _usual_targets(kind: AttackKind, access: str) -> tuple[str, ...]:
    """Over IPv4 where the line has it; a household behind a shared address can be asked only over IPv6."""
    over_v6 = access == "ipoe" or (access == "map_e" and kind.manner is Manner.REFLECTION)
    return kind.targets_v6 if over_v6 else kind.targets_v4
