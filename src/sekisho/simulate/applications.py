"""What people and their devices do with a line, as data: one row an application.

Rates and sizes are round figures of a household in the evening; none is tuned to what a detector looks at.
"""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.simulate.flows import ESP, TCP, UDP
from sekisho.simulate.lines import FIXED, IPOE, MAP_E, PPPOE

HOMES = (PPPOE, MAP_E, IPOE)
EVERYONE = (*HOMES, FIXED)
ANY_PORT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One kind of conversation between a line and a peer.

    Attributes:
        ports: the peer's ports (the line's, where it is ``served``), ``ANY_PORT`` for a random high one.
        lines: access kinds that have it.
        prevalence: share of those lines on which it is used at all.
        starts_per_hour: new conversations of such a line.
        duration_s: median duration; the distribution is log-normal.
        spread: standard deviation of the logarithm of duration and rate.
        up_pps, down_pps: median packets a second of each way; 0 = nothing.
        up_octets, down_octets: IP-layer octets of a packet.
        peers: how many peers there are; few are used much, many little.
        answered: share of conversations in which the peer answers at all.
        line_rate_up, line_rate_down: as fast as the line goes, instead of ``up_pps``, ``down_pps``.
        served: the peer opens the conversation, the line's side is the server.
        always: conversations that go on all the time, beside those that start and end.
        every_s, after_s: one more starts every so many seconds, the first one after some; 0 = none.
        parallel: conversations that start together and share the line's rate.
        popularity: exponent that makes few peers popular; 1 = all alike.
        peer: the one address of the peer, in place of the simulated Internet.
        leaked: sent with an address of the home network, which no router should let through.
    """

    name: str
    protocol: int
    ports: tuple[int, ...]
    lines: tuple[int, ...] = EVERYONE
    prevalence: float = 1.0
    starts_per_hour: float = 0.0
    duration_s: float = 60.0
    spread: float = 0.6
    up_pps: float
    down_pps: float
    up_octets: int
    down_octets: int
    peers: int = 256
    answered: float = 1.0
    line_rate_up: bool = False
    line_rate_down: bool = False
    served: bool = False
    always: int = 0
    every_s: float = 0.0
    after_s: float = 0.0
    parallel: int = 1
    popularity: float = 3.0
    peer: str = ""
    leaked: bool = False


def app(name: str, protocol: int, ports: tuple[int, ...], **rest: object) -> Application:
    """A row, with the name, protocol and ports first."""
    return Application(name=name, protocol=protocol, ports=ports, **rest)  # type: ignore[arg-type]


# fmt: off
APPLICATIONS: tuple[Application, ...] = (
    app("web_tcp", TCP, (443, 443, 443, 80), starts_per_hour=140, duration_s=2.0, spread=1.1, answered=0.995,
         up_pps=8, down_pps=18, up_octets=140, down_octets=1100, peers=4096),
    app("web_quic", UDP, (443,), starts_per_hour=90, duration_s=2.0, spread=1.1, answered=0.995,
         up_pps=9, down_pps=20, up_octets=160, down_octets=1150, peers=2048),
    app("dns", UDP, (53,), starts_per_hour=150, duration_s=0.05, spread=0.2, answered=0.99,
         up_pps=15, down_pps=15, up_octets=68, down_octets=180, peers=2),
    app("dns_retry_over_tcp", TCP, (53,), starts_per_hour=1, duration_s=0.1, up_pps=50, down_pps=40,
         up_octets=80, down_octets=600, peers=2),
    app("ntp", UDP, (123,), starts_per_hour=6, duration_s=0.05, spread=0.1, up_pps=15, down_pps=15,
         up_octets=76, down_octets=76, peers=16),
    app("push_keepalive", TCP, (5223, 5228, 443), starts_per_hour=1, duration_s=1500, up_pps=0.05, down_pps=0.05,
         up_octets=90, down_octets=90, peers=64),
    app("video_quic", UDP, (443,), lines=HOMES, prevalence=0.6, starts_per_hour=1.5, duration_s=500, answered=1.0,
         up_pps=70, down_pps=480, up_octets=75, down_octets=1278, peers=512),
    app("video_tcp", TCP, (443,), lines=HOMES, prevalence=0.5, starts_per_hour=1.0, duration_s=500,
         up_pps=120, down_pps=420, up_octets=52, down_octets=1440, peers=512),
    app("upload_quic", UDP, (443,), prevalence=0.1, starts_per_hour=3, duration_s=25, spread=0.9,
         up_pps=3000, down_pps=350, up_octets=1280, down_octets=70, peers=64),
    app("upload_tcp", TCP, (443,), prevalence=0.1, starts_per_hour=3, duration_s=20, spread=0.9,
         up_pps=2500, down_pps=900, up_octets=1430, down_octets=52, peers=64),
    app("cloud_backup", TCP, (443,), prevalence=0.02, starts_per_hour=0.5, duration_s=1800,
         up_pps=4000, down_pps=1500, up_octets=1440, down_octets=52, peers=16),
    app("speed_test_tcp_up", TCP, (443, 8080), lines=HOMES, prevalence=0.2, starts_per_hour=0.4, duration_s=10,
         spread=0.05, up_pps=0, down_pps=4000, up_octets=1460, down_octets=52, peers=12, line_rate_up=True),
    app("speed_test_tcp_down", TCP, (443, 8080), lines=HOMES, prevalence=0.2, starts_per_hour=0.4, duration_s=10,
         spread=0.05, up_pps=4000, down_pps=0, up_octets=52, down_octets=1460, peers=12, line_rate_down=True),
    app("speed_test_quic_up", UDP, (443, 8443), lines=HOMES, prevalence=0.02, starts_per_hour=0.4, duration_s=10,
         spread=0.05, up_pps=0, down_pps=2500, up_octets=1280, down_octets=80, peers=6, line_rate_up=True),
    app("video_call", UDP, (3478, 3479, 3480, 3481, 8801, 19305), prevalence=0.12, starts_per_hour=0.6,
         duration_s=1200, up_pps=260, down_pps=300, up_octets=950, down_octets=980, peers=128),
    app("game", UDP, (7777, 27015, 30000, 50000), lines=HOMES, prevalence=0.1, starts_per_hour=1.0, duration_s=900,
         up_pps=40, down_pps=60, up_octets=110, down_octets=220, peers=64),
    app("bittorrent_utp", UDP, (ANY_PORT,), lines=HOMES, prevalence=0.02, starts_per_hour=1800, duration_s=25,
         spread=1.0, up_pps=25, down_pps=25, up_octets=900, down_octets=900, peers=20_000, answered=0.55),
    app("bittorrent_dht", UDP, (ANY_PORT, 6881), lines=HOMES, prevalence=0.02, starts_per_hour=3600, duration_s=0.1,
         spread=0.2, up_pps=10, down_pps=10, up_octets=140, down_octets=330, peers=60_000, answered=0.6),
    app("bittorrent_tcp", TCP, (ANY_PORT, 51413), lines=HOMES, prevalence=0.02, starts_per_hour=900, duration_s=20,
         spread=1.0, up_pps=20, down_pps=20, up_octets=1100, down_octets=900, peers=20_000, answered=0.45),
    app("camera_to_cloud", TCP, (443, 1935), lines=EVERYONE, prevalence=0.06, starts_per_hour=1.0, duration_s=3000,
         up_pps=190, down_pps=70, up_octets=1380, down_octets=52, peers=32),
    app("camera_to_cloud_srt", UDP, (10_080,), lines=EVERYONE, prevalence=0.02, starts_per_hour=1.0, duration_s=3000,
         up_pps=350, down_pps=30, up_octets=1344, down_octets=80, peers=16),
    app("wireguard", UDP, (51_820,), prevalence=0.03, starts_per_hour=1.0, duration_s=3000, spread=1.2,
         up_pps=150, down_pps=300, up_octets=800, down_octets=1200, peers=64),
    app("site_vpn_wireguard", UDP, (51_820,), lines=(FIXED,), prevalence=0.1, starts_per_hour=1.0, duration_s=3000,
         spread=0.3, up_pps=18_000, down_pps=15_000, up_octets=1350, down_octets=1300, peers=8),
    app("site_vpn_esp", ESP, (0,), lines=(FIXED,), prevalence=0.1, starts_per_hour=1.0, duration_s=3000,
         spread=0.3, up_pps=9_000, down_pps=9_000, up_octets=1400, down_octets=1400, peers=8),
    app("served_web", TCP, (443, 443, 80), lines=(FIXED,), prevalence=0.5, starts_per_hour=2400, duration_s=4,
         spread=1.0, up_pps=60, down_pps=25, up_octets=1350, down_octets=90, peers=30_000, served=True),
    app("served_mail", TCP, (25, 587, 993), lines=(FIXED,), prevalence=0.5, starts_per_hour=300, duration_s=3,
         up_pps=15, down_pps=20, up_octets=200, down_octets=900, peers=5_000, served=True),
    app("sent_mail", TCP, (25,), lines=(FIXED,), prevalence=0.5, starts_per_hour=60, duration_s=3,
         up_pps=25, down_pps=15, up_octets=1000, down_octets=90, peers=500, answered=0.97),
    app("sip_trunk", UDP, (5060,), lines=(FIXED,), prevalence=0.5, starts_per_hour=60, duration_s=120,
         up_pps=50, down_pps=50, up_octets=200, down_octets=200, peers=4),
)
# fmt: on
