"""Messages as the outbox hands them over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sekisho.measures.model import Language
from sekisho.notices.delivery import Message

ADDRESS = "〒100-0000\n東京都千代田区見本町一丁目2番3号\n見本 太郎 様"
HOSTILE = '=HYPERLINK("x")\r\nBcc: x@evil.example\x00\x1b[2J\u202e<script>alert(1)</script>' + "あ" * 1_000_000


def message(**changes: Any) -> Message:
    given = Message(
        id="n17.4f2a9c",
        case_code="AAAA-CCCC-EEEE-HHHC",
        line_id="L000123",
        kind="first_notice",
        language=Language.JA,
        channel="mail",
        to="taro@customer.example",
        subject="お使いの回線で確認された大量の通信について",
        text="本文\n",
        html="<p>本文</p>\n",
        pdf=None,
    )
    return replace(given, **changes)
