"""IP addresses as two signed 64-bit integers (bit patterns), as every table and kernel holds them.

IPv4 stands as ``::ffff:0:0/96`` (RFC 4291, section 2.5.5.2), so one pair of columns holds both versions.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

V4_MAPPED = 0xFFFF << 32
_SIGN = 1 << 63
_WORD = 1 << 64


def to_words(address: IPAddress) -> tuple[int, int]:
    """Upper and lower 64 bits of an address, each as a signed integer."""
    number = int(address) | V4_MAPPED if address.version == 4 else int(address)
    return _signed(number >> 64), _signed(number & (_WORD - 1))


def from_words(hi: int, lo: int) -> IPAddress:
    """The address of two 64-bit words, signed or not; mapped IPv4 comes back as IPv4."""
    number = (hi % _WORD) << 64 | lo % _WORD
    if number >> 32 == 0xFFFF:
        return IPv4Address(number & 0xFFFFFFFF)
    return IPv6Address(number)


def text_of_words(hi: int, lo: int) -> str:
    """The usual text of the address of two 64-bit words (RFC 5952)."""
    return str(from_words(hi, lo))


def parse_address(text: str) -> IPAddress:
    """An address from its text; mapped IPv4 is IPv4.

    Raises:
        ValueError: the text is no address.
    """
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_prefix(text: str) -> IPNetwork:
    """An address or a prefix from its text.

    Raises:
        ValueError: the text is no prefix, or has host bits set.
    """
    return ip_network(text, strict=True)


def prefix_words(prefix: IPNetwork) -> tuple[int, int, int]:
    """Upper word, lower word and length (0 to 128, IPv4 counted from 96) of a prefix."""
    hi, lo = to_words(prefix.network_address)
    return hi, lo, prefix.prefixlen + (96 if prefix.version == 4 else 0)


def _signed(word: int) -> int:
    return word - _WORD if word & _SIGN else word


SPECIAL_USE: tuple[IPNetwork, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Addresses that are reused in many networks or mean none (RFC 6890, RFC 6598); documentation prefixes are not
among them, since samples and exercises number their networks from those."""
