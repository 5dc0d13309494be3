"""The operator's own detectors: what they find, and how a mistake in one is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from detect.engine import engine
from detect.traffic import Traffic, addresses
from sekisho.core.errors import ConfigError, InputError
from sekisho.detect.detect import Detect
from sekisho.detect.detector import Detector
from sekisho.detect.level import LineInfo
from sekisho.detect.own import DETECTORS_LIMIT, own_detectors
from sekisho.detect.registry import DETECTORS
from sekisho.schema.detection import Cap, Detection, Level

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "own-detectors.md"

SIMPLE: dict[str, Any] = {
    "name": "x_gre",
    "title": {"ja": "想定外の GRE トンネル", "en": "GRE tunnel that nobody ordered"},
    "simple": {"packets": "gre_packets", "octets": "gre_octets", "targets": "protocol = 47"},
    "thresholds": {"packets_per_s": {"value": 200, "unit": "packets/s", "why": "no home of ours has a tunnel"}},
}

SQL: dict[str, Any] = {
    "name": "x_mail",
    "title": {"ja": "メールの接続", "en": "mail connections"},
    "thresholds": {"enough": {"value": 10, "unit": "packets", "why": "one packet a second for a window"}},
    "sql": {
        "screen": "mail_packets >= {enough}",
        "suspects": "select line from line_target where port = 25 group by line having count(*) >= {enough}",
        "candidates": "select w.line, w.window_start_ms, 1 as opens, w.packets, w.octets, w.sampled_packets, "
        "w.packets_var, w.octets_var from line_window w join params p on p.line = w.line "
        "where w.side = 0 and w.mail_packets >= p.enough",
        "targets": "select line, block_start_ms, target_hi as network_hi, target_lo as network_lo, "
        "128 as network_bits, port, protocol, packets, 1 as targets from line_target where port = 25",
    },
}


REASONED = {"value": 1, "unit": "packets", "why": "long enough a reason"}


def changed(document: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy with one key set, or removed where the value is None."""
    head, _, rest = key.partition(".")
    copy = dict(document)
    if rest:
        copy[head] = changed(copy.get(head, {}), rest, value)
    elif value is None:
        del copy[head]
    else:
        copy[head] = value
    return copy


def load(tmp_path: Path, *documents: dict[str, Any], acting: tuple[str, ...] = ()) -> tuple[Detector, ...]:
    for k, document in enumerate(documents):
        (tmp_path / f"own-{k}.toml").write_text(tomli_w.dumps(document), encoding="utf-8")
    return own_detectors(tmp_path, engine=engine(), acting=acting)


def judge(own: tuple[Detector, ...], traffic: Traffic, **given: Any) -> list[Detection]:
    detections = traffic.judge(detect=Detect(engine=engine(), detectors=own, **given))
    return [found for found in detections if found.kind.startswith("x_")]


def tunnel(pps: float = 300, *, stop: float = 300) -> Traffic:
    """A GRE tunnel at a steady pace, beside ordinary traffic."""
    traffic = Traffic().talk("203.0.113.5", 0, pps=pps, octets=500, protocol=47, stop=stop)
    return traffic.talk("192.0.2.9", 443, pps=20, octets=400, answer_pps=30, protocol=6, flags=24, stop=stop)


def test_a_simple_detector_finds_its_rate(tmp_path: Path):
    """Packets, octets and targets are those of the packets meant, and the title is carried along."""
    (found,) = judge(load(tmp_path, SIMPLE), tunnel())
    assert (found.kind, found.level, found.caps) == ("x_gre", Level.WATCH, (Cap.FOR_A_PERSON,))
    assert found.packets == pytest.approx(90_000, rel=0.01)
    assert found.octets == pytest.approx(45_000_000, rel=0.01)
    assert [(t.prefix, t.protocol) for t in found.top_targets] == [("203.0.113.0/24", 47)]
    assert found.to_json()["evidence"]["title_ja"] == "想定外の GRE トンネル"


@pytest.mark.parametrize(("pps", "count"), [(198, 0), (201, 1)])
def test_a_simple_detector_is_silent_below_its_rate(tmp_path: Path, pps: float, count: int):
    """200 packets/s in ten seconds."""
    assert len(judge(load(tmp_path, SIMPLE), tunnel(pps))) == count


def test_a_rate_may_be_asked_of_a_minute(tmp_path: Path):
    """Twenty seconds at 300 packets/s are 100 a second over a minute, and two minutes are 300."""
    own = load(tmp_path, changed(SIMPLE, "simple.over_s", 60))
    assert judge(own, tunnel(stop=20)) == []
    (found,) = judge(own, tunnel(stop=120))
    assert found.packets == pytest.approx(36_000, rel=0.01)


def test_octets_and_a_condition_may_be_asked_for(tmp_path: Path):
    """1 Mb/s of GRE that is most of what the line sends."""
    octets = {"value": 125_000, "unit": "octets/s", "why": "1 Mb/s fills a tenth of the upstream"}
    document = changed(
        changed(SIMPLE, "thresholds", {"octets_per_s": octets}), "simple.where", "gre_packets > 0.5 * packets"
    )
    own = load(tmp_path, document)
    assert len(judge(own, tunnel())) == 1
    busy = tunnel().talk("192.0.2.9", 443, pps=500, octets=400, answer_pps=300, protocol=6, flags=24, stop=300)
    assert judge(own, busy) == []


