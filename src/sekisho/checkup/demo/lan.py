"""A LAN inside this computer: one bridge, one network namespace per host, no way outside (Linux, root).

Every process that runs there was started by this object and ends with it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_SERIAL = itertools.count()


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the LAN.

    Attributes:
        namespace: name of its network namespace; its interface there is ``eth0``.
    """

    name: str
    namespace: str
    address: str


@dataclass(slots=True)
class Lan:
    """Use as a context: the namespaces are gone afterwards, whatever happened inside.

    Attributes:
        prefix: the first three octets.
        length: of the prefix; a short list of addresses is greeted faster.

    Raises:
        Refused: not Linux, not root, or iproute2 is missing.
    """

    prefix: str = "192.168.77"
    length: int = 24
    _tag: str = field(default_factory=lambda: f"sk{os.getpid() % 100_000}x{next(_SERIAL)}")
    _hosts: list[Host] = field(default_factory=list)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
            raise Refused("a LAN in network namespaces needs Linux, root, and iproute2")
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        _ip("-n", self._switch, "link", "set", "br0", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(2)
        for namespace in [host.namespace for host in self._hosts] + [self._switch]:
            _end_processes(namespace)
            _ip("netns", "del", namespace)
        for process in self._processes:
            process.wait()

    @property
    def switch(self) -> str:
        """Namespace of the bridge: a capture on its ``br0`` or on ``any`` sees the whole LAN."""
        return self._switch

    def add(self, name: str, number: int, *, mac: str | None = None, gateway: int | None = 1) -> Host:
        """A host with the address ``prefix.number``.

        Args:
            name: for messages.
            number: last octet.
            mac: MAC of its interface; by default a made-up one.
            gateway: last octet of its default route, None for none.
        """
        host = Host(name, f"{self._tag}-{number}", f"{self.prefix}.{number}")
        near = f"{self._tag}p{number}"
        _ip("netns", "add", host.namespace)
        self._hosts.append(host)
        _ip("link", "add", near, "netns", self._switch, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
        _ip("-n", self._switch, "link", "set", near, "master", "br0", "up")
        if mac:
            _ip("-n", host.namespace, "link", "set", "eth0", "address", mac)
        _ip("-n", host.namespace, "addr", "add", f"{host.address}/{self.length}", "dev", "eth0")
        for interface in ("lo", "eth0"):
            _ip("-n", host.namespace, "link", "set", interface, "up")
        if gateway is not None and gateway != number:
            _ip("-n", host.namespace, "route", "add", "default", "via", f"{self.prefix}.{gateway}")
        return host

    def start(self, host: Host, *command: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        """A process inside a host; it ends with the LAN."""
        with Path(log or os.devnull).open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 # stand-ins and daemons that the caller names
                ["ip", "netns", "exec", host.namespace, *command],  # noqa: S607 # iproute2, wherever it stands
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Some daemons signal their whole process group when they end; ours is not among it.
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def run(self, host: Host, *command: str, timeout_s: float = 300.0) -> subprocess.CompletedProcess[bytes]:
        """A process inside a host, waited for."""
        return subprocess.run(  # noqa: S603 # the same
            ["ip", "netns", "exec", host.namespace, *command],  # noqa: S607 # the same
            capture_output=True,
            check=False,
            timeout=timeout_s,
        )

    def unplug(self, host: Host) -> None:
        """What a power cut does: every process of a host ends, and its interface is down."""
        _end_processes(host.namespace)
        _ip("-n", host.namespace, "link", "set", "eth0", "down")

    def plug_in(self, host: Host) -> None:
        """The interface is up again; what the device runs is started by the caller, as its firmware would."""
        _ip("-n", host.namespace, "link", "set", "eth0", "up")

    @property
    def _switch(self) -> str:
        return f"{self._tag}-switch"


def _ip(*words: str) -> None:
    run = subprocess.run(["ip", *words], capture_output=True, check=False, text=True)  # noqa: S603, S607 # the same
    if run.returncode:
        raise Refused(f"ip {' '.join(words)}: {run.stderr.strip()}")


def _end_processes(namespace: str) -> None:
    """Processes of one of our own namespaces; daemons that detached themselves are found here only."""
    listed: Sequence[str] = subprocess.run(  # noqa: S603 # the same
        ["ip", "netns", "pids", namespace],  # noqa: S607 # the same
        capture_output=True,
        check=False,
        text=True,
    ).stdout.split()
    for number in listed:
        with suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)
