from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit

FLOW = "expires: 2027-06-30}\n"
YANGZHOU = Path(__file__).parents[2] / "inventory" / "yangzhou"


def ask(run: Run, site: Path, *words: str) -> tuple[int, dict[str, object]]:
    result = run("network", "flows", "--site", site, *words, "-o", "json")
    return result.exit_code, json.loads(result.stdout)


def test_a_declared_flow_is_allowed_and_shows_whose_it_is(run: Run, site: Path) -> None:
    question = ("--from", "zone/access", "--to", "zone/mgmt", "--protocol", "tcp", "--port", "22")
    result = run("network", "flows", "--site", site, *question)
    assert result.exit_code == 0
    assert result.stdout.startswith("allowed: zone/access to zone/mgmt, tcp 22\n")
    for fact in ("bastion", "platform", "T-3", "2027-06-30"):
        assert fact in result.stdout
    code, answer = ask(run, site, *question)
    assert (code, answer["allowed"]) == (0, True)
    assert [flow["name"] for flow in answer["flows"]] == ["bastion"]


@pytest.mark.parametrize(
    "question",
    [
        ("--from", "zone/access", "--to", "zone/mgmt", "--protocol", "tcp", "--port", "23"),
        ("--from", "zone/access", "--to", "zone/mgmt", "--protocol", "udp", "--port", "22"),
        ("--from", "zone/mgmt", "--to", "zone/access", "--protocol", "tcp", "--port", "22"),
        ("--from", "internet", "--to", "zone/base-db", "--protocol", "icmp"),
    ],
)
def test_what_no_flow_declares_is_refused(run: Run, site: Path, question: tuple[str, ...]) -> None:
    code, answer = ask(run, site, *question)
    assert (code, answer["allowed"], answer["flows"]) == (1, False, [])


def test_addresses_and_projects_are_found_in_their_zones(run: Run, site: Path) -> None:
    what = ("--protocol", "tcp", "--port", "8443")
    project = ("--from", "project/industry/enterprise", "--to", "10.3.7.7")
    assert ask(run, site, *project, *what)[0] == 0
    code, answer = ask(run, site, "--from", "zone/egov-pub", "--to", "zone/xchg", *what)
    assert (code, [flow["name"] for flow in answer["partly"]]) == (1, ["exchange"])
    web = ("--protocol", "tcp", "--port", "443")
    assert ask(run, site, "--from", "8.8.8.8", "--to", "10.2.0.9", *web)[0] == 0
    # 10.2.0.9 is in 10.0.0.0/8, too, which is of another zone.
    assert ask(run, site, "--from", "10.9.0.9", "--to", "10.2.0.9", *web)[0] == 1


def test_an_expired_flow_is_named_and_allows_nothing(run: Run, site: Path) -> None:
    edit(site / "network.yaml", f"ticket: T-3, {FLOW}", "ticket: T-3, expires: 2026-01-01}\n")
    question = ("--from", "zone/access", "--to", "zone/mgmt", "--protocol", "tcp", "--port", "22")
    code, answer = ask(run, site, *question)
    assert (code, answer["allowed"]) == (1, False)
    assert [flow["standing"] for flow in answer["flows"]] == ["expired"]
    assert "2026-01-01 expired" in run("network", "flows", "--site", site).stdout


def test_a_flow_that_ends_within_thirty_days_is_marked(run: Run, site: Path, world: object) -> None:
    from datetime import timedelta

    today = world.clock.now().date()
    for days, mark in ((30, "ends soon"), (31, "current")):
        text = (site / "network.yaml").read_text()
        line = next(each for each in text.splitlines() if "name: bastion" in each)
        ends = today + timedelta(days=days)
        edit(site / "network.yaml", line, f"{line.split(' expires')[0]} expires: {ends}}}")
        _, answer = ask(run, site, "--to", "zone/mgmt")
        assert [flow["standing"] for flow in answer["flows"]] == [mark]


def test_an_end_that_is_nothing_is_a_usage_error_with_a_guess(run: Run, site: Path) -> None:
    result = run("network", "flows", "--site", site, "--from", "zone/acess")
    assert result.exit_code == 64
    assert "Did you mean `zone/access`?" in result.stderr
    assert (
        run("network", "flows", "--site", site, "--protocol", "icmp", "--port", "1").exit_code == 64
    )


def test_compile_shows_or_writes_the_same_texts(run: Run, site: Path, tmp_path: Path) -> None:
    result = run("network", "compile", "--site", site, "--target", "nftables", "--device", "city")
    assert result.exit_code == 0
    assert result.stdout.startswith("# Zone firewall of region city, site smallcity")
    out = tmp_path / "out"
    written = run("network", "compile", "--site", site, "--out", out)
    assert (written.exit_code, written.stdout) == (0, "")
    assert (out / "nftables" / "city.nft").read_text() == result.stdout
    assert (out / "vrp" / "leaf-1.cfg").is_file()
    wrong = run("network", "compile", "--site", site, "--device", "leaf-11")
    assert wrong.exit_code == 64 and "Did you mean `leaf-1`?" in wrong.stderr


