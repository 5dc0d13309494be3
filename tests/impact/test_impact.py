"""A termination of 1 Gb/s that three infected lines fill: which share, which minutes, how many others."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate
from rich.cells import cell_len
from rich.console import Console

from analysed import analysed
from notices.other_side import other_side
from sekisho.cli import table
from sekisho.core.time import iso, parse_time
from sekisho.pipeline.link_status import link_status
from sekisho.simulate.run import simulate
from sekisho.web.report import ReportSeries, render
from small_scenarios import attack, exporter, scenario

SUBSCRIBERS, CORE = 10, 1
LINK = '\n[[link]]\nname = "bng-1/0"\nkind = "nte"\ncapacity_bps = 1e9\n'
SCHEMA = Path(__file__).parents[2] / "src/sekisho/schema/analysis.schema.json"
OVERHEAD = 1.03
"""Frames over IP octets in this traffic: 18 octets on packets of some 1,000, and short ones filled up."""


def judged(folder: Path, config: str) -> dict[str, Any]:
    return analysed(folder, config=config).document


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three lines that begin 20 s apart, 290 Mbit/s each, among 201 others."""
    folder = tmp_path_factory.mktemp("full")
    floods = [
        attack(name=f"flood-{k}", start_s=60 + 20 * k, duration_s=120, pps=30_000, octets=1200, target="203.0.113.7/32")
        for k in range(3)
    ]
    lines = {"pppoe": 120, "map_e": 40, "ipoe": 40, "fixed": 4}
    chosen = scenario(
        duration_s=300, lines=lines, attack=floods, exporter=[exporter(protocol="ipfix", sampling_interval=100)]
    )
    simulate(chosen, folder, seed=3)
    return folder


def outbound(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))["outbound"]


def interface(index: int, role: str) -> str:
    return f'\n[[exporter.interface]]\nindex = {index}\nrole = "{role}"\nlink = "bng-1/0"\n'