def test_few_sampled_packets_are_not_enough(tmp_path: Path):
    """Twenty unless the file says otherwise."""
    thin = Traffic(sampling=1000).talk("203.0.113.5", 0, pps=1000, octets=500, protocol=47, stop=15)
    assert judge(load(tmp_path, SIMPLE), thin) == []
    few = {"value": 2, "unit": "packets", "why": "a tunnel is a tunnel, however few"}
    assert len(judge(load(tmp_path, changed(SIMPLE, "thresholds.sampled_packets", few)), thin)) == 1


def test_numbers_differ_by_group_and_in_the_configuration(tmp_path: Path):
    """A group without a number of its own has that of a home; ``[detect.x_gre]`` overrides both."""
    own = load(tmp_path, changed(SIMPLE, "thresholds.packets_per_s.business", 5000))
    assert own[0].params["business"].packets_per_s == 5000
    assert own[0].params["server"].packets_per_s == 200
    assert judge(own, tunnel(), overrides={"x_gre": {"packets_per_s": 1000}}) == []


def test_the_configuration_may_let_it_open_cases(tmp_path: Path):
    """Watch unless its name stands in ``[detect] act``."""
    (found,) = judge(load(tmp_path, SIMPLE, acting=("x_gre",)), tunnel())
    assert (found.level, found.caps) == (Level.ACT, ())


def test_a_detector_may_be_written_in_sql(tmp_path: Path):
    """With thresholds in braces where every line is asked, and as columns of ``params`` otherwise."""
    mail = Traffic().spray(addresses("203.0.113.0", 40), [25], pps=20, octets=60, protocol=6, flags=2, stop=60)
    (found,) = judge(load(tmp_path, SQL), mail)
    assert (found.kind, found.level) == ("x_mail", Level.WATCH)
    assert found.top_targets[0].port == 25


def test_explanations_hold_the_title_and_the_pace_in_both_languages(tmp_path: Path):
    """One sentence each."""
    (own,) = load(tmp_path, SIMPLE)
    assert own.explain({"packets": 3000.0}, "ja") == "想定外の GRE トンネル (最も多い 10 秒間で毎秒 300 パケット)。"
    english = "GRE tunnel that nobody ordered (300 packets/s in the highest ten seconds)."
    assert own.explain({"packets": 3000.0}, "en") == english


def test_every_own_detector_says_which_thresholds_of_the_group_were_met(tmp_path: Path):
    """In either form, with the numbers as they are for the line's group."""
    simple = changed(SIMPLE, "thresholds.packets_per_s.business", 250)
    own = load(tmp_path, simple, SQL)
    (found,) = judge(own, tunnel(), line_info=lambda _line: LineInfo(group="business"))
    assert own[0].quiet(found.evidence, "en").endswith("not been met: packets_per_s 250, sampled_packets 20.")
    mail = Traffic().spray(addresses("203.0.113.0", 40), [25], pps=20, octets=60, protocol=6, flags=2, stop=60)
    (found,) = judge(own, mail)
    assert own[1].quiet(found.evidence, "ja") == "しきい値 (enough 10) の条件を満たさなければ、検知されませんでした。"


@pytest.mark.parametrize(
    ("key", "value", "at", "expected", "found"),
    [
        ("name", "gre", "name", "match pattern '^x_", "gre"),
        ("nme", "x", "nme", "a known key (name?)", "nme"),
        ("title.ja", None, "title.ja", "a value", "nothing"),
        ("simple.over_s", 15, "simple.over_s", "multiple of 10", "15"),
        ("simple.over_s", 610, "simple.over_s", "less than or equal to 600", "610"),
        ("thresholds.packets_per_s.why", "high", "thresholds.packets_per_s.why", "at least 16 characters", "high"),
        ("thresholds.packets_per_s.home", 3, "thresholds.packets_per_s.home", "a known key", "home"),
        ("thresholds", {}, "thresholds", "packets_per_s or octets_per_s beside [simple]", ""),
        ("thresholds.more", REASONED, "thresholds.more", "sampled_packets and no others beside [simple]", "more"),
        ("sql", SQL["sql"], "simple", "either [simple] or [sql]", "both"),
        ("simple", None, "simple", "either [simple] or [sql]", "neither"),
        (
            "simple.packets",
            "gre_packts",
            "simple.packets",
            "a statement over line_window",
            'column "gre_packts" not found',
        ),
        ("simple.packets", "now()", "simple.packets", "SQL that every engine runs alike", "the stream clock"),
        ("simple.where", "gre_packets >", "simple.where", "SQL that every engine", "not understood"),
        (
            "simple.targets",
            "prot = 47",
            "simple.targets",
            "a statement over line_window, line_target",
            '"prot" not found',
        ),
        ("simple.packets", "max(gre_packets)", "simple.packets", "a statement over line_window", "Binder Error"),
    ],
)
def test_a_mistake_in_a_simple_detector_is_told_with_its_key(
    tmp_path: Path, key: str, value: Any, at: str, expected: str, found: str
):
    """One sentence: file, key, expected, found."""
    with pytest.raises(ConfigError) as error:
        load(tmp_path, changed(SIMPLE, key, value))
    assert error.value.file == str(tmp_path / "own-0.toml")
    assert error.value.key == at
    assert expected in error.value.expected
    assert found in str(error.value.found)
    assert "\n" not in str(error.value)


