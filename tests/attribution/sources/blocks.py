"""What the samples of translators look like; times of the headers are those that the messages carry."""

from __future__ import annotations

from ipaddress import IPv4Address

ALLOC = (
    "RT_NAT: RT_SRC_NAT_PBA_ALLOC: Subscriber 100.64.60.74 used/maximum [10/15] blocks, allocates port block "
    "[24064-24191] from 203.0.113.100 in source pool POOL lsys_id: 0 epoch 0x6a44007a"
)
RELEASE = ALLOC.replace("ALLOC", "RELEASE").replace("allocates", "releases")
INTERIM = ALLOC.replace("ALLOC", "INTERIM").replace("allocates ", "")
PAIRS = (
    'RT_NAT - RT_SRC_NAT_PBA_ALLOC [internal-ip="10.0.10.10" block-used="1" block-max-per-host="4" '
    'block-port-low="48640" block-port-high="48895" reflexive-ip="192.0.2.172" nat-pool-name="guest" '
    'logical-system-id="0" epoch-time-64="624b0492"]'
)
OUTSIDE = IPv4Address("203.0.113.100")
ALLOCATED_MS = 0x6A44007A * 1000
BSD = "<14>Jun 30 17:44:26 bng-1 "
