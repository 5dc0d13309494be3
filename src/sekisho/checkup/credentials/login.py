"""Tries documented pairs on one device: one at a time, slowly, and never again after a sign of a lock."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass
from sekisho.checkup.credentials.pairs import Accepted, NotAccepted, Pair, PairResult, Spent, Stopped, StopReason
from sekisho.checkup.data.advisory import key
from sekisho.checkup.jobs import NoAnswer
from sekisho.checkup.probes.authorization import authorization
from sekisho.checkup.probes.http import HttpAnswer, decode, host, read_answer
from sekisho.checkup.probes.tls import TLS_PORTS, any_peer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sekisho.checkup.credentials.ledger import AttemptLedger
    from sekisho.checkup.device import Device
    from sekisho.checkup.gate import Gate
    from sekisho.checkup.jobs import Job, Seen

_LOCK_WORDS = re.compile("lock(?:ed|out)|captcha|too many|try again later|ロック|制限", re.IGNORECASE)
_LOCK_STATUSES = frozenset({403, 423, 429, 503})
_SLOWED = 3.0
"""An answer that takes this many seconds longer than the one without credentials: the device is holding us off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCheck:
    """Tries the documented pairs of one device, one at a time.

    Attributes:
        now_ms, sleep: injected, so that the tests need not wait.
    """

    gate: Gate
    ledger: AttemptLedger
    pairs: list[Pair]
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, device: Device, maker: str, model: str, page: Job) -> PairResult | None:
        """Result on a page that answered 401 without credentials; None where the catalogue holds no pair for the model.

        Raises:
            OutOfScope: this class of check was not consented to, or the network is another one.
        """
        fitting = [p for p in self.pairs if (key(p.maker), key(p.model)) == (key(maker), key(model))]
        if not fitting:
            return None
        tried: list[str] = []
        for pair in fitting[: self.gate.limits.attempts_per_device]:
            result = await self._try(device, pair, page)
            if not isinstance(result, NotAccepted):
                return result
            tried += result.pairs
        return NotAccepted(tuple(tried))

    async def _try(self, device: Device, pair: Pair, page: Job) -> PairResult:
        # The wait comes first: a challenge is good for some seconds only.
        await self.sleep(self.ledger.wait_s(self.now_ms()))
        bare, bare_s = await self._get(page, None)
        challenge = bare.headers.get("www-authenticate", "") if bare else ""
        if bare is None or bare.status != 401 or _shows_lock(bare):
            return Stopped(StopReason.NO_LOGIN_PAGE)
        path = page.argument or "/"
        header = authorization(challenge, pair.username, pair.password, method="GET", path=path)
        if header is None:
            return Stopped(StopReason.UNKNOWN_LOGIN)
        try:
            self.ledger.begin(device, pair, self.now_ms())
        except Spent as spent:
            return Stopped(spent.reason)
        answer, answer_s = await self._get(page, header)
        return self._judge(device, pair, answer, answer_s - bare_s)

    def _judge(self, device: Device, pair: Pair, answer: HttpAnswer | None, slower_s: float) -> PairResult:
        if answer is not None and 200 <= answer.status < 300:
            self.ledger.note("unlocks", device, self.now_ms())
            return Accepted(pair.id, pair.source)
        if answer is None or _shows_lock(answer) or slower_s > _SLOWED:
            self.ledger.note("stopped", device, self.now_ms())
            return Stopped(StopReason.SHOWED_LOCK)
        return NotAccepted((pair.id,))

    async def _get(self, page: Job, header: str | None) -> tuple[HttpAnswer | None, float]:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        tls = any_peer() if page.port in TLS_PORTS else None
        try:
            async with self.gate.connect(
                page.address, page.port, tls=tls, check_class=CheckClass.DEFAULT_PAIRS
            ) as stream:
                connected_s = loop.time()
                line = f"Authorization: {header}\r\n" if header else ""
                stream.write(
                    f"GET {page.argument or '/'} HTTP/1.1\r\nHost: {host(page)}\r\n{line}"
                    "Connection: close\r\n\r\n".encode()
                )
                return decode(await read_answer(stream)), loop.time() - connected_s
        except NoAnswer:
            return None, loop.time() - began_s


def login_page(device: Device, seen: Seen) -> Job | None:
    """The page that a try is made on: the first one that answered 401, in TLS where there is one."""
    asking = [job for job, answer in seen.answers(device.targets, HttpAnswer) if answer.status == 401]
    return min(asking, key=lambda job: (job.port not in TLS_PORTS, job.port), default=None)


def _shows_lock(answer: HttpAnswer) -> bool:
    return answer.status in _LOCK_STATUSES or _LOCK_WORDS.search(answer.text) is not None
