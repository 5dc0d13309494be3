"""Why somebody may look: the purposes that a hunt, a lookup, a reveal and an export name, and what they rest on.

Addresses, times and the fact of a communication are secret by law (Telecommunications Business Act, article 4; GDPR and
ePrivacy ask for much the same). Whoever looks says what for; without a code the answer is no.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """One purpose and its legal basis, for people in both languages."""

    code: str
    ja: str
    en: str


SHIPPED: tuple[Purpose, ...] = (
    Purpose(
        code="own_network_protection",
        ja="自社ネットワークの保護 (正当業務行為。大量通信等への対処に関するガイドライン)",
        en="protection of our own network (legitimate business act; guideline on handling mass traffic)",
    ),
    Purpose(
        code="necessity",
        ja="緊急避難 (現に起きている危難を避けるためにほかに方法がない場合)",
        en="necessity (a present danger that nothing else averts)",
    ),
    Purpose(
        code="third_party_report",
        ja="第三者からの通報の確認 (届いた情報に該当する回線があるかどうか)",
        en="checking a third party's report (whether one of our lines is meant)",
    ),
    Purpose(
        code="consent",
        ja="契約者本人の同意",
        en="consent of the subscriber",
    ),
    Purpose(
        code="certified_body",
        ja="認定協会を通じた送信型対電気通信設備サイバー攻撃への対処 (2018年改正電気通信事業法)",
        en="cyber-attacks by transmission, through the certified body (the act as amended in 2018)",
    ),
)
"""Not legal advice: the operator's counsel decides which of these apply."""


def purpose_of(code: str, purposes: Sequence[Purpose] = SHIPPED) -> Purpose:
    """The purpose of a code.

    Raises:
        Refused: there is none of that code.
    """
    for purpose in purposes:
        if purpose.code == code:
            return purpose
    known = ", ".join(purpose.code for purpose in purposes)
    raise Refused(
        f"purpose: expected one of {known}; found {code!r}",
        f"目的は {known} のいずれかを選んでください（入力: {code!r}）",
    )
