"""Keys of lines: what the flow store holds instead of the operator's line identifiers."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

UNKEYED = b"sekisho line key"
"""Key where none is configured: keys are then the same on every machine, and whoever knows the line identifiers can
compute them. An operator configures a key file; a capture on a desk needs none."""

MIN_KEY_OCTETS, MAX_KEY_OCTETS = 16, 64
"""RFC 7693 allows keys up to 64 octets; fewer than 16 can be tried out."""


def read_key_file(path: Path) -> bytes:
    """The octets of a key file.

    Raises:
        InputError: unreadable, or not 16 to 64 octets.
    """
    try:
        key = path.read_bytes()
    except OSError as error:
        raise InputError(path, f"expected a key file, found: {error.strerror}") from error
    if not MIN_KEY_OCTETS <= len(key) <= MAX_KEY_OCTETS:
        raise InputError(path, f"expected a key of {MIN_KEY_OCTETS} to {MAX_KEY_OCTETS} octets, found {len(key)}")
    return key


def line_keys(line_ids: Iterable[str], key: bytes) -> NDArray[np.int64]:
    """Keyed BLAKE2b-64 of each identifier (UTF-8), big-endian, shifted right by one so that it is never negative."""
    keyed = blake2b(digest_size=8, key=key)

    def digest(line_id: str) -> bytes:
        state = keyed.copy()
        state.update(line_id.encode())
        return state.digest()

    digests = b"".join(map(digest, line_ids))
    return (np.frombuffer(digests, ">u8") >> np.uint64(1)).astype(np.int64)


class LineIds:
    """Line identifiers by key.

    Attributes:
        keys: (n,) int64, ascending, each once.
        collided: (m,) int64, ascending: keys that two different identifiers share, and key 0, which means "no line".
            Such a key names nobody.
    """

    __slots__ = ("_ids", "collided", "keys")

    def __init__(self, keys: NDArray[np.int64], line_ids: pa.Array) -> None:
        order = np.argsort(keys, kind="stable")
        keys, line_ids = keys[order], line_ids.take(pa.array(order))
        repeated = keys[1:] == keys[:-1]
        differs = pc.not_equal(line_ids[1:], line_ids[:-1]).to_numpy(zero_copy_only=False)
        self.collided: NDArray[np.int64] = np.unique(np.append(keys[1:][repeated & differs], keys[:1][keys[:1] == 0]))
        first = np.append(True, ~repeated)[: len(keys)]
        self.keys: NDArray[np.int64] = keys[first]
        self._ids = line_ids.filter(pa.array(first))

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Keys that name a line, and its identifier."""
        named = ~np.isin(self.keys, self.collided)
        return zip(self.keys[named].tolist(), self._ids.filter(pa.array(named)).to_pylist(), strict=True)

    def __contains__(self, key: int) -> bool:
        """Whether a key is that of a line, or of two."""
        at = int(np.searchsorted(self.keys, key))
        return at < len(self.keys) and bool(self.keys[at] == key)

    def line_id(self, key: int) -> str:
        """The identifier of a key.

        Raises:
            KeyError: no line has this key, or two have it.
        """
        at = int(np.searchsorted(self.keys, key))
        if at == len(self.keys) or self.keys[at] != key or key in self.collided:
            raise KeyError(key)
        line_id: str = self._ids[at].as_py()
        return line_id
