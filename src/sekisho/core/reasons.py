"""Closed sets of reasons: why something was not decoded, not counted or not attributed. Each is a metric label."""

from __future__ import annotations

from enum import Enum, IntEnum


class WireReason(Enum):
    """Why a datagram, a set or a record was dropped by a decoder. Nothing is dropped without one of these."""

    EMPTY = "empty"
    UNKNOWN_VERSION = "unknown_version"
    TRUNCATED_HEADER = "truncated_header"
    TRUNCATED_SET = "truncated_set"
    TRUNCATED_RECORD = "truncated_record"
    LENGTH_MISMATCH = "length_mismatch"
    BAD_COUNT = "bad_count"
    BAD_SET_ID = "bad_set_id"
    BAD_TEMPLATE = "bad_template"
    TEMPLATE_LIMIT = "template_limit"
    UNKNOWN_TEMPLATE = "unknown_template"
    HELD_LIMIT = "held_limit"
    EXPORTER_LIMIT = "exporter_limit"
    NO_COUNTERS = "no_counters"
    NO_ADDRESSES = "no_addresses"
    UNKNOWN_ENCAPSULATION = "unknown_encapsulation"
    UNKNOWN_SAMPLE = "unknown_sample"
    BAD_ADDRESS_TYPE = "bad_address_type"


class UnattributedReason(IntEnum):
    """Why an address has no line. The number is what the kernels write; 0 means that a line was found."""

    ATTRIBUTED = 0
    NOT_OURS = 1
    NO_ASSIGNMENT = 2
    NEEDS_PORT = 3
    PORT_OUTSIDE_SET = 4
    OVERLAP = 5
    CLOCK_MARGIN = 6
    REALM_UNKNOWN = 7
    HELD_BY_PARTNER = 8
    KEY_COLLISION = 9

    @property
    def label(self) -> str:
        """The name used in JSON, metrics and logs."""
        return self.name.lower()


class FrameReason(Enum):
    """Why a captured frame did not become an export datagram."""

    TRUNCATED_FRAME = "truncated_frame"
    NOT_IP = "not_ip"
    NOT_UDP = "not_udp"
    BAD_IP_HEADER = "bad_ip_header"
    BAD_UDP_HEADER = "bad_udp_header"
    NOT_AN_EXPORT = "not_an_export"
    FRAGMENT_INCOMPLETE = "fragment_incomplete"
    FRAGMENT_LIMIT = "fragment_limit"
    UNKNOWN_LINK_TYPE = "unknown_link_type"
    TRUNCATED_FILE = "truncated_file"
    UNKNOWN_EXPORTER = "unknown_exporter"
    FOREIGN_AGENT = "foreign_agent"


class StoreReason(Enum):
    """Why flow records were not kept for later questions; detection goes on all the same."""

    SPACE_FLOOR = "space_floor"
    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    WRITE_FAILED = "write_failed"
    DISK_SLOW = "disk_slow"


class SourceReason(Enum):
    """Why a record of an assignment source was not used; the rest of the source is read on."""

    MALFORMED = "malformed"
    """Not in the format of the source."""
    UNKNOWN_SHAPE = "unknown_shape"
    """Well-formed, but of a kind that the source does not know."""
    NOT_RELEVANT = "not_relevant"
    """A kind that tells nothing of who held what."""
    TOO_LONG = "too_long"
    """Longer than any record of the format."""
    NO_TIME = "no_time"
    """No time, or one that cannot be."""
    NO_ZONE = "no_zone"
    """A time without its zone, and none is configured."""
    NO_SESSION = "no_session"
    """No session identifier."""
    NO_HOLDER = "no_holder"
    """Neither a line nor an inside address."""
    NOTHING_HELD = "nothing_held"
    """No address and no prefix."""
    UNKNOWN_SENDER = "unknown_sender"
    """From an address that is not configured."""
    WRONG_AUTHENTICATOR = "wrong_authenticator"
    """The shared secret does not fit."""
    OVERLOAD = "overload"
    """More came than could be read."""
    FILE_GONE = "file_gone"
    """A file was cut or replaced before its end was read."""


class ReportReason(Enum):
    """Why an entry of a third party's report was not used; the rest of the report is read on."""

    MALFORMED = "malformed"
    """Not in the format of the report."""
    TRUNCATED = "truncated"
    """Ends before it is whole."""
    UNKNOWN_SHAPE = "unknown_shape"
    """A document or a part of a mail that is none of the known forms."""
    INVALID = "invalid"
    """In the form of XARF, and against its schema."""
    NO_ADDRESS = "no_address"
    """No IP address: a name, a mail address, nothing."""
    NOT_ONE_ADDRESS = "not_one_address"
    """A whole prefix: it names no line."""
    NO_TIME = "no_time"
    """No time, or one that cannot be."""
    TOO_LONG = "too_long"
    """Larger than any report that people send, or more entries than one may hold."""
