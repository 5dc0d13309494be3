"""``sekisho.toml``: what may stand in it. Unknown keys are errors, so that a misspelt limit is never ignored.

Values come from three layers: the defaults here, the file, and environment variables ``SEKISHO_<SECTION>__<KEY>``.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from sekisho.core.config_delivery import CaseWebhook, Contacts, Drop, Letter, Mail, Webhook
from sekisho.core.config_fields import (
    Address,
    DatabaseUrl,
    File,
    Interval,
    Pattern,
    Prefix,
    Rate,
    Seconds,
    Section,
    Text,
    ZoneOffset,
)
from sekisho.core.config_layers import Layers, first_problem, read_layers
from sekisho.core.config_links import Impact, Link, Prometheus, problem_of
from sekisho.core.config_serve import Receive, Serve
from sekisho.core.config_sources import Source
from sekisho.core.config_sources import problem_of as problem_of_sources
from sekisho.core.config_web import Console, Portal

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_KEPT_HOURS = 24 * 366
"""Flows are communications of subscribers: nobody keeps them for longer than a year."""


class Role(StrEnum):
    """What an interface faces."""

    SUBSCRIBER = "subscriber"
    CORE = "core"
    BORDER = "border"
    NAT_INSIDE = "nat_inside"
    NAT_OUTSIDE = "nat_outside"
    IGNORE = "ignore"


class Sees(StrEnum):
    """Which way of a conversation an exporter reports: "no answer seen" is evidence only with both."""

    BOTH = "both"
    OUTBOUND = "outbound"
    INBOUND = "inbound"


class Network(Section):
    """``[network]``: which addresses are ours."""

    prefixes: tuple[Prefix, ...] = ()
    """Our prefixes; where there are none they are derived from the assignments, and the report says so."""
    tunnel_endpoints: tuple[Address, ...] = ()
    """Border relays and AFTRs: a conversation with one of them holds a whole household."""


class Interface(Section):
    """``[[exporter.interface]]``: chosen by exactly one of ``index``, ``match`` and ``default``, in this order."""

    index: Annotated[int, Strict(), Field(ge=0)] | None = None
    """ifIndex."""
    match: Pattern | None = None
    """Regular expression over the whole interface name, as the exporter's options data tell it."""
    default: Annotated[bool, Strict()] = False
    """Every interface that no other entry names."""
    role: Role | None = None
    """What the interface faces; ``ignore`` leaves its records out. Without it, the exporter's role."""
    realm: Text | None = None
    """Address realm behind the interface."""
    link: Text | None = None
    """Name of the link, as the lines file names it."""
    capacity_bps: Rate | None = None
    """Bits a second that the link carries."""
    capacity_pps: Rate | None = None
    """Packets a second that the link carries."""

    @model_validator(mode="after")
    def _one_selector(self) -> Self:
        if [self.index is not None, self.match is not None, self.default].count(True) != 1:
            raise ValueError("exactly one of index, match, default = true")
        return self


class Vrf(Section):
    """``[[exporter.vrf]]``: the address realm of a VRF."""

    id: Annotated[int, Strict(), Field(ge=1)]
    """VRF id (IE 234, 235); 0 in a record means that it names none."""
    realm: Text
    """Address realm."""


