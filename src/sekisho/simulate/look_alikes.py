"""Harmless traffic that resembles an attack, by name, as data: one row each.

Rates and shapes are those of the real thing, with the reason in the row; none follows from what a detector looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sekisho.simulate.applications import ANY_PORT, APPLICATIONS, app
from sekisho.simulate.flows import ESP, ETHERIP, GRE, ICMP, IPV4_IN_IP, TCP, UDP

if TYPE_CHECKING:
    from sekisho.simulate.applications import Application

BORDER_RELAY = "2001:db8:ffff::1"
"""The tunnel endpoint of the simulated provider: a border relay or an AFTR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrage:
    """What a line under attack receives and answers.

    Attributes:
        protocol: ``tcp`` (SYNs, answered by RST) or ``udp`` (answered by ICMP port unreachable).
        answered: share that the line answers; systems limit ICMP errors, not RSTs.
    """

    protocol: str
    pps: float
    octets: int
    answered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlike:
    """One thing that must not be taken for an attack.

    Attributes:
        ja, en: its name for people.
        why: where its rates and shape come from.
        access: access kinds of lines that have it, the usual one first.
        group: of its line in ``lines.csv``.
        expected: the highest level that is right, ``quiet`` or ``watch``.
        applications: what the line does beside what every line does.
        barrages: what it receives and answers.
        everywhere: on all lines at once, not on some.
    """

    name: str
    ja: str
    en: str
    why: str
    access: tuple[str, ...]
    group: str
    expected: str
    applications: tuple[Application, ...]
    barrages: tuple[Barrage, ...]
    everywhere: bool


_ANY_HOME = ("pppoe", "ipoe", "map_e")
_V4 = ("pppoe", "fixed")
_BUSINESS = ("fixed", "pppoe")
_NATIVE_V6 = ("ipoe",)


def _row(
    name: str, ja: str, en: str, why: str, access: tuple[str, ...], *applications: Application, **rest: Any
) -> LookAlike:
    usual = {
        "group": "business" if access[0] == "fixed" else "home",
        "expected": "quiet",
        "barrages": (),
        "everywhere": False,
    }
    values = {**usual, **rest}
    return LookAlike(name=name, ja=ja, en=en, why=why, access=access, applications=applications, **values)


def _many(count: int) -> tuple[Application, ...]:
    """What ``count`` households do."""
    return tuple(
        replace(row, starts_per_hour=row.starts_per_hour * row.prevalence * count, prevalence=1.0)
        for row in APPLICATIONS
        if set(row.lines) != {3}
    )


