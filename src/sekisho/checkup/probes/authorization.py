"""The Authorization header: Basic (RFC 7617) and Digest (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import os
import re

_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}


def authorization(challenge: str, username: str, password: str, *, method: str, path: str) -> str | None:
    """The header's value for a challenge, None for a scheme or an algorithm that is not spoken here."""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
    algorithm = fields.get("algorithm", "MD5").upper()
    if scheme.lower() != "digest" or algorithm not in _ALGORITHMS or not {"realm", "nonce"} <= set(fields):
        return None

    def digest(text: str) -> str:
        return hashlib.new(_ALGORITHMS[algorithm], text.encode(), usedforsecurity=False).hexdigest()

    secret = digest(f"{username}:{fields['realm']}:{password}")
    request = digest(f"{method}:{path}")
    head = f'Digest username="{username}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{path}"'
    head += f", algorithm={algorithm}"
    head += f', opaque="{fields["opaque"]}"' if "opaque" in fields else ""
    if "auth" not in fields.get("qop", ""):
        response = digest(f"{secret}:{fields['nonce']}:{request}")
        return f'{head}, response="{response}"'
    client_nonce = os.urandom(8).hex()
    response = digest(f"{secret}:{fields['nonce']}:00000001:{client_nonce}:auth:{request}")
    return f'{head}, qop=auth, nc=00000001, cnonce="{client_nonce}", response="{response}"'