class Exporter(Section):
    """``[[exporter]]``: a device that sends flow records."""

    address: Address
    """Source address of its datagrams; of sFlow, the address of the agent."""
    sent_from: tuple[Address, ...] = ()
    """sFlow: addresses that may send datagrams naming this agent, besides its own; without any, everybody may."""
    name: Text | None = None
    """What people call it."""
    active_timeout_s: Seconds | None = None
    """Longest time it keeps a running flow before it reports it."""
    inactive_timeout_s: Seconds | None = None
    """How long it waits for another packet before it reports a flow."""
    sampling_default: Interval | None = None
    """1 in N, where its records and options tell none."""
    sampling_forced: Interval | None = None
    """1 in N, whatever its records and options tell."""
    boundary: Text | None = None
    """Observation boundary: records of one boundary are summed, boundaries are never added up."""
    role: Role | None = None
    """Role of the interfaces that no entry names."""
    realm: Text | None = None
    """Address realm of its subscribers, where no interface and no VRF names one."""
    sees: Sees = Sees.BOTH
    """Which way of a conversation it reports."""
    interface: tuple[Interface, ...] = ()
    """Its interfaces."""
    vrf: tuple[Vrf, ...] = ()
    """Its VRFs."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sampling_default is not None and self.sampling_forced is not None:
            raise ValueError("one of sampling_default and sampling_forced")
        if sum(entry.default for entry in self.interface) > 1:
            raise ValueError("at most one interface with default = true")
        return self

    @property
    def longest_timeout_s(self) -> float | None:
        """The longer of the configured timeouts."""
        return max((t for t in (self.active_timeout_s, self.inactive_timeout_s) if t is not None), default=None)


class DeterministicTranslation(Section):
    """``[[attribution.deterministic_nat]]``: a translator that computes its ports and logs none (RFC 7422)."""

    inside: Prefix
    """IPv4 addresses behind it."""
    outside: Prefix
    """IPv4 addresses that they share."""
    reserved_ports: Annotated[int, Strict(), Field(ge=0, le=65_535)] = 1024
    """Lowest ports, given to nobody."""
    dynamic_ports: Annotated[int, Strict(), Field(ge=0, le=65_535)] = 0
    """Highest ports, given on demand and therefore logged."""


class Attribution(Section):
    """``[attribution]``: how an address is tied to a line."""

    clock_margin_s: Annotated[float, Strict(), Field(ge=0, le=3600)] = 2.0
    """Exporters' and servers' clocks may differ by this much; v9 alone needs one second."""
    default_realm: Annotated[str, Strict()] = ""
    """Realm of the exporters, interfaces and VRFs that name none."""
    settle_s: Annotated[float, Strict(), Field(ge=0, le=86_400)] = 900.0
    """An answer is settled once every source has told what happened that much later."""
    history: File | None = None
    """SQLite file that keeps who held what; without it the sources are read anew each time."""
    retention_days: Annotated[float, Strict(), Field(gt=0, le=366)] = 183.0
    """How long the history keeps sessions that are over."""
    radius_zone: ZoneOffset | None = None
    """Offset of the times at the head of ``detail`` records, such as ``+09:00``: the file does not tell it."""
    radius_line: Text = "{User-Name}"
    """Line identifier of an accounting record, from its attributes; the NAS must not be in it."""
    radius_interim_s: Seconds | None = None
    """Interval of interim records, where they do not tell it: sessions without them count as over."""
    kea_line: Text | None = None
    """Line identifier of a lease, from its columns; else ``{duid}`` where there is one, ``{hwaddr}`` else."""
    cgnat_zone: ZoneOffset | None = None
    """Offset of the times of translators' logs that carry none; without it such lines are of no use."""
    inside_realm: Annotated[str, Strict()] = ""
    """Realm of the addresses behind the translators."""
    deterministic_nat: tuple[DeterministicTranslation, ...] = ()
    """Translators that compute their ports."""


class Detection(BaseModel):
    """``[detect]``: thresholds are in ``[detect.NAME]``, for one group as ``"group.threshold"``."""

    # Names of detectors are no keys that this section could list: the rest of it is theirs.
    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
    __pydantic_extra__: dict[str, dict[str, Annotated[float, Strict()]]] = Field(init=False)

    directory: File | None = None
    """The operator's own detectors, one TOML file each."""
    act: tuple[Text, ...] = ()
    """Names of own detectors whose detections may open a case; those of the others are for a person to look at."""
    indicators: tuple[File, ...] = ()
    """Addresses that malware reports to: lists, CSV, MISP or STIX 2.1. They switch ``c2_contact`` on."""
    baseline: File | None = None
    """Where what lines usually send is kept (Parquet). It switches ``volume_anomaly`` on; ``analyze`` reads it only."""

    @property
    def overrides(self) -> dict[str, dict[str, float]]:
        """Detector -> threshold -> number."""
        return self.__pydantic_extra__


class Partner(Section):
    """``[[partner]]``: who alone knows the holders of some addresses: a VNE, an access carrier."""

    name: Text
    """What people call it."""
    prefixes: Annotated[tuple[Prefix, ...], Field(min_length=1)]
    """Prefixes whose assignments it keeps; without one of ours such an address is ``held_by_partner``."""


class Files(Section):
    """``[files]``: what is known about lines; relative paths stand beside the configuration file."""

    lines: tuple[File, ...] = ()
    """Assignments and lines files, told apart by their header."""
    map_e: tuple[File, ...] = ()
    """MAP-E rules."""
    radius: tuple[File, ...] = ()
    """FreeRADIUS ``detail`` files."""
    kea: tuple[File, ...] = ()
    """Kea lease files (memfile)."""
    cgnat: tuple[File, ...] = ()
    """Logs of address translators: port blocks of Junos, A10 (CEF), NFWare."""
    lw4o6: tuple[File, ...] = ()
    """Binding tables of lightweight 4over6, CSV."""
    ipoe: tuple[File, ...] = ()
    """IPoE hand-over lists, CSV: contract, prefix, from, to."""


class Privacy(Section):
    """``[privacy]``: how lines are kept apart from names."""

    key_file: File | None = None
    """Secret that line keys are computed with; whoever has it and a line's name finds the line in the store."""


class Cases(Section):
    """``[cases]``: where cases are kept."""

    url: DatabaseUrl | None = None
    """Case database, such as ``sqlite:///cases.db``; a relative path stands beside the configuration file."""
    policy: File | None = None
    """``policy.toml``: what may be done by itself and by whom; without it the program only observes."""


