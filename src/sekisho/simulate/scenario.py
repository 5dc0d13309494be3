"""What a scenario holds: lines, exporters, attacks. The shipped ones are TOML files in ``scenarios/``."""

from __future__ import annotations

import tomllib
from datetime import datetime  # noqa: TC003 (pydantic evaluates annotations)
from importlib.resources import files
from ipaddress import IPv4Address  # noqa: TC003 (the same)
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sekisho.core.errors import ConfigError, InputError
from sekisho.simulate.attack_part import Access, AttackPart, Part, Seconds, Share
from sekisho.simulate.look_alikes import LOOK_ALIKES

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_V5_INTERVAL = 16_383

ExporterSampling = Annotated[int, Field(ge=1, le=1_000_000)]


class LineCounts(Part):
    """How many lines of each access kind, and how they behave.

    Attributes:
        pppoe: lines with one dynamic IPv4 address.
        map_e: lines that share an IPv4 address by ports, beside IPv6 of their own.
        ipoe: lines with IPv6 alone.
        fixed: business lines with eight fixed IPv4 addresses.
        reconnects_per_hour: mean rate at which a PPPoE line is cut and gets another address.
        activity: factor on the number of conversations people start.
        between_lines: share of their conversations whose peer is another line of this network.
        by_hour: people follow the hours of the day; otherwise it is evening all the time.
    """

    pppoe: Annotated[int, Field(ge=0, le=30_000)] = 0
    map_e: Annotated[int, Field(ge=0, le=200_000)] = 0
    ipoe: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    fixed: Annotated[int, Field(ge=0, le=500)] = 0
    reconnects_per_hour: Annotated[float, Field(ge=0)] = 0.0
    activity: Annotated[float, Field(ge=0)] = 1.0
    between_lines: Share = 0.0
    by_hour: bool = False

    @property
    def total(self) -> int:
        """Lines of every kind."""
        return self.pppoe + self.map_e + self.ipoe + self.fixed


class SamplingChange(Part):
    """Another sampling, which the router announces; it empties its cache first.

    Attributes:
        at_s: from when on.
        interval: 1 in N packets.
    """

    at_s: Annotated[int, Field(ge=1)]
    interval: ExporterSampling


class ExporterPart(Part):
    """A router that meters the traffic of the lines of some access kinds, and how its records reach the collector.

    Attributes:
        name: as the configuration and the truth name it.
        address: IPv4 address that its datagrams come from.
        protocol: ``v5``, ``v9`` or ``ipfix``; v5 leaves IPv6 out.
        sampling_interval: 1 in N packets, each chosen independently.
        sampling_changes: rows of another interval from an instant on, in order of time.
        announced_times: factor on the sampling interval that it announces; other than 1 it announces a wrong one.
        active_timeout_s: a flow that lasts so long is reported.
        inactive_timeout_s: a flow without a packet for so long is reported.
        sees: ``both`` ways of a conversation, ``outbound`` or ``inbound`` alone.
        access: access kinds of the lines whose packets pass it.
        boundary: routers of another boundary see the same packets again, and sample them anew; what lines send to
            each other never reaches the border.
        loss: share of its datagrams that do not arrive, templates among them.
        clock_skew_ms: how far its clock is ahead.
        template_refresh_s: how often templates and options are sent again.
        uptime_s: age of the router when the scenario starts; v9 and v5 count 32-bit milliseconds of it.
    """

    name: str
    address: IPv4Address
    protocol: Literal["v5", "v9", "ipfix"]
    sampling_interval: ExporterSampling = 1
    sampling_changes: tuple[SamplingChange, ...] = ()
    announced_times: Annotated[float, Field(gt=0)] = 1.0
    active_timeout_s: Annotated[int, Field(ge=1)] = 60
    inactive_timeout_s: Annotated[int, Field(ge=1)] = 15
    sees: Literal["both", "outbound", "inbound"] = "both"
    access: tuple[Access, ...]
    boundary: Literal["access", "border"] = "access"
    loss: Annotated[float, Field(ge=0, lt=1)] = 0.0
    clock_skew_ms: int = 0
    template_refresh_s: Annotated[int, Field(ge=1)] = 60
    uptime_s: Seconds = 1_000_000.0

    @model_validator(mode="after")
    def _can_be_announced(self) -> Self:
        intervals = [self.sampling_interval, *(change.interval for change in self.sampling_changes)]
        if self.protocol == "v5" and max(intervals) * self.announced_times > _LARGEST_V5_INTERVAL:
            raise ValueError(f"v5 has 14 bits for the announced sampling interval; at most {_LARGEST_V5_INTERVAL}")
        return self


