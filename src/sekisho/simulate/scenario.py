"""What a scenario holds: lines, exporters, attacks. The shipped ones are TOML files in ``scenarios/``."""

from __future__ import annotations

import tomllib
from datetime import datetime  # noqa: TC003 (pydantic evaluates annotations)
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network, IPv6Network  # noqa: TC003 (the same)
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sekisho.core.errors import ConfigError, InputError

Access = Literal["pppoe", "map_e", "ipoe", "fixed"]
"""Dynamic IPv4; shared IPv4 beside native IPv6; IPv6 alone; fixed IPv4 (business lines)."""

Port = Annotated[int, Field(ge=0, le=65_535)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LineCounts(_Part):
    """How many lines of each access kind, and how they behave.

    Attributes:
        reconnects_per_hour: mean rate at which a PPPoE line is cut and gets another address.
        activity: factor on the number of conversations people start.
    """

    pppoe: Annotated[int, Field(ge=0, le=30_000)] = 0
    map_e: Annotated[int, Field(ge=0, le=200_000)] = 0
    ipoe: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    fixed: Annotated[int, Field(ge=0, le=500)] = 0
    reconnects_per_hour: Annotated[float, Field(ge=0)] = 0.0
    activity: Annotated[float, Field(ge=0)] = 1.0

    @property
    def total(self) -> int:
        """Lines of every kind."""
        return self.pppoe + self.map_e + self.ipoe + self.fixed


class ExporterPart(_Part):
    """A router that meters the traffic of the lines of some access kinds.

    Attributes:
        sampling_interval: 1 in N packets, each chosen independently.
        uptime_s: age of the router when the scenario starts; v9 and v5 count 32-bit milliseconds of it.
    """

    name: str
    address: IPv4Address
    protocol: Literal["v5", "v9", "ipfix"]
    sampling_interval: Annotated[int, Field(ge=1, le=16_383)] = 1
    active_timeout_s: Annotated[int, Field(ge=1)] = 60
    inactive_timeout_s: Annotated[int, Field(ge=1)] = 15
    sees: Literal["both", "outbound", "inbound"] = "both"
    access: tuple[Access, ...]
    uptime_s: Seconds = 1_000_000.0


class AttackPart(_Part):
    """Unwanted traffic that one line sends.

    Attributes:
        kind: the kind of detection that it deserves.
        pps, octets: packets a second while it is on; IP-layer octets of each.
        target: address or prefix; every packet goes to a pseudo-random address in it.
        ports: destination ports, chosen by packet; empty = any.
        source_ports: how many source ports the bot uses; 0 = as many as the line has.
        on_s, off_s: pulses; ``off_s`` = 0 is a constant one.
        refused, accepted: share of the packets that a RST, or a SYN with ACK, answers.
        reconnects_at_s: when the line is cut; the attack goes on from its next address.
    """

    name: str
    kind: str
    access: Access
    start_s: Seconds
    duration_s: Annotated[float, Field(gt=0)]
    protocol: Literal["tcp", "udp"]
    pps: Annotated[float, Field(gt=0)]
    octets: Annotated[int, Field(ge=20, le=1500)]
    target: IPv4Network | IPv6Network
    ports: tuple[Port, ...] = ()
    source_ports: Annotated[int, Field(ge=0)] = 0
    on_s: Annotated[float, Field(gt=0)] = 1.0
    off_s: Seconds = 0.0
    refused: Share = 0.0
    accepted: Share = 0.0
    reconnects_at_s: tuple[Seconds, ...] = ()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.access == "ipoe" and self.target.version == 4:
            raise ValueError("an ipoe line has no IPv4; the target must be an IPv6 prefix")
        if self.access in {"pppoe", "fixed"} and self.target.version == 6:
            raise ValueError(f"a {self.access} line has no IPv6; the target must be an IPv4 prefix")
        if self.reconnects_at_s and self.access != "pppoe":
            raise ValueError("only a pppoe line gets another address when it reconnects")
        return self


class Scenario(_Part):
    """Everything that a seed does not decide.

    Attributes:
        start: first instant, with its zone.
        duration_s: length of the observation.
    """

    name: str
    title: str
    start: datetime
    duration_s: Annotated[int, Field(ge=1)]
    lines: LineCounts
    exporter: Annotated[tuple[ExporterPart, ...], Field(min_length=1)]
    attack: tuple[AttackPart, ...] = ()

    @property
    def start_ms(self) -> int:
        """Milliseconds UTC of the first instant, a whole number of ten-second windows."""
        return int(self.start.timestamp()) // 10 * 10_000

    @property
    def end_ms(self) -> int:
        """Milliseconds UTC of the first instant after the observation."""
        return self.start_ms + self.duration_s * 1000

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        metered = [access for exporter in self.exporter for access in exporter.access]
        if len(metered) != len(set(metered)):
            raise ValueError("each access kind is metered by one exporter; one is named twice")
        for access in ("pppoe", "map_e", "ipoe", "fixed"):
            lines = getattr(self.lines, access)
            if lines and access not in metered:
                raise ValueError(f"no exporter meters the {access} lines")
            if lines < sum(attack.access == access for attack in self.attack):
                raise ValueError(f"fewer {access} lines than attacks on them")
        if self.start.tzinfo is None:
            raise ValueError("start needs its zone, such as 2026-11-24T20:00:00+09:00")
        return self


def shipped() -> dict[str, str]:
    """Name and title of every scenario in the package, by name."""
    return {name: load(name).title for name in _names()}


def load(name: str) -> Scenario:
    """A scenario by its name, or from a TOML file by its path.

    Raises:
        InputError: no such scenario (the message lists those there are), or not TOML.
        ConfigError: a value that does not fit; names its key.
    """
    path = Path(name)
    if name in _names():
        text = (files(__package__) / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    elif path.suffix == ".toml" and path.is_file():
        text = path.read_text(encoding="utf-8")
    else:
        raise InputError(name, f"expected a scenario ({', '.join(_names())}) or a TOML file, found neither")
    return _parse(name, path.stem, text)


def _names() -> list[str]:
    folder = files(__package__) / "scenarios"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _parse(place: str, name: str, text: str) -> Scenario:
    try:
        return Scenario(name=name, **tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(place, f"expected a scenario as TOML, found: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "scenario"
        raise ConfigError(place, key, expected=first["msg"], found=first["input"]) from None