class Store(Section):
    """``[store]``: flows kept for later questions."""

    directory: File | None = None
    """Folder of the flow store; without it ``serve`` keeps no flow."""
    raw_hours: Annotated[float, Strict(), Field(gt=0, le=MAX_KEPT_HOURS)] = 24.0
    """How long every flow is kept, from the end of the hour in which it was received."""
    kept_hours: Annotated[float, Strict(), Field(gt=0, le=MAX_KEPT_HOURS)] = 336.0
    """How long flows of lines at ``watch`` and above are kept."""
    floor_octets: Annotated[int, Strict(), Field(ge=0)] = 5 << 30
    """While less than this is free on the store's disk, no flow is kept; detection goes on."""


class Operator(Section):
    """``[operator]``: who writes to subscribers, in the words that notices use; a preview marks what is missing."""

    name_ja: Text | None = None
    """The operator's name in Japanese."""
    name_en: Text | None = None
    """The operator's name in English."""
    contact_ja: Text | None = None
    """The desk that answers questions about notices, in Japanese."""
    contact_en: Text | None = None
    """The same in English."""
    telephone: Text | None = None
    """Its telephone number, as subscribers dial it."""
    hours_ja: Text | None = None
    """When it answers, in Japanese."""
    hours_en: Text | None = None
    """The same in English."""
    site: Text | None = None
    """The operator's own site as a person types it: a notice names it and links nowhere."""


class Config(Section):
    """The whole of ``sekisho.toml``."""

    network: Network = Network()
    """Which addresses are ours."""
    exporter: tuple[Exporter, ...] = ()
    """Where none is configured, ``analyze`` accepts every exporter and ``serve`` none."""
    attribution: Attribution = Attribution()
    """How an address is tied to a line."""
    source: tuple[Source, ...] = ()
    """Who tells ``serve``, while it runs, which line holds which address."""
    partner: tuple[Partner, ...] = ()
    """Who knows the holders of addresses that we do not."""
    detect: Detection = Detection()
    """What is looked for beyond the defaults."""
    files: Files = Files()
    """What is known about lines."""
    privacy: Privacy = Privacy()
    """How lines are kept apart from names."""
    cases: Cases = Cases()
    """Where cases are kept."""
    store: Store = Store()
    """Flows kept for later questions."""
    receive: Receive = Receive()
    """The sockets of ``sekisho serve``."""
    serve: Serve = Serve()
    """What the processes of ``sekisho serve`` share."""
    operator: Operator = Operator()
    """Who writes to subscribers."""
    contacts: Contacts = Contacts()
    """Where a subscriber can be reached."""
    mail: Mail = Mail()
    """The channel ``mail``."""
    letter: Letter = Letter()
    """The channel ``letter``."""
    webhook: Webhook = Webhook()
    """The channel ``webhook``."""
    case_webhook: tuple[CaseWebhook, ...] = ()
    """Who is told of each step of a case."""
    drop: Drop = Drop()
    """The channel ``drop``."""
    console: Console = Console()
    """The pages for operators, and the API for their programs."""
    portal: Portal = Portal()
    """The pages for subscribers."""
    link: tuple[Link, ...] = ()
    """Links whose load is looked at."""
    impact: Impact = Impact()
    """What their load is measured with."""

    @model_validator(mode="after")
    def _links_fit(self) -> Self:
        if problem := problem_of(self.link):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.serve.shares and self.cases.url is None:
            raise ValueError("a url under [cases] beside shares = true: by its database the collectors agree")
        return self

    @model_validator(mode="after")
    def _case_webhooks_fit(self) -> Self:
        if self.case_webhook and self.cases.url is None:
            raise ValueError("a url under [cases] beside [[case_webhook]]: what is told stands there")
        if len({webhook.name for webhook in self.case_webhook}) < len(self.case_webhook):
            raise ValueError("every name of a [[case_webhook]] once")
        return self

    @model_validator(mode="after")
    def _sources_fit(self) -> Self:
        if problem := problem_of_sources(self.source, has_history=self.attribution.history is not None):
            raise ValueError(problem)
        return self


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration of a file and the environment; without a file, of the defaults and the environment.

    Raises:
        InputError: there is no such file, or it is no TOML.
        ConfigError: a key is unknown, or its value is not what it should be.
    """
    return validate(read_layers(path, environ))


def validate(layers: Layers) -> Config:
    """The configuration that the layers make together.

    Raises:
        ConfigError: a key is unknown, or its value is not what it should be.
    """
    directory = layers.path.parent if layers.path is not None else Path()
    try:
        return Config.model_validate(layers.merged, context={"directory": directory})
    except ValidationError as error:
        raise first_problem(error, layers, known_keys=KEYS) from None


_SECTIONS: tuple[type[BaseModel], ...] = (
    Config, Network, Exporter, Interface, Vrf, Attribution, DeterministicTranslation, Source, Partner, Detection, Files,
    Privacy, Cases, Store, Receive, Serve, Operator,
    Contacts, Mail, Letter, Webhook, CaseWebhook, Drop, Console, Portal, Link, Impact, Prometheus,
)  # fmt: skip

KEYS = frozenset(key for section in _SECTIONS for key in section.model_fields)
"""Every key, to name the one that was probably meant."""
