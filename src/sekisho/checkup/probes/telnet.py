"""Telnet (RFC 854): what prompt does the service show. Options are refused, no character is typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate

_IAC, _DONT, _DO, _WONT, _WILL, _SB, _SE = 255, 254, 253, 252, 251, 250, 240
_REFUSAL = {_DO: _WONT, _WILL: _DONT}
_LOGIN = re.compile(rb"(?:login|user\s?name|account|password)[^\n]{0,30}:\s*$", re.IGNORECASE)
_SHELL = re.compile(rb"(?:^|[\r\n])[^\r\n]{0,80}[#$>]\s?$")
_ROUNDS = 8
"""A client that refuses everything needs no more turns; a server that goes on offering would hold it for ever."""


@dataclass(frozen=True, slots=True)
class TelnetAnswer:
    """The prompt.

    Attributes:
        shell: the text ends in a shell prompt without having asked for a login. A "#" inside a banner is none.
    """

    text: str
    login: bool
    shell: bool


def split_options(octets: bytes) -> tuple[bytes, bytes]:
    """Plain text of what a server sent, and the refusals to answer with (RFC 854: DO -> WONT, WILL -> DONT)."""
    text, answer, at = bytearray(), bytearray(), 0
    while at < len(octets):
        if octets[at] != _IAC:
            text.append(octets[at])
            at += 1
            continue
        command = octets[at + 1] if at + 1 < len(octets) else _SE
        if command == _SB:
            end = octets.find(bytes([_IAC, _SE]), at)
            at = end + 2 if end >= 0 else len(octets)
        elif command in (_DO, _WILL, _DONT, _WONT):
            if command in _REFUSAL and at + 2 < len(octets):
                answer += bytes([_IAC, _REFUSAL[command], octets[at + 2]])
            at += 3
        else:
            at += 2
    return bytes(text), bytes(answer)


def read_prompt(text: bytes) -> TelnetAnswer:
    """What the text so far means."""
    login = _LOGIN.search(text) is not None
    shell = not login and _SHELL.search(text) is not None
    return TelnetAnswer(printable(text), login, shell)


async def run(job: Job, gate: Gate) -> TelnetAnswer:
    """Refuse options until a prompt stands there or nothing comes any more."""
    text = b""
    async with gate.connect(job.address, job.port) as stream:
        for _ in range(_ROUNDS):
            octets = await stream.read_until(bool)
            if not octets:
                break
            plain, refusals = split_options(octets)
            text += plain
            if refusals:
                stream.write(refusals)
            prompt = read_prompt(text)
            if prompt.login or prompt.shell:
                return prompt
    if not text:
        raise NoAnswer(Status.SILENT, "no text")
    return read_prompt(text)