CANDIDATES, TARGETS = SQL["sql"]["candidates"], SQL["sql"]["targets"]


@pytest.mark.parametrize(
    ("key", "value", "expected", "found"),
    [
        ("screen", "mail_packets >= {enogh}", "thresholds of this file in braces", "enogh"),
        ("screen", "mails >= 1", "a statement over", '"mails" not found'),
        ("screen", "1) as x from line_window; drop table line_window --", "SQL that every engine", ""),
        ("suspects", "select * from line_target", "columns of line_target by their names", "*"),
        ("suspects", "select line from read_csv('secret.csv')", "SQL that every engine runs alike", "READ_CSV"),
        ("suspects", "select line from flow", "a statement over line_target", "flow"),
        ("candidates", CANDIDATES.replace("w.octets_var", "w.octets"), "the columns line, window_start_ms", "octets"),
        ("candidates", CANDIDATES.replace("p.enough", "p.enogh"), "a statement over", "enogh"),
        ("candidates", CANDIDATES.replace("1 as opens", "'yes' as opens"), "numbers in the column opens", "string"),
        ("candidates", CANDIDATES.replace("w.octets_var", "median(w.octets_var) as octets_var"), "SQL that", "median"),
        ("candidates", CANDIDATES + "; select 1", "SQL that every engine runs alike", "one SELECT"),
        ("targets", TARGETS.replace("port, ", ""), "the columns line, block_start_ms", "network_hi"),
        ("targets", "copy line_target to 'x'", "SQL that every engine runs alike", "one SELECT"),
    ],
)
def test_a_mistake_in_sql_is_told_with_its_key(tmp_path: Path, key: str, value: str, expected: str, found: str):
    """Portable SQL over the two tables and nothing else, with the columns of the contract."""
    with pytest.raises(ConfigError) as error:
        load(tmp_path, changed(SQL, f"sql.{key}", value))
    assert error.value.key == f"sql.{key}"
    assert expected in error.value.expected
    assert found in str(error.value.found)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["line", "packets", "sampled_packets", "two_way", "Enough", "not a name", "acts"])
def test_a_threshold_has_a_name_of_its_own(tmp_path: Path, name: str):
    """In the SQL it would stand for a column otherwise."""
    with pytest.raises(ConfigError, match="a name in small letters that is no column"):
        load(tmp_path, changed(SQL, f"thresholds.{name}", REASONED))


def test_two_files_with_one_name_are_an_error(tmp_path: Path):
    """The second is told where the first stands."""
    with pytest.raises(ConfigError, match=r"own-1.toml: name: expected another name than in own-0.toml"):
        load(tmp_path, SIMPLE, SIMPLE)


def test_no_directory_and_too_many_files_are_errors(tmp_path: Path):
    """Every detector is asked at every tick, so there is a limit."""
    with pytest.raises(InputError, match="expected a directory of detectors"):
        own_detectors(tmp_path / "none", engine=engine())
    for k in range(DETECTORS_LIMIT + 1):
        (tmp_path / f"{k}.toml").touch()
    with pytest.raises(InputError, match="at most 64 detectors, found 65"):
        own_detectors(tmp_path, engine=engine())


def test_other_files_of_the_directory_are_left_alone(tmp_path: Path):
    """Notes and copies of an editor."""
    (tmp_path / "README").write_text("notes", encoding="utf-8")
    (tmp_path / "own-0.toml~").write_text("x", encoding="utf-8")
    assert [d.name for d in load(tmp_path, SIMPLE)] == ["x_gre"]


def examples() -> list[str]:
    return re.findall(r"```toml\n(name = .*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_examples_of_the_guide_work(tmp_path: Path):
    """What the page shows is loaded, finds what the page says, and leaves ordinary traffic alone."""
    assert len(examples()) == 2
    for k, text in enumerate(examples()):
        (tmp_path / f"{k}.toml").write_text(text, encoding="utf-8")
    own = own_detectors(tmp_path, engine=engine())
    assert [d.name for d in own] == ["x_gre_tunnel", "x_many_resolvers"]
    resolvers = Traffic().spray(addresses("203.0.113.0", 250), [53], pps=20, octets=70, stop=120, answered=0.5)
    assert {found.kind for found in judge(own, resolvers)} == {"x_many_resolvers"}
    assert {found.kind for found in judge(own, tunnel(2000))} == {"x_gre_tunnel"}
    ordinary = Traffic().talk("192.0.2.53", 53, pps=20, octets=70, answer_pps=20, stop=120)
    assert judge(own, ordinary) == []
    assert not {d.name for d in own} & {d.name for d in DETECTORS}
