"""The sections of ``sekisho serve``: where it listens, what it holds, where it keeps its state."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PlainSerializer, Strict

from sekisho.core.address import parse_address
from sekisho.core.config_fields import File, Section, Text, from_text

if TYPE_CHECKING:
    from pathlib import Path


class ListenAddress(NamedTuple):
    """An address of this machine and a UDP port."""

    address: IPv4Address | IPv6Address
    port: int

    def __str__(self) -> str:
        """ADDRESS:PORT, as the configuration has it."""
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"


def _parse(text: str) -> Any:
    host, _, port = text.rpartition(":")
    if not 0 <= int(port) <= 65_535:
        raise ValueError(port)
    return ListenAddress(parse_address(host.removeprefix("[").removesuffix("]")), int(port))


ListenAt = Annotated[
    ListenAddress,
    BeforeValidator(from_text(_parse, "ADDRESS:PORT, such as 0.0.0.0:2055 or [::]:6343")),
    PlainSerializer(str, when_used="json"),
]


class Receive(Section):
    """``[receive]``: the sockets of ``sekisho serve``."""

    listen: Annotated[tuple[ListenAt, ...], Field(min_length=1)] = (
        # Who may send is the list of exporters.
        ListenAddress(IPv4Address("0.0.0.0"), 2055),  # noqa: S104
    )
    """Where exports arrive, as ADDRESS:PORT, IPv6 in brackets; any protocol at any of them."""
    buffer_octets: Annotated[int, Strict(), Field(ge=1 << 16, le=1 << 30)] = 32 << 20
    """Receive buffer of each socket: it holds what arrives while windows are folded anew, or a tick takes long."""
    queue_octets: Annotated[int, Strict(), Field(ge=1 << 20, le=1 << 34)] = 256 << 20
    """What waits for the run at most; once half of it is used, each exporter may hold an equal share of a half."""
    sockets: Annotated[int, Strict(), Field(ge=1, le=64)] = 1
    """Sockets at each address, chosen by the source address; more than one where the kernel's own work is the limit."""


ProcessName = Literal["keeper", "sender", "case_events", "console", "portal", "collector"]
"""Those of `serve/processes.py`; a test holds them equal."""


class Serve(Section):
    """``[serve]``: what the processes of ``sekisho serve`` share."""

    directory: File | None = None
    """Folder of their state: what goes on, what exporters told, what each process says of itself. Without it, ``state``
    beside the configuration file."""
    processes: tuple[ProcessName, ...] = ()
    """Which of them this host runs, such as ``["portal"]`` for one that subscribers reach and that receives nothing;
    without it, the collector and everything else that this file asks for."""
    metrics: Text = "127.0.0.1:9655"
    """Where metrics and health are answered, as ADDRESS:PORT; everybody who reaches it may read them."""

    collector: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9_]{1,32}$")] = "collector"
    """Name of this collector, of which there is one where several share a store or a case database."""
    shares: Annotated[bool, Strict()] = False
    """Other collectors may receive the same exporters: of each exporter one at a time keeps and reports what it sends,
    as the case database says, which all of them share."""

    def state_beside(self, config_file: Path) -> Path:
        """The folder of the state."""
        return self.directory or config_file.parent / "state"
