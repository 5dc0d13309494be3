"""The table of detectors; a new one is one file and one row."""

from __future__ import annotations

from sekisho.detect.detectors import (
    c2_contact,
    fragment_flood,
    gre_flood,
    icmp_flood,
    scan,
    spoofed_source,
    tcp_flood,
    tcp_syn_flood,
    udp_flood,
    volume_anomaly,
)

DETECTORS = (
    udp_flood.DETECTOR,
    tcp_syn_flood.DETECTOR,
    tcp_flood.DETECTOR,
    icmp_flood.DETECTOR,
    gre_flood.DETECTOR,
    fragment_flood.DETECTOR,
    scan.DETECTOR,
    c2_contact.DETECTOR,
    spoofed_source.DETECTOR,
    volume_anomaly.DETECTOR,
)
"""Every detector that ships, in the order of the reference page."""