def targets_of(run: Run, device: str) -> list[tuple[str, str]]:
    done = run("network", "compile", "--site", YANGZHOU, "--device", device, "-o", "json")
    return [(one["target"], one["name"]) for one in json.loads(done.stdout)]


def test_compile_finds_a_firewalls_ruleset_a_routers_own_text_and_a_regions_both(run: Run) -> None:
    assert targets_of(run, "city-fw-core-2") == [("nftables", "city")]
    assert targets_of(run, "baoying-router-2") == [("frr", "baoying-router-2")]
    assert targets_of(run, "baoying") == [
        ("nftables", "baoying"),
        ("frr", "baoying-router-1"),
        ("frr", "baoying-router-2"),
    ]
    unknown = run("network", "compile", "--site", YANGZHOU, "--device", "city-fw-inet-1")
    assert unknown.exit_code == 64 and "nothing is compiled for" in unknown.stderr


def test_verify_tells_each_target_and_agrees(run: Run, site: Path) -> None:
    result = run("network", "verify", "--site", site)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("6 targets: all do what the flows declare.\n")
    verdicts = json.loads(run("network", "verify", "--site", site, "-o", "json").stdout)
    assert {verdict["target"] for verdict in verdicts} == {"nftables", "vrp"}
    assert all(verdict["agrees"] for verdict in verdicts)


def test_the_picture_is_whole_and_always_the_same(run: Run) -> None:
    first, second = (run("network", "show", "--site", YANGZHOU, "-o", "svg") for _ in range(2))
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    assert "href" not in first.stdout and "url(" not in first.stdout
    picture = ElementTree.fromstring(first.stdout)
    shown = json.loads(run("network", "show", "--site", YANGZHOU, "-o", "json").stdout)
    devices = {device["name"] for region in shown["regions"] for device in region["devices"]}
    titles = {each.text.split(":")[0] for each in picture.iter() if each.tag.endswith("title")}
    assert len(devices) > 100 and devices <= titles
    assert {line["name"] for line in shown["lines"] if line["to"] != "internet"} <= titles
    assert {link["name"] for link in shown["links"]} <= titles


def test_the_picture_may_go_into_a_file_and_nothing_else_may(
    run: Run, site: Path, tmp_path: Path
) -> None:
    out = tmp_path / "network.svg"
    written = run("network", "show", "--site", site, "-o", "svg", "--out", out)
    assert (written.exit_code, written.stdout) == (0, "")
    assert ElementTree.parse(out).getroot().tag.endswith("svg")
    assert run("network", "show", "--site", site, "--out", out).exit_code == 64


def test_nothing_in_the_picture_lies_over_something_else_or_outside(run: Run) -> None:
    picture = ElementTree.fromstring(run("network", "show", "--site", YANGZHOU, "-o", "svg").stdout)
    width, height = int(picture.attrib["width"]), int(picture.attrib["height"])
    boxes = [
        tuple(int(float(rect.attrib[key])) for key in ("x", "y", "width", "height"))
        for rect in picture.iter()
        if rect.tag.endswith("rect")
        and float(rect.attrib["width"]) < width
        and "panel" not in rect.attrib.get("class", "")
    ]
    assert len(boxes) > 150
    for x, y, wide, high in boxes:
        assert 0 <= x and x + wide <= width and 0 <= y and y + high <= height
    ordered = sorted(boxes)
    for number, (x, y, wide, high) in enumerate(ordered):
        for left, top, _, tall in ordered[number + 1 :]:
            if left >= x + wide:
                break
            assert top >= y + high or top + tall <= y


def test_the_text_shows_regions_lines_and_zones(run: Run, site: Path) -> None:
    result = run("network", "show", "--site", site)
    assert result.exit_code == 0
    for fact in (
        "北县 North County",
        "line-1",
        "1 Gbit/s",
        "inet-dmz",
        "2 devices, 1 link, 3 flows.",
    ):
        assert fact in result.stdout


def test_packets_that_cannot_be_tried_are_said_and_are_no_success(site: Path) -> None:
    """No programs are found on an empty PATH, whoever runs this."""
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "orchestrator",
            "network",
            "verify",
            "--site",
            str(site),
            "--packets",
        ],
        capture_output=True,
        text=True,
        env={"PATH": "/nonexistent"},
        timeout=60,
    )
    assert result.returncode == 6, result.stderr
    assert "Packets were not tried: " in result.stderr
    assert result.stdout.endswith("all do what the flows declare.\n")
