"""External programs that tests compare with or talk to."""

from __future__ import annotations

import os
import shutil

import pytest

PACKAGES = {
    "tshark": "tshark",
    "nfacctd": "pmacct",
    "pmacctd": "pmacct",
    "softflowd": "softflowd",
    "nfdump": "nfdump",
    "nfcapd": "nfdump",
    "nfreplay": "nfdump",
    "editcap": "wireshark-common",
    "ip": "iproute2",
    "miniupnpd": "miniupnpd",
    "nft": "nftables",
    "lighttpd": "lighttpd",
    "inetd": "openbsd-inetd",
    "telnetd": "inetutils-telnetd",
    "smbd": "samba",
    "avahi-daemon": "avahi-daemon",
    "minidlnad": "minidlna",
    "snmpd": "snmpd",
    "dropbear": "dropbear-bin",
    "dropbearkey": "dropbear-bin",
    "mosquitto": "mosquitto",
    "tcpdump": "tcpdump",
    "unshare": "util-linux",
    "curl": "curl",
    "pg_ctlcluster": "postgresql",
    "radclient": "freeradius-utils",
    "freeradius": "freeradius",
    "kea-dhcp4": "kea-dhcp4-server",
    "exim4": "exim4-daemon-light",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "pdffonts": "poppler-utils",
    "chromium": "chromium",
    "nginx": "nginx-light",
    "java": "openjdk-17-jre-headless",
    "systemd-analyze": "systemd",
}
"""Program -> Debian package that brings it."""


def needs(program: str) -> str:
    """Path of a program; without it the test skips with the reason, and fails in CI."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is not None:
        return path
    reason = f"{program} is not installed (apt-get install {PACKAGES.get(program, program)})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
