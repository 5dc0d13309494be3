"""The part of BER (X.690) that SNMP needs: elements with definite lengths, bounded by the octets at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER, OCTETS, NULL, IDENTIFIER, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
_LONG = 0x80


def element(tag: int, value: bytes) -> bytes:
    """One element."""
    length = len(value)
    if length < _LONG:
        return bytes([tag, length]) + value
    width = (length.bit_length() + 7) // 8
    return bytes([tag, _LONG | width]) + length.to_bytes(width, "big") + value


def number(value: int) -> bytes:
    """A non-negative INTEGER."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def identifier(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER; the first two numbers share an octet (X.690, section 8.19.4)."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    return element(IDENTIFIER, bytes([40 * first + second]) + b"".join(map(_base_128, rest)))


def items(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, value) of the elements one after the other.

    Raises:
        ValueError: an element is longer than what is there.
    """
    at = 0
    while at + 2 <= len(octets):
        tag, length = octets[at], octets[at + 1]
        at += 2
        if length & _LONG:
            width = length & 0x7F
            length = int.from_bytes(octets[at : at + width], "big")
            at += width
        if at + length > len(octets):
            raise ValueError("length")
        yield tag, octets[at : at + length]
        at += length


def _base_128(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.insert(0, value & 0x7F | 0x80)
    return bytes(groups)
