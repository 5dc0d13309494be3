"""Conditions that an operator should know of: each is said once when it begins and once when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from sekisho.core.log import logger
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Language = Literal["ja", "en"]


class Condition(StrEnum):
    """What may hold; the value is a metric label."""

    EXPORTER_SILENT = "exporter_silent"
    UNKNOWN_EXPORTER = "unknown_exporter"
    FOREIGN_AGENT = "foreign_agent"
    EXPORT_LOSS = "export_loss"
    KERNEL_DROPS = "kernel_drops"
    OVERLOAD = "overload"
    SMALL_BUFFER = "small_buffer"
    COVERAGE = "coverage"
    CLOCK_SKEW = "clock_skew"
    UNKNOWN_INTERFACE = "unknown_interface"
    FLOWS_NOT_STORED = "flows_not_stored"
    STATE_NOT_KEPT = "state_not_kept"
    CASES_UNAVAILABLE = "cases_unavailable"
    SENDING_HELD = "sending_held"
    CHANNEL_FAILING = "channel_failing"
    SUBSCRIBERS_UNREACHED = "subscribers_unreached"
    NOBODY_APPROVES = "nobody_approves"
    CASE_WEBHOOK_FAILING = "case_webhook_failing"
    CASE_EVENTS_GIVEN_UP = "case_events_given_up"
    SOURCE_SILENT = "source_silent"
    SOURCE_QUARANTINED = "source_quarantined"
    SOURCE_UNREADABLE = "source_unreadable"
    PROCESS_FAILING = "process_failing"


TEXTS: Mapping[Condition, Mapping[Language, str]] = {
    Condition.EXPORTER_SILENT: {
        "ja": "{subject} から {silent_s:,.0f} 秒間、何も届いていません。エクスポートの設定と経路を確認してください",
        "en": "nothing has come from {subject} for {silent_s:,.0f} s: look at its export settings and at the way to it",
    },
    Condition.UNKNOWN_EXPORTER: {
        "ja": "設定にないアドレスから届いています (直近 {count:,} 件)。[[exporter]] に加えるまで使いません",
        "en": "datagrams come from addresses that are not configured ({count:,} of late); they are not used "
        "until [[exporter]] names them",
    },
    Condition.FOREIGN_AGENT: {
        "ja": "{subject} を名乗る sFlow が、認められていない送信元から届いています (直近 {count:,} 件)。使いません。"
        "正しい転送元であれば sent_from に加えてください",
        "en": "sFlow that names {subject} comes from addresses that may not speak for it ({count:,} of late); it is "
        "not used. If they forward for it, add them to sent_from",
    },
    Condition.EXPORT_LOSS: {
        "ja": "{subject} の {share:.1%} が途中で失われています。検知の信頼度を下げて判定します",
        "en": "{share:.1%} of what {subject} sends is lost on the way; verdicts say so",
    },
    Condition.KERNEL_DROPS: {
        "ja": "{subject} の受信バッファがあふれ、直近で {count:,} 件を失いました",
        "en": "the receive buffer of {subject} overflowed: {count:,} datagrams lost of late",
    },
    Condition.OVERLOAD: {
        "ja": "処理が追い付かず、{subject} のデータグラムを直近で {count:,} 件捨てました",
        "en": "processing is behind: {count:,} datagrams of {subject} were shed of late",
    },
    Condition.SMALL_BUFFER: {
        "ja": "{subject} の受信バッファは {granted:,} オクテットしか得られませんでした (必要: {asked:,})。"
        "sysctl -w net.core.rmem_max={asked} を設定してください",
        "en": "the receive buffer of {subject} is {granted:,} octets, {asked:,} were asked for: "
        "sysctl -w net.core.rmem_max={asked}",
    },
    Condition.COVERAGE: {
        "ja": "{subject}: フローの量がインターフェースカウンターの {ratio:.0%} です。"
        "サンプリング設定かエクスポート漏れを確認してください。自動の判定はしません",
        "en": "{subject}: flows add up to {ratio:.0%} of the interface counters; look at sampling and at what is not "
        "exported. Nothing is decided automatically",
    },
    Condition.CLOCK_SKEW: {
        "ja": "{subject} の時計が {skew_s:+,.1f} 秒ずれています。補正して使いますが、NTP を確認してください",
        "en": "the clock of {subject} is {skew_s:+,.1f} s off; times are corrected, but look at its NTP",
    },
    Condition.UNKNOWN_INTERFACE: {
        "ja": "設定にないインターフェースのレコードが直近で {count:,} 件ありました",
        "en": "{count:,} records of late were of interfaces that are not configured",
    },
    Condition.FLOWS_NOT_STORED: {
        "ja": "フローを保存していません ({reason})。検知は続いています",
        "en": "flows are not stored ({reason}); detection goes on",
    },
    Condition.STATE_NOT_KEPT: {
        "ja": "状態をディスクに保存できません。いま再起動すると、続いている検知が失われます",
        "en": "state cannot be written to disk: a restart now would lose detections that go on",
    },
    Condition.CASES_UNAVAILABLE: {
        "ja": "ケースのデータベースに書き込めません ({why})。検知は続き、復旧後に書き込みます",
        "en": "the case database cannot be written to ({why}); detection goes on, cases are written when it is back",
    },
    Condition.SENDING_HELD: {
        "ja": "送信をすべて止めています ({reason})。内容を確認し、問題がなければ解除してください",
        "en": "all sending is held ({reason}): look at it, and release the brake if all is right",
    },
    Condition.CHANNEL_FAILING: {
        "ja": "{subject} で通知を渡せません ({why})。通知は失われず、後で再び試みます",
        "en": "{subject} does not take notices ({why}); none is lost, they are tried again",
    },
    Condition.SUBSCRIBERS_UNREACHED: {
        "ja": "どの手段でも連絡できない契約者のケースが {count:,} 件あります。電話または連絡先の確認が必要です",
        "en": "{count:,} cases of subscribers whom nothing reached: somebody has to call, or to find an address",
    },
    Condition.NOBODY_APPROVES: {
        "ja": "policy の mode は {mode} ですが、役割 approver を持つアカウントがありません。"
        "通知案は承認されるまで送信されません。sekisho users add NAME --role approver で追加してください",
        "en": "the policy's mode is {mode}, and no account has the role approver: drafts wait for somebody. "
        "sekisho users add NAME --role approver",
    },
    Condition.CASE_WEBHOOK_FAILING: {
        "ja": "{subject} にケースの状況を渡せません ({why})。後で再び試みます。未送信は {waiting:,} 件です",
        "en": "{subject} does not take what happens to cases ({why}); it is tried again, {waiting:,} wait",
    },
    Condition.CASE_EVENTS_GIVEN_UP: {
        "ja": "{subject} に 3 日間渡せなかったか、受け取りを拒まれたため、ケースの状況の送信を打ち切りました"
        "（累計 {count:,} 件）。受け取る側でケースの一覧を読み直してください",
        "en": "{subject} did not take what happened to cases for three days, or refused it: {count:,} events were "
        "given up in all; have its side read the list of cases anew",
    },
    Condition.SOURCE_SILENT: {
        "ja": "割り当ての情報源 {subject} から {silent_s:,.0f} 秒間、何も届いていません。"
        "届くまで、通知に必要な確認が進みません",
        "en": "{subject} has told nothing of who holds what for {silent_s:,.0f} s; until it does, no notice can be "
        "made sure of",
    },
    Condition.SOURCE_QUARANTINED: {
        "ja": "割り当ての情報源 {subject} の時刻が {delay_s:+,.0f} 秒ずれているため、使っていません。"
        "時計とタイムゾーンを確認してください",
        "en": "the times of {subject} are {delay_s:+,.0f} s off: nothing that it tells is used; look at its clock and "
        "its zone",
    },
    Condition.SOURCE_UNREADABLE: {
        "ja": "割り当ての情報源 {subject} を読めません ({why})",
        "en": "{subject} cannot be read ({why})",
    },
    Condition.PROCESS_FAILING: {
        "ja": "プロセス {subject} が終了を繰り返しています。{wait_s:,.0f} 秒後に再び起動します",
        "en": "process {subject} keeps ending; it is started again in {wait_s:,.0f} s",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A condition that holds.

    Attributes:
        subject: what it is about, such as an exporter; "" where there is only one.
        since_ms: milliseconds UTC.
        values: of the text's placeholders, as they were last.
    """

    condition: Condition
    subject: str
    since_ms: int
    values: Mapping[str, Any]

    def text(self, lang: Language) -> str:
        """One sentence."""
        return TEXTS[self.condition][lang].format(subject=self.subject, **self.values)

    def to_json(self) -> dict[str, Any]:
        """For the status of a process."""
        return {
            "condition": self.condition.value,
            "subject": self.subject,
            "since": iso(self.since_ms),
            "ja": self.text("ja"),
            "en": self.text("en"),
        }


class Alarms:
    """The conditions of one process.

    Args:
        clock: milliseconds UTC.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._held: dict[tuple[Condition, str], Alarm] = {}

    def look(self, condition: Condition, found: Mapping[str, Mapping[str, Any]]) -> None:
        """Say what begins and what ends.

        Args:
            condition: which.
            found: subject -> values of the text, of every subject for which it holds now.
        """
        for subject, values in found.items():
            before = self._held.get((condition, subject))
            since_ms = before.since_ms if before is not None else self._clock()
            alarm = Alarm(condition=condition, subject=subject, since_ms=since_ms, values=values)
            self._held[condition, subject] = alarm
            if before is None:
                logger().warning(alarm.text("en"), alarm=condition.value, subject=subject)
        for key in [key for key in self._held if key[0] is condition and key[1] not in found]:
            over = self._held.pop(key)
            lasted_s = (self._clock() - over.since_ms) / 1000
            logger().info("no longer so", alarm=condition.value, subject=key[1], lasted_s=round(lasted_s, 1))

    def __iter__(self) -> Iterator[Alarm]:
        """Those that hold, the longest first."""
        return iter(sorted(self._held.values(), key=lambda alarm: (alarm.since_ms, alarm.condition, alarm.subject)))