# fmt: off
_ROWS = (
    _row("speed_test", "回線の速度測定", "speed test at line rate",
         "eight parallel connections for ten seconds each way, again and again by somebody who doubts the line",
         _ANY_HOME,
         app("la_speed_up", TCP, (443, 8080), every_s=40, after_s=12, duration_s=10, spread=0.05, parallel=8,
             up_pps=0, down_pps=500, up_octets=1460, down_octets=52, peers=4, line_rate_up=True),
         app("la_speed_down", TCP, (443, 8080), every_s=40, duration_s=10, spread=0.05, parallel=8,
             up_pps=500, down_pps=0, up_octets=52, down_octets=1460, peers=4, line_rate_down=True)),
    _row("speed_test_udp", "UDPによる回線の速度測定", "speed test over UDP at line rate",
         "measuring tools send UDP as fast as told, 1,400 octets a packet, half a minute to one server",
         _ANY_HOME,
         app("la_speed_udp", UDP, (5201,), every_s=60, duration_s=30, spread=0.05,
             up_pps=0, down_pps=1, up_octets=1428, down_octets=80, peers=2, line_rate_up=True)),
    _row("cloud_backup", "1時間続くクラウドへのバックアップ", "cloud backup for an hour",
         "four connections of 24 Mb/s, as backup programs divide a photo library",
         _ANY_HOME,
         app("la_backup", TCP, (443,), always=4, up_pps=2_100, down_pps=700, up_octets=1440, down_octets=52, peers=8)),
    _row("quic_upload", "QUICによるアップロード", "QUIC upload",
         "a video of some gigabytes to a video site: one connection at 90 Mb/s",
         _ANY_HOME,
         app("la_quic_upload", UDP, (443,), always=1, up_pps=8_800, down_pps=900, up_octets=1280, down_octets=70,
             peers=2)),
    _row("srt_live", "SRTによるライブ配信", "live broadcast over SRT",
         "20 Mb/s of seven transport-stream packets each, acknowledgements ten milliseconds apart",
         _ANY_HOME,
         app("la_srt", UDP, (10_080,), always=1, spread=0.1, up_pps=1_860, down_pps=110, up_octets=1360,
             down_octets=72, peers=1)),
    _row("rtmp_live", "RTMPによるライブ配信", "live broadcast over RTMP",
         "8 Mb/s over one TCP connection for hours",
         _ANY_HOME,
         app("la_rtmp", TCP, (1935,), always=1, spread=0.1, up_pps=700, down_pps=230, up_octets=1440, down_octets=52,
             peers=1)),
    _row("cloud_cameras", "クラウド録画の防犯カメラ", "cameras that record to the cloud",
         "eight cameras of 2 Mb/s each, and a relay that each asks every 20 s",
         _ANY_HOME,
         app("la_camera", TCP, (443, 1935), always=8, up_pps=180, down_pps=70, up_octets=1400, down_octets=52,
             peers=8),
         app("la_camera_relay", UDP, (32_100,), starts_per_hour=1440, duration_s=0.1, spread=0.1, up_pps=20,
             down_pps=20, up_octets=72, down_octets=72, peers=6, answered=0.9)),
    _row("bittorrent", "BitTorrent", "BitTorrent",
         "thousands of peers of which half no longer answer, uTP beside TCP, a distributed hash table",
         _ANY_HOME,
         app("la_utp", UDP, (ANY_PORT,), starts_per_hour=2400, duration_s=40, spread=1.0, up_pps=60, down_pps=60,
             up_octets=1100, down_octets=900, peers=20_000, answered=0.5, popularity=1.5),
         app("la_dht", UDP, (ANY_PORT, 6881), starts_per_hour=9000, duration_s=0.1, spread=0.2, up_pps=10,
             down_pps=10, up_octets=140, down_octets=330, peers=60_000, answered=0.5, popularity=1.5),
         app("la_bt_tcp", TCP, (ANY_PORT, 51413), starts_per_hour=2400, duration_s=30, spread=1.0, up_pps=40,
             down_pps=40, up_octets=1200, down_octets=900, peers=20_000, answered=0.35, popularity=1.5)),
    _row("video_call", "ビデオ会議", "video call",
         "two cameras and a shared screen, 5 Mb/s each way over one UDP flow",
         _ANY_HOME,
         app("la_call", UDP, (3478, 8801, 19_305), always=2, up_pps=330, down_pps=420, up_octets=1000,
             down_octets=1000, peers=4)),
    _row("game", "オンラインゲーム", "game",
         "128 updates a second to one server, small packets, and voice beside it",
         _ANY_HOME,
         app("la_game", UDP, (7777, 27_015), always=1, up_pps=128, down_pps=128, up_octets=90, down_octets=260,
             peers=8),
         app("la_voice", UDP, (50_001,), always=1, up_pps=50, down_pps=150, up_octets=130, down_octets=130, peers=4)),
    _row("sip_trunk", "SIPトランク", "SIP trunk",
         "thirty calls at a time, 50 packets of 200 octets a second each way (G.711, 20 ms)",
         _BUSINESS,
         app("la_sip", UDP, (5060,), starts_per_hour=900, duration_s=1, up_pps=4, down_pps=4, up_octets=700,
             down_octets=600, peers=2),
         app("la_rtp", UDP, (ANY_PORT,), starts_per_hour=600, duration_s=150, up_pps=50, down_pps=50, up_octets=200,
             down_octets=200, peers=2)),
    _row("vpn_wireguard", "拠点間VPN(WireGuard)", "site VPN over WireGuard",
         "file servers of two sites replicate: 200 Mb/s in one UDP flow",
         _BUSINESS,
         app("la_wireguard", UDP, (51_820,), always=1, spread=0.2, up_pps=18_000, down_pps=9_000, up_octets=1400,
             down_octets=900, peers=1)),
    _row("vpn_esp", "拠点間VPN(IPsec ESP)", "site VPN over ESP",
         "200 Mb/s without ports",
         _BUSINESS,
         app("la_esp", ESP, (0,), always=1, spread=0.2, up_pps=18_000, down_pps=10_000, up_octets=1400,
             down_octets=1000, peers=1)),
    _row("vpn_l2tp", "拠点間VPN(L2TP)", "site VPN over L2TP",
         "120 Mb/s to UDP port 1701",
         _BUSINESS,
         app("la_l2tp", UDP, (1701,), always=1, spread=0.2, up_pps=10_500, down_pps=8_000, up_octets=1430,
             down_octets=1100, peers=1)),
    _row("vpn_gre", "拠点間VPN(GRE)", "site VPN over GRE",
         "150 Mb/s of routed traffic in one GRE tunnel",
         _BUSINESS,
         app("la_gre", GRE, (0,), always=1, spread=0.2, up_pps=14_000, down_pps=11_000, up_octets=1340,
             down_octets=1200, peers=1)),
    _row("vpn_etherip", "拠点間VPN(EtherIP)", "site VPN over EtherIP",
         "one Ethernet segment on two sites, 150 Mb/s; common between Japanese routers over IPv6",
         ("fixed", "ipoe", "pppoe"),
         app("la_etherip", ETHERIP, (0,), always=1, spread=0.2, up_pps=13_500, down_pps=12_000, up_octets=1400,
             down_octets=1300, peers=1)),
    _row("tor_relay", "Torの中継ノード", "Tor relay",
         "a relay of 60 Mb/s: long TLS connections with thousands of relays, as much in as out",
         _V4,
         app("la_tor_out", TCP, (9001, 443), always=150, up_pps=30, down_pps=30, up_octets=800, down_octets=800,
             peers=6000, popularity=1.5),
         app("la_tor_new", TCP, (9001, 443), starts_per_hour=900, duration_s=180, spread=1.2, up_pps=15, down_pps=15,
             up_octets=700, down_octets=700, peers=6000, answered=0.92, popularity=1.2),
         app("la_tor_in", TCP, (9001,), starts_per_hour=1200, duration_s=180, spread=1.2, up_pps=20, down_pps=20,
             up_octets=800, down_octets=800, peers=6000, popularity=1.2, served=True)),
    _row("crawler", "クローラー", "crawler",
         "forty pages a second from twenty thousand sites, of which some are gone, and their names",
         ("fixed", "pppoe", "ipoe"),
         app("la_crawl", TCP, (443, 443, 443, 80), starts_per_hour=144_000, duration_s=1.5, spread=0.9, up_pps=8,
             down_pps=18, up_octets=180, down_octets=1300, peers=20_000, answered=0.94, popularity=1.2),
         app("la_crawl_dns", UDP, (53,), starts_per_hour=120_000, duration_s=0.05, spread=0.2, up_pps=15,
             down_pps=15, up_octets=72, down_octets=190, peers=2, answered=0.98)),
    _row("peer_updates", "ゲーム機とWindowsのピア更新", "console and Windows peer updates",
         "pieces of updates from and to other homes (port 7680, port 3074), many of which are switched off",
         _ANY_HOME,
         app("la_delivery", TCP, (7680,), starts_per_hour=500, duration_s=40, spread=1.0, up_pps=120, down_pps=120,
             up_octets=1200, down_octets=900, peers=3000, answered=0.45, popularity=1.5),
         app("la_console", UDP, (3074,), starts_per_hour=700, duration_s=20, spread=0.8, up_pps=30, down_pps=30,
             up_octets=120, down_octets=120, peers=3000, answered=0.7, popularity=1.5)),
    _row("ntp_server", "自宅の公開NTPサーバー", "home NTP server",
         "a member of a public pool: 150 clients a second, answers as large as the questions",
         _V4,
         app("la_ntp_served", UDP, (123,), starts_per_hour=540_000, duration_s=0.05, spread=0.1, up_pps=15,
             down_pps=15, up_octets=76, down_octets=76, peers=60_000, popularity=1.3, served=True)),
    _row("web_server", "自宅のWebサーバー", "home web server",
         "a page that has become popular: two visitors a second",
         _V4,
         app("la_web_served", TCP, (443,), starts_per_hour=7200, duration_s=4, spread=1.0, up_pps=60, down_pps=25,
             up_octets=1350, down_octets=90, peers=30_000, served=True)),
    _row("monitoring", "監視サーバー", "monitoring host with a fixed fleet",
         "five hundred hosts a minute by ping, SNMP, SSH and HTTP, of which one in fifty is down",
         _BUSINESS,
         app("la_ping", ICMP, (0,), starts_per_hour=30_000, duration_s=3, spread=0.05, up_pps=1, down_pps=1,
             up_octets=84, down_octets=84, peers=500, answered=0.98, popularity=1),
         app("la_snmp", UDP, (161,), starts_per_hour=30_000, duration_s=0.3, spread=0.2, up_pps=15, down_pps=15,
             up_octets=90, down_octets=300, peers=500, answered=0.98, popularity=1),
         app("la_ssh_check", TCP, (22,), starts_per_hour=15_000, duration_s=1.5, spread=0.3, up_pps=12, down_pps=12,
             up_octets=110, down_octets=130, peers=500, answered=0.98, popularity=1),
         app("la_http_check", TCP, (80, 443), starts_per_hour=15_000, duration_s=0.5, spread=0.3, up_pps=14,
             down_pps=14, up_octets=120, down_octets=600, peers=500, answered=0.98, popularity=1)),
    _row("mail_server", "小規模メールサーバー", "small mail server",
         "sixty users and a newsletter: a mail every three seconds to hundreds of exchanges, some of which are slow",
         _BUSINESS,
         app("la_mail_out", TCP, (25,), starts_per_hour=1200, duration_s=4, spread=0.7, up_pps=15, down_pps=8,
             up_octets=900, down_octets=80, peers=600, answered=0.96),
         app("la_mail_in", TCP, (25, 587, 993), starts_per_hour=600, duration_s=3, up_pps=12, down_pps=20,
             up_octets=150, down_octets=900, peers=2000, served=True),
         app("la_mail_dns", UDP, (53,), starts_per_hour=6000, duration_s=0.05, spread=0.2, up_pps=15, down_pps=15,
             up_octets=72, down_octets=220, peers=2)),
    _row("business_servers", "メール・DNS・Webを置く事業者(/29)", "business /29 with mail, DNS and web",
         "an authoritative name server that answers with signatures, a shop, and its mail, in one /29",
         ("fixed",),
         app("la_dns_served", UDP, (53,), starts_per_hour=150_000, duration_s=0.05, spread=0.3, up_pps=15,
             down_pps=15, up_octets=420, down_octets=78, peers=12_000, popularity=1.5, served=True),
         app("la_shop", TCP, (443, 443, 80), starts_per_hour=6000, duration_s=4, spread=1.0, up_pps=60, down_pps=25,
             up_octets=1350, down_octets=90, peers=30_000, served=True),
         app("la_shop_mail", TCP, (25,), starts_per_hour=500, duration_s=3, up_pps=20, down_pps=10, up_octets=900,
             down_octets=80, peers=500, answered=0.97)),
    _row("shared_building", "1回線に収容された集合住宅・学校", "apartment or school behind one line",
         "forty households at once, as one address",
         ("fixed", "pppoe", "ipoe"), *_many(40), group="building"),
    _row("destination_outage", "宛先の障害による再試行", "outage of a destination: retries from all lines",
         "applications try a popular service again and again and ask for its name; nobody answers",
         _ANY_HOME,
         app("la_outage_syn", TCP, (443,), starts_per_hour=240, peers=2, answered=0.0, up_pps=1, down_pps=0,
             up_octets=60, down_octets=60, popularity=1),
         app("la_outage_dns", UDP, (53,), starts_per_hour=200, peers=2, answered=0.0, up_pps=1, down_pps=0,
             up_octets=74, down_octets=74, popularity=1), everywhere=True),
    _row("cpe_retry_bug", "宅内機器の再問い合わせ不具合", "CPE that asks NTP and DNS again and again",
         "a firmware asks one time server and one resolver every second until it gets an answer, on all lines",
         _ANY_HOME,
         app("la_cpe_ntp", UDP, (123,), always=1, spread=0.1, up_pps=1, down_pps=0, up_octets=76, down_octets=76,
             peers=1, answered=0.0),
         app("la_cpe_dns", UDP, (53,), always=1, spread=0.1, up_pps=1, down_pps=0, up_octets=66, down_octets=66,
             peers=1, answered=0.0), everywhere=True),
    _row("leaked_private", "プライベートアドレスの漏れ", "leaked private sources",
         "a router that forgets its translations sends what it held with the home's own addresses",
         _V4,
         app("la_leak_tcp", TCP, (443,), starts_per_hour=1200, peers=200, answered=0.0, up_pps=1, down_pps=0,
             up_octets=60, down_octets=60, leaked=True),
         app("la_leak_udp", UDP, (443, 53), starts_per_hour=600, peers=200, answered=0.0, up_pps=1, down_pps=0,
             up_octets=120, down_octets=120, leaked=True), expected="watch"),
    _row("tunnel_from_outside", "トンネルの外側だけが見えるMAP-E/DS-Lite",
         "MAP-E or DS-Lite seen from outside the tunnel",
         "all of a household's IPv4, an upload among it, is one conversation with the border relay",
         _NATIVE_V6,
         app("la_tunnel", IPV4_IN_IP, (0,), always=1, spread=0.3, up_pps=5_000, down_pps=6_000, up_octets=1100,
             down_octets=1300, peers=1, peer=BORDER_RELAY), expected="watch"),
    _row("under_syn_attack", "攻撃を受けている回線(RSTの跳ね返り)", "a line under attack that answers with RST",
         "SYNs with forged sources; every one is answered with RST",
         _V4, barrages=(Barrage(protocol="tcp", pps=8_000, octets=44, answered=0.9),)),
    _row("under_udp_attack", "攻撃を受けている回線(ICMPの跳ね返り)", "a line under attack that answers with ICMP",
         "UDP from forged sources to closed ports; the system limits its ICMP errors to about a thousand a second",
         _V4, barrages=(Barrage(protocol="udp", pps=10_000, octets=640, answered=0.1),)),
    _row("dns_client", "問い合わせの多いDNSクライアント", "busy DNS client",
         "a resolver of its own that walks the tree: 200 questions a second to thousands of servers",
         ("fixed", "pppoe", "ipoe"),
         app("la_recursion", UDP, (53,), starts_per_hour=720_000, duration_s=0.05, spread=0.3, up_pps=15,
             down_pps=15, up_octets=80, down_octets=260, peers=8_000, answered=0.96, popularity=2)),
    _row("dns_forwarder", "1つのリゾルバーに集中するDNSクライアント", "busy DNS client of one resolver",
         "a mail filter behind the line asks the provider's two resolvers for every mail: 80 a second",
         _BUSINESS,
         app("la_filter_dns", UDP, (53,), starts_per_hour=288_000, duration_s=0.05, spread=0.3, up_pps=15,
             down_pps=15, up_octets=84, down_octets=160, peers=2, answered=0.99, popularity=1)),
    _row("residential_proxy", "居住用プロキシ", "residential proxy",
         "a device rents the line out: strangers' requests come over two long connections and leave to many sites",
         _ANY_HOME,
         app("la_proxy_control", TCP, (7000, 443), always=2, up_pps=250, down_pps=120, up_octets=1100,
             down_octets=300, peers=2),
         app("la_proxy_out", TCP, (443, 443, 443, 80), starts_per_hour=9_000, duration_s=4, spread=1.0, up_pps=8,
             down_pps=18, up_octets=200, down_octets=1100, peers=15_000, answered=0.93, popularity=1.3),
         expected="watch"),
)
# fmt: on

LOOK_ALIKES: dict[str, LookAlike] = {row.name: row for row in _ROWS}
"""By name."""
