"""What a decoder keeps at most: anybody who can send a datagram can send templates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Named limits; what happens at each of them is counted under a ``WireReason`` or a counter of the decoder.

    Attributes:
        sources: (exporter, version, observation domain) triples; datagrams of further ones are dropped
            (``exporter_limit``).
        sources_per_exporter: the same for one address, so that one exporter cannot use up all of them.
        templates_per_exporter: further templates are refused (``template_limit``); known ones may still change.
            Junos and IOS XR announce below fifty.
        template_fields: a template with more fields is refused (``template_limit``).
        record_octets: a template whose shortest record is longer is refused (``bad_template``): it cannot
            fit into a UDP datagram.
        held_octets_per_exporter: octets of sets kept until their template comes; further ones are dropped
            (``held_limit``).
        held_ms: how long such a set waits in stream time, then it is dropped (``unknown_template``). Windows stay
            open for thirty seconds longer than this.
        samplers_per_source: sampler rates kept for one source; further ones are ignored and counted.
        interfaces_per_exporter: interface names kept; further ones are ignored and counted.
        totals_flows: flows whose running totals are remembered, a power of two. Beyond it the flow unseen for longest
            in its neighbourhood is forgotten, and its next total counts as a new flow's: too much, never too little.
        events: options and NAT events kept until taken; further ones are counted only.
        data_sources: points of all sFlow exporters that packets were sampled at. Samples of further ones become rows
            with the nominal sampling interval, and are counted.
        data_sources_per_source: the same for one source.
        counted_interfaces: interfaces whose counters are kept; those of further ones are ignored and counted.
        counted_interfaces_per_source: the same for one source.
    """

    sources: int = 8192
    sources_per_exporter: int = 256
    templates_per_exporter: int = 1024
    template_fields: int = 512
    record_octets: int = 65_487
    held_octets_per_exporter: int = 1 << 20
    held_ms: int = 10_000
    samplers_per_source: int = 4096
    interfaces_per_exporter: int = 65_536
    totals_flows: int = 1 << 16
    events: int = 65_536
    data_sources: int = 32_768
    data_sources_per_source: int = 8192
    counted_interfaces: int = 32_768
    counted_interfaces_per_source: int = 8192