class LookAlikePart(Part):
    """Harmless traffic that resembles an attack (``look_alikes.py``), on lines of its own.

    Attributes:
        name: of the look-alike.
        access: access kind of its lines; by default the usual one.
        lines: how many have it; what happens everywhere is on all lines of its access kinds.
        start_s: when it begins.
        duration_s: how long it lasts; by default until the end.
    """

    name: str
    access: Access | None = None
    lines: Annotated[int, Field(ge=1)] = 1
    start_s: Seconds = 0.0
    duration_s: Annotated[float, Field(gt=0)] | None = None

    @property
    def line_access(self) -> str:
        """Access kind of its lines."""
        return self.access or LOOK_ALIKES[self.name].access[0]

    @property
    def taken(self) -> int:
        """Lines that nothing else may have."""
        return 0 if LOOK_ALIKES[self.name].everywhere else self.lines

    @model_validator(mode="after")
    def _known(self) -> Self:
        row = LOOK_ALIKES.get(self.name)
        if row is None:
            raise ValueError(f"name must be one of {', '.join(LOOK_ALIKES)}")
        if self.access is not None and self.access not in row.access:
            raise ValueError(f"{self.name} is for lines of {', '.join(row.access)}")
        return self


class Scenario(Part):
    """Everything that a seed does not decide.

    Attributes:
        name: that of its file.
        title: one line about it.
        start: first instant, with its zone.
        duration_s: length of the observation.
        lines: table, how many of each access kind.
        exporter: tables, at least one.
        attack: tables.
        look_alike: tables.
    """

    name: str
    title: str
    start: datetime
    duration_s: Annotated[int, Field(ge=1)]
    lines: LineCounts
    exporter: Annotated[tuple[ExporterPart, ...], Field(min_length=1)]
    attack: tuple[AttackPart, ...] = ()
    look_alike: tuple[LookAlikePart, ...] = ()

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
        places = [(exporter.boundary, access) for exporter in self.exporter for access in exporter.access]
        if len(places) != len(set(places)):
            raise ValueError("each access kind is metered by one exporter of a boundary; one is named twice")
        metered = {access for boundary, access in places if boundary == "access"}
        for access in ("pppoe", "map_e", "ipoe", "fixed"):
            lines = getattr(self.lines, access)
            if lines and access not in metered:
                raise ValueError(f"no exporter meters the {access} lines")
            wanted = sum(attack.access == access for attack in self.attack)
            wanted += sum(part.taken for part in self.look_alike if part.line_access == access)
            if lines < wanted:
                raise ValueError(f"fewer {access} lines than attacks and look-alikes on them")
        if self.start.tzinfo is None:
            raise ValueError("start needs its zone, such as 2026-11-24T20:00:00+09:00")
        return self

    def with_overrides(self, changes: Mapping[str, Any]) -> Scenario:
        """The scenario with some values replaced.

        Args:
            changes: by key, as ``duration_s`` or ``lines.pppoe``; in ``exporter.loss`` of all exporters, in
                ``exporter.bng-1.loss`` of the one with that name (attacks and look-alikes alike).

        Raises:
            ConfigError: no such key, or a value that does not fit; names the key.
        """
        document = self.model_dump()
        for key, value in changes.items():
            if not _replace(document, key.split("."), value):
                raise ConfigError(self.name, key, expected="a key of the scenario", found=value)
        return _validated(self.name, document)


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
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(place, f"expected a scenario as TOML, found: {error}") from None
    return _validated(place, {"name": name} | document)


def _validated(place: str, document: dict[str, Any]) -> Scenario:
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "scenario"
        raise ConfigError(place, key, expected=first["msg"], found=first["input"]) from None


def _replace(document: dict[str, Any], path: list[str], value: object) -> bool:
    """Put a value where a path leads; whether it leads anywhere."""
    key, *rest = path
    if not rest:
        document[key] = value
        return True
    inner = document.get(key)
    if isinstance(inner, dict):
        return _replace(inner, rest, value)
    if not isinstance(inner, list | tuple):
        return False
    named = [row for row in inner if row["name"] == rest[0]]
    found = [_replace(row, rest[1:] if named else rest, value) for row in named or inner if rest[len(named[:1]) :]]
    return bool(found) and all(found)
