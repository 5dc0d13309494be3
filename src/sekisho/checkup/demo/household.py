"""The demo's household: five stand-in devices and one computer that checks them."""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

from sekisho.checkup.demo.lan import Host, Lan
from sekisho.core.errors import Unavailable

HOSTS = {"router": 1, "camera": 20, "recorder": 30, "fresh": 40, "quiet": 50}
"""Role of each stand-in -> last octet of its address."""


def build(lan: Lan) -> Host:
    """Start the household; gives the computer that the check-up runs on."""
    for role, number in HOSTS.items():
        host = lan.add(role, number, mac=f"00:00:5e:00:53:{number:02x}")
        lan.start(host, sys.executable, "-m", "sekisho.checkup.demo.stand_ins", role, host.address)
    return lan.add("computer", 2)


def check_household() -> dict[str, Any]:
    """The report of a check-up of the household.

    Raises:
        Refused: not Linux or not root.
        Unavailable: the check-up inside did not end well.
    """
    with tempfile.TemporaryDirectory() as state, Lan() as lan:
        return check_from(lan, build(lan), state)


def check_from(lan: Lan, computer: Host, state: str, *options: str) -> dict[str, Any]:
    """The report of `sekisho checkup run` on one host of a LAN.

    Raises:
        Unavailable: it did not end well; the message is what it said.
    """
    command = "from sekisho.cli.checkup import app; app()"
    words = ("run", "--consent", "demo", "--state", state, "--format", "json", *options)
    done = lan.run(computer, sys.executable, "-c", command, *words)
    if done.returncode:
        raise Unavailable(f"the check-up inside the LAN failed: {done.stderr.decode(errors='replace')[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report