def counters(folder: Path, *, times: float = 1.0, discards_while_full: int = 0) -> str:
    """A file of counters of the interface to subscribers, a look every 30 s, and the section that names it."""
    truth, octets, discards = outbound(folder), 10**12, 5
    start = parse_time(truth["start"])
    rows = ["time,exporter,interface,in_octets,out_octets,in_discards,out_discards"]
    for number in range(0, len(truth["octets"]) + 1, 3):
        rows.append(f"{iso(start + number * 10_000)},192.0.2.1,{SUBSCRIBERS},{octets},7,{discards},0")
        octets += round(sum(truth["octets"][number : number + 3]) * OVERHEAD * times)
        discards += discards_while_full if 8 <= number < 18 else 0
    (folder / "counters.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return '\n[impact]\ncounters = ["counters.csv"]\n'


def true_share(folder: Path, first: str, last: str) -> float:
    truth = outbound(folder)
    start = parse_time(truth["start"])
    chosen = slice((parse_time(first) - start) // 10_000, (parse_time(last) - start) // 10_000)
    return sum(truth["abnormal_octets"][chosen]) / sum(truth["octets"][chosen])


def only_link(document: dict[str, Any]) -> dict[str, Any]:
    (link,) = document["impact"]["links"]
    return link


def agrees_with_the_truth(link: dict[str, Any], folder: Path) -> None:
    """Minutes, share within the stated interval, others."""
    truth = outbound(folder)
    start = parse_time(truth["start"])
    minutes = [sum(truth["octets"][k : k + 6]) * 8 / 60 for k in range(0, len(truth["octets"]), 6)]
    full = [k for k, bps in enumerate(minutes) if bps > 0.8e9]
    (span,) = link["above_mark"]["spans"]
    assert link["above_mark"]["minutes"] == len(full)
    assert span == {"first": iso(start + full[0] * 60_000), "last": iso(start + (full[-1] + 1) * 60_000)}
    assert link["above_mark"]["minutes_without"] == 0
    low, high = link["abuse"]["share_interval_95"]
    assert low < true_share(folder, span["first"], span["last"]) < high
    assert high - low < 0.02
    assert (link["abuse"]["lines"], link["abuse"]["other_lines"], link["lines"]) == (3, 201, 204)


def test_from_counters_and_flows(network: Path):
    """The interface's own counters, made finer by flows."""
    document = judged(network, interface(SUBSCRIBERS, "subscriber") + LINK + counters(network))
    link = only_link(document)
    assert (link["measured"], link["missing"]) == ("counters_and_flows", [])
    agrees_with_the_truth(link, network)
    peak = max(outbound(network)["octets"]) * 8 / 10 * OVERHEAD
    assert link["load"]["peak_bps"] == pytest.approx(peak, rel=0.05)
    (told,) = link_status(document["impact"])
    assert (told["peak_bps"], told["share"], told["lines"]) == (link["load"]["peak_bps"], link["abuse"]["share"], 3)
    assert "series" not in told
    assert [(event["lines"], event["event"]) for event in link["abuse"]["events"]] == [(3, document["events"][0]["id"])]
    validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_page_and_the_table_say_what_the_document_says(network: Path):
    """Which share, which minutes, how many others: for people, in both languages."""
    analysis = analysed(network, config=interface(SUBSCRIBERS, "subscriber") + LINK + counters(network))
    link = only_link(analysis.document)
    low, high = (f"{100 * end:.1f}" for end in link["abuse"]["share_interval_95"])
    page = render(analysis.document, ReportSeries()).replace("\u00a0", " ")
    for lang, others in (("en", "201 on this link"), ("ja", "201 回線")):
        out = StringIO()
        table.show(analysis, lang=lang, console=Console(file=out, width=80, highlight=False))
        assert max(map(cell_len, out.getvalue().splitlines())) <= 80
        for text in (page, " ".join(out.getvalue().replace("\u00a0", " ").split())):
            assert f"{low} %–{high} %" in text
            assert "20:01:00–20:03:00 JST" in text
            assert others in text


def test_from_flows_alone(network: Path):
    """Without counters the flows of the interface tell, and it is said."""
    link = only_link(judged(network, interface(SUBSCRIBERS, "subscriber") + LINK))
    assert (link["measured"], link["missing"]) == ("flows", ["no_counters"])
    agrees_with_the_truth(link, network)
    assert link["others_slowed"] == {"answer": "not_measured", "by": None}


def test_from_what_its_lines_send(network: Path):
    """A link that no interface is known of is the sum of its lines."""
    document = judged(network, LINK)
    link = only_link(document)
    assert (link["measured"], link["missing"]) == ("lines", ["no_interface", "no_counters"])
    agrees_with_the_truth(link, network)
    validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_from_a_prometheus_server(network: Path):
    """The same counters asked of a server, which knows the router by its name; without an answer that is said."""
    config = interface(SUBSCRIBERS, "subscriber") + LINK
    counters(network)
    rows = [row.split(",") for row in (network / "counters.csv").read_text(encoding="utf-8").splitlines()[1:]]
    metrics = {"ifHCInOctets": 3, "ifHCOutOctets": 4, "ifInDiscards": 5, "ifOutDiscards": 6}
    series = [
        {
            "metric": {"__name__": name, "instance": "bng-1:9116", "ifIndex": str(SUBSCRIBERS)},
            "values": [[parse_time(row[0]) / 1000, row[column]] for row in rows],
        }
        for name, column in metrics.items()
    ]
    with other_side(200, json.dumps({"status": "success", "data": {"result": series}}).encode()) as (url, _):
        server = f'\n[impact.prometheus]\nurl = "{url}"\n'
        document = judged(network, config + server)
    link = only_link(document)
    assert (link["measured"], link["missing"]) == ("counters_and_flows", [])
    agrees_with_the_truth(link, network)
    unanswered = only_link(judged(network, config + server))
    assert (unanswered["measured"], unanswered["missing"]) == ("flows", ["counters_unavailable", "no_counters"])


def test_outbound_leaves_by_the_interface_to_the_core(network: Path):
    """The same traffic is egress there."""
    link = only_link(judged(network, interface(CORE, "core") + LINK))
    assert link["measured"] == "flows"
    agrees_with_the_truth(link, network)


def test_a_wrong_direction_is_said_and_no_number_given(network: Path):
    """Lines send out by an interface that is configured to face them."""
    link = only_link(judged(network, interface(CORE, "subscriber") + LINK + counters(network)))
    assert (link["measured"], link["load"], link["abuse"]) == (None, None, None)
    assert link["missing"] == ["direction_contradicted"]


def test_others_were_slowed_only_where_something_was_discarded(network: Path):
    """A full link alone is no proof."""
    config = interface(SUBSCRIBERS, "subscriber") + LINK
    quiet = only_link(judged(network, config + counters(network)))
    assert quiet["others_slowed"] == {"answer": "not_seen", "by": None}
    with_packets = config + counters(network, discards_while_full=50_000)
    dropping = only_link(judged(network, with_packets))
    assert dropping["others_slowed"] == {"answer": "yes", "by": "discards"}


def test_round_trip_times_tell_that_others_were_slowed(network: Path):
    """A round trip of twice the usual time while the link was full."""
    start = parse_time(outbound(network)["start"])
    looks = [f"{iso(start + 30_000 * k)},bng-1/0,{24_000 if 3 <= k <= 5 else 8000}" for k in range(10)]
    (network / "rtt.csv").write_text("\n".join(["time,link,rtt_us", *looks]) + "\n", encoding="utf-8")
    config = interface(SUBSCRIBERS, "subscriber") + LINK + '\n[impact]\nconditions = ["rtt.csv"]\n'
    assert only_link(judged(network, config))["others_slowed"] == {"answer": "yes", "by": "rtt"}


@pytest.mark.parametrize(("times", "level"), [(1.0, "act"), (1.6, "watch")])
def test_coverage_caps_detections_of_an_exporter_that_sees_too_little(network: Path, times: float, level: str):
    """Where counters tell of much more than flows do, nothing automatic follows."""
    config = interface(SUBSCRIBERS, "subscriber") + LINK + counters(network, times=times)
    document = judged(network, config)
    assert {d["level"] for d in document["detections"]} == {level}
    for detection in document["detections"]:
        assert detection["quality"]["coverage"] == pytest.approx(1 / times, rel=0.08)
        assert ("coverage_alarm" in detection["evidence"]["caps"]) == (level == "watch")
    (covered,) = document["impact"]["coverage"]
    assert (covered["direction"], covered["alarm"]) == ("in", level == "watch")


def test_nothing_configured_is_nothing_said(network: Path):
    """No link, no counter: an empty object, as before."""
    assert judged(network, "")["impact"] == {}
