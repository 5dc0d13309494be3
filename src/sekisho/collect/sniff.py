"""What kind of file the input is, and one sentence about those that are no capture."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from sekisho.collect.pcap import PcapWalker
from sekisho.collect.pcapng import PcapngWalker
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from sekisho.collect.walk import Walker

FORMATS = (PcapWalker, PcapngWalker)

HEAD_OCTETS = 24
"""What the formats want to see: pcap's file header; a section header block is longer."""

COMPRESSED = (
    (b"\x1f\x8b", "gzip", "zcat"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat"),
    (b"\xfd7zXZ\x00", "xz", "xzcat"),
    (b"BZh", "bzip2", "bzcat"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4cat"),
)
"""First octets, name, and the program that writes the decompressed octets to standard output."""

_EXPECTED = "expected a pcap or pcapng capture"
_TEXT = frozenset(string.printable.encode())


def walker_of(name: str, head: bytes) -> Walker:
    """The walker of a capture file.

    Args:
        name: file name for the message, "-" for standard input.
        head: its first octets, ``HEAD_OCTETS`` unless the file is shorter.

    Raises:
        InputError: the file is no capture, or ends inside its header.
    """
    for walker in FORMATS:
        if walker.recognises(head):
            if len(head) < HEAD_OCTETS:
                raise InputError(name, f"{_EXPECTED}, found one that ends inside its file header")
            return walker(head)
    raise InputError(name, _problem(name, head))


def _problem(name: str, head: bytes) -> str:
    if not head:
        return f"{_EXPECTED}, found an empty file"
    for magic, compression, program in COMPRESSED:
        if head.startswith(magic):
            way = f"{program} {name} | sekisho analyze - (or decode -)"
            return f"{_EXPECTED}, found {compression}: decompress first, {way}"
    if all(octet in _TEXT for octet in head):
        return f"{_EXPECTED}, found text"
    return f"{_EXPECTED}, found a file that starts with 0x{head[:4].hex()}"
