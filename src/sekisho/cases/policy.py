"""``policy.toml``: what may be done by itself, what a person decides, how fast, and how long things are kept.

What is shipped does nothing by itself: mode ``observe``, no person may approve, two kinds off. Unknown keys are errors.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sekisho.core.config_layers import first_problem, read_layers
from sekisho.core.errors import ConfigError
from sekisho.core.purposes import SHIPPED, Purpose

if TYPE_CHECKING:
    from pathlib import Path

Whole = Annotated[int, Strict(), Field(ge=0)]
Positive = Annotated[int, Strict(), Field(ge=1)]
Share = Annotated[float, Strict(), Field(gt=0, le=1)]
Clock = Annotated[str, Strict(), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Hours = Annotated[float, Strict(), Field(gt=0)]
Words = Annotated[str, Strict(), Field(min_length=1)]

LEAST_HOURS = 72
"""What pauses over a weekend is not over."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_JST_MINUTES = 9 * 60


class Mode(StrEnum):
    """How far the program goes: looks, drafts for a person, sends what two signals show."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    SEND = "send"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PurposeEntry(_Section):
    """``[[purpose]]``: replaces the shipped list of purposes and legal bases."""

    code: Annotated[str, Strict(), Field(pattern=r"^[a-z][a-z0-9_]{1,59}$")]
    """What people name on the command line."""
    ja: Words
    """Purpose and basis in Japanese."""
    en: Words
    """The same in English."""


class Signals(_Section):
    """``[signals]``: independent signals before a notice may leave without a person; with fewer, a person approves."""

    automatic: Annotated[int, Strict(), Field(ge=2)] = 2
    """For every kind that has no number of its own."""
    by_kind: dict[str, Annotated[int, Strict(), Field(ge=2)]] = Field(default_factory=dict)
    """Kind -> number; never below two."""

    def needed(self, kind: str) -> int:
        """How many a kind needs."""
        return self.by_kind.get(kind, self.automatic)


class Brake(_Section):
    """``[brake]``: when too many lines appear at once all sending is held until a person releases it."""

    new_lines: Positive = 20
    """More new lines at ``act`` than this within ten minutes."""
    exporter_share: Share = 0.01
    """Or more than this share of the lines of one exporter."""


class QuietHours(_Section):
    """``[quiet_hours]``: no notice leaves between these times, JST."""

    start: Clock = "20:00"
    """From this time."""
    end: Clock = "09:00"
    """To this time, on the next day where it is the earlier one."""

    def hold(self, now_ms: int) -> bool:
        """Whether it is quiet time now."""
        start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (self.start, self.end))
        minute = (now_ms // 60_000 + _JST_MINUTES) % (24 * 60)
        return start <= minute < end if start <= end else minute >= start or minute < end


class Step(_Section):
    """``[[ladder]]``: one channel after the other; never the same one twice."""

    channel: Words
    """Name of the channel: mail, letter, webhook, drop, or phone for the list of calls."""
    after_days: Whole
    """Days without an answer since the step before."""


class Retention(_Section):
    """``[retention]``: how long things are kept; flows have their own clocks in ``[store]``."""

    case_days: Positive = 180
    """Cases with all that belongs to them, from their closing."""
    minutes_days: Positive = 60
    """In which minutes a line could have been seen."""


class Recovery(_Section):
    """``[recovery]``: when a case has been quiet long enough."""

    rehearsal: Annotated[bool, Strict()] = False
    """To try everything out in minutes: the hours below may be as few as one likes, and notices go to ``[drop]`` alone,
    never to a subscriber."""
    begins_minutes: Positive = 60
    """Minutes without a detection, all of them counted, after which a case is observed."""
    continuous_hours: Hours = 72
    """Quiet hours that verify scanning, guessing, spam and reflection; never below 72."""
    flood_hours: Hours = 168
    """Quiet hours for floods and other kinds: a bot that waits for a command is quiet for days."""
    reported_hours: Hours = 336
    """Quiet hours where silence shows nothing, and the subscriber says that it is done."""

    @field_validator("continuous_hours", "flood_hours", "reported_hours")
    @classmethod
    def _long_enough(cls, hours: float, info: ValidationInfo) -> float:
        if hours < LEAST_HOURS and not info.data.get("rehearsal"):
            raise ValueError(f"at least {LEAST_HOURS} hours, or rehearsal = true before it")
        return hours


class Policy(_Section):
    """The whole of ``policy.toml``."""

    mode: Mode = Mode.OBSERVE
    """``observe``, ``propose`` or ``send``."""
    kinds_off: tuple[Words, ...] = ("c2_contact", "volume_anomaly")
    """Kinds about which no notice is drafted."""
    walled_garden: Annotated[bool, Strict()] = False
    """Texts for a walled garden; this version has none, and restricts no line."""
    daily_cap: Positive = 50
    """Notices a day (JST), the worst harm first."""
    digest_hours: Whole = 24
    """A line gets one message in this time, whatever happens."""
    purpose: tuple[PurposeEntry, ...] = ()
    """Where there are none, the shipped ones hold."""
    signals: Signals = Signals()
    """Independent signals."""
    brake: Brake = Brake()
    """When all sending is held."""
    quiet_hours: QuietHours = QuietHours()
    """When nothing leaves."""
    ladder: tuple[Step, ...] = (
        Step(channel="mail", after_days=0),
        Step(channel="letter", after_days=7),
        Step(channel="phone", after_days=14),
    )
    """By which channel, and when the next."""
    retention: Retention = Retention()
    """How long things are kept."""
    recovery: Recovery = Recovery()
    """When it is over."""

    @model_validator(mode="before")
    @classmethod
    def _no_roles(cls, given: Any) -> Any:
        if isinstance(given, dict) and "roles" in given:
            raise ValueError("no [roles]: they belong to accounts, `sekisho users add NAME --role ROLE`")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        channels = [step.channel for step in self.ladder]
        if not channels or len(set(channels)) < len(channels):
            raise ValueError("a ladder of at least one step, no channel twice")
        if self.ladder[0].after_days:
            raise ValueError("a ladder whose first step has after_days = 0")
        if not self.digest_hours and not self.recovery.rehearsal:
            raise ValueError("digest_hours of at least 1")
        if self.walled_garden:
            raise ValueError("walled_garden = false: this version restricts no line")
        if len({entry.code for entry in self.purpose}) < len(self.purpose):
            raise ValueError("every code of a purpose once")
        return self

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """The purposes that may be named."""
        return tuple(Purpose(code=entry.code, ja=entry.ja, en=entry.en) for entry in self.purpose) or SHIPPED


def load_policy(path: Path | None) -> Policy:
    """The policy of a file; without one what is shipped.

    Raises:
        InputError: there is no such file, or it is no TOML.
        ConfigError: a key is unknown, or its value is not what it should be.
    """
    if path is None:
        return Policy()
    layers = read_layers(path, {})
    try:
        return Policy.model_validate(layers.merged)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        if not problem["loc"]:
            # It is about several keys together, and stands at none of them.
            expected = problem["msg"].removeprefix("Value error, ")
            raise ConfigError(path, "policy", expected=expected, found=", ".join(layers.file)) from None
        raise first_problem(error, layers, known_keys=_KEYS) from None


_SECTIONS = (Policy, PurposeEntry, Signals, Brake, QuietHours, Step, Retention, Recovery)
_KEYS = frozenset(key for section in _SECTIONS for key in section.model_fields)
