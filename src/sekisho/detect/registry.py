"""The table of detectors; a new one is one file and one row."""

from __future__ import annotations

from sekisho.detect.detectors import (
    brute_force,
    c2_contact,
    dns_flood,
    fragment_flood,
    gre_flood,
    http_flood,
    icmp_flood,
    reflection,
    scan,
    spam,
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
    http_flood.DETECTOR,
    dns_flood.DETECTOR,
    reflection.DETECTOR,
    scan.DETECTOR,
    brute_force.DETECTOR,
    spam.DETECTOR,
    c2_contact.DETECTOR,
    spoofed_source.DETECTOR,
    volume_anomaly.DETECTOR,
)
"""Every detector that ships, in the order of the reference page."""
