"""`orchestrator room show`, `fail` and `place`: what they print, draw and end with."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Run, edit
from tests.cli.test_cli_docs import documented_keys, keys_of

CITY = Path(__file__).parents[2] / "inventory" / "yangzhou"
CASES = Path(__file__).parents[1] / "cases"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Return a copy of the reference city, to plant faults in."""
    directory = tmp_path / "city"
    shutil.copytree(CITY, directory, ignore=shutil.ignore_patterns(".orchestrator"))
    return directory


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_racks_are_listed_with_units_watts_of_each_side_and_weight(run: Run) -> None:
    result = run("room", "show", "city-hall-1", "--site", CITY)
    assert result.exit_code == 0
    assert "city-hall-1  市级主机房一号厅 City machine room, hall 1, grade A" in result.stdout
    [line] = [each for each in result.stdout.splitlines() if each.startswith("city-a01")]
    assert re.findall(r"[\d,]+ / [\d,]+", line) == [
        "24 / 42", "10,315 / 12,000", "10,315 / 16,849", "10,315 / 16,849", "344 / 1,000",
    ]  # fmt: skip
    assert "city-c01" not in result.stdout


def test_the_front_of_a_rack_shows_each_machine_at_its_highest_unit(run: Run, site: Path) -> None:
    lines = run("room", "show", "--rack", "r1", "--site", site).stdout.splitlines()
    assert "  2 | cmp-01  compute        800 W   28.0 kg" in lines
    assert '  1 | "' in lines
    assert "  7 |" in lines


def test_a_machine_with_both_supplies_on_one_side_loads_only_that_side(
    run: Run, site: Path
) -> None:
    edit(site / "network.yaml", "address: 10.9.0.51,", "address: 10.9.0.51, psus: [B],")
    [hall] = json.loads(run("room", "show", "hall", "-o", "json", "--site", site).stdout)
    first = hall["racks"][0]
    assert [side["alone_watts"] for side in first["sides"]] == [2400, 2700]


def test_both_pictures_are_well_formed_and_name_every_rack(run: Run) -> None:
    for view in ("racks", "floor"):
        svg = run("room", "show", "-o", "svg", "--view", view, "--site", CITY).stdout
        shown = set(texts(svg))
        assert {f"city-{row}{n:02}" for row in "abcd" for n in range(1, 7)} <= shown
        assert any("市级主机房一号厅" in each for each in shown)
        assert "<script" not in svg
        assert "href" not in svg


def test_a_picture_is_the_same_each_time_and_goes_to_the_file_that_is_named(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "racks.svg"
    arguments = ("room", "show", "city-hall-1", "-o", "svg", "--site", CITY)
    result = run(*arguments, "--out", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text(encoding="utf-8") + "\n" == run(*arguments).stdout


def test_text_of_the_site_cannot_break_a_picture(run: Run, site: Path) -> None:
    edit(site / "room.yaml", "en: Main hall", "en: '</text><script>x</script> & \"hall\"'")
    for view in ("racks", "floor"):
        svg = run("room", "show", "-o", "svg", "--view", view, "--site", site).stdout
        assert any('<script>x</script> & "hall"' in each for each in texts(svg))
        assert "<script" not in svg


def test_a_lost_ups_of_the_city_is_survived(run: Run) -> None:
    result = run("room", "fail", "city-ups-1-a", "--site", CITY)
    assert result.exit_code == 0
    assert "Everything runs on, within its limits." in result.stdout
    assert re.search(r"city-ups-1-b +UPS +59,270 +118,540 +163,636", result.stdout)


def test_a_feed_loss_planted_in_the_city_is_found_by_check_and_shown_by_fail(
    run: Run, city: Path
) -> None:
    """Rack a01's side B hangs on side A's panel: when that goes, so does the rack."""
    edit(
        city / "room" / "city.yaml",
        "{side: B, panel: city-panel-a-b, volts",
        "{side: B, panel: city-panel-a-a, volts",
    )
    assert "MR018" in run("check", city).stdout
    result = run("room", "fail", "city-panel-a-a", "--site", city)
    assert result.exit_code == 1
    assert "dark: city-a01 (10,315 W): city-cmp-001, city-cmp-002" in result.stdout
    assert run("room", "fail", "city-panel-a-b", "--site", city).exit_code == 0


def test_what_is_overloaded_beyond_its_rating_trips_and_takes_its_racks_along(
    run: Run, site: Path
) -> None:
    """Each UPS carries half; when one is gone, the other gets 4,800 W and trips at 4,000."""
    edit(site / "room.yaml", "side: A, capacity_watts: 20000", "side: A, capacity_watts: 4000")
    result = run("room", "fail", "ups-b", "--site", site, "-o", "json")
    assert result.exit_code == 1
    failure = json.loads(result.stdout)
    assert failure["tripped"] == ["ups-a"]
    assert {each["name"] for each in failure["dark"]} == {
        "cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2", "leaf-1", "leaf-2",
    }  # fmt: skip


def test_a_lost_cooling_unit_is_too_much_where_the_rest_is_too_weak(run: Run, site: Path) -> None:
    assert run("room", "fail", "crah-1", "--site", site).exit_code == 0
    edit(site / "room.yaml", "capacity_watts: 20000}\nracks", "capacity_watts: 4900}\nracks")
    result = run("room", "fail", "crah-1", "--site", site)
    assert result.exit_code == 1
    assert "crah-1 stopped; 4,900 W left for 5,053 W of heat" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "guess"),
    [
        (("room", "fail", "city-upz-1-a"), "city-ups-1-a"),
        (("room", "show", "city-hal-1"), "city-hall-1"),
        (("room", "show", "--rack", "city-a1"), "city-a"),
        (("room", "show", "--out", "x.svg"), "-o svg"),
        (("room", "place", "--count", "1", "--watts", "1", "--u", "1", "--room", "x"), "room `x`"),
    ],
)
def test_a_name_that_is_not_there_is_a_usage_error_with_a_guess(
    run: Run, arguments: tuple[str, ...], guess: str
) -> None:
    result = run(*arguments, "--site", CITY)
    assert result.exit_code == 64
    assert guess in result.stderr


def test_servers_that_fit_are_placed_and_those_that_do_not_are_explained(run: Run) -> None:
    wanted = ("room", "place", "--watts", "800", "--u", "2", "--role", "compute", "--site", CITY)
    result = run(*wanted, "--count", "12")
    assert result.exit_code == 0
    assert "All 12 fit, in 12 racks" in result.stdout
    result = run(*wanted, "--count", "400")
    assert result.exit_code == 1
    assert "59 of 400 fit." in result.stdout
    assert "rack limit of 12,000 W  24 racks" in result.stdout


def with_annex(site: Path) -> None:
    """Add a room whose generators start 4,500 W each; it asks for 4,211 W."""
    shutil.copytree(CASES / "generators-too-weak", site, dirs_exist_ok=True)
    edit(site / "room" / "case.yaml", "capacity_watts: 4000", "capacity_watts: 4500")


def test_places_that_break_another_rule_are_not_called_a_fit(run: Run, site: Path) -> None:
    """Placement counts on all generators; a room of grade A must do without one."""
    with_annex(site)
    wanted = ("room", "place", "--watts", "100", "--u", "1", "--room", "annex", "--site", site)
    assert run(*wanted, "--count", "2").exit_code == 0
    result = run(*wanted, "--count", "3")
    assert result.exit_code == 1
    assert "MR021 With the street dark" in result.stdout


@pytest.mark.parametrize("command", ["room show", "room fail", "room sweep", "room place"])
def test_room_json_has_the_keys_of_the_document(run: Run, site: Path, command: str) -> None:
    if command in {"room fail", "room sweep"}:
        edit(site / "room.yaml", "side: A, capacity_watts: 20000", "side: A, capacity_watts: 4600")
    with_annex(site)
    arguments = {
        "room show": [()],
        "room fail": [("ups-b",), ("grid-b",), ("crah-1",), ("pdu-r1-a",)],
        "room sweep": [()],
        "room place": [("--count", "300", "--watts", "100", "--u", "1")],
    }[command]
    documented = documented_keys(command)
    shown: set[str] = set()
    for each in arguments:
        result = run(*command.split(), *each, "--site", site, "-o", "json")
        shown |= set(keys_of(json.loads(result.stdout), known=documented))
    assert shown == documented


def test_the_how_to_shows_what_the_commands_print(run: Run) -> None:
    page = (CITY.parents[1] / "docs" / "how-to" / "machine-rooms.md").read_text(encoding="utf-8")
    shown = re.findall(
        r"```sh\n(orchestrator room [^\n]*)\n```\n\n```text\n(.*?)```", page, re.DOTALL
    )
    assert len(shown) == 3
    for command, sample in shown:
        result = run(*command.split()[1:], "--site", CITY)
        printed = {line.rstrip() for line in result.stdout.splitlines()}
        assert {line for line in sample.splitlines() if line != "..."} <= printed


def test_every_piece_is_taken_away_once_and_the_city_survives(run: Run) -> None:
    result = run("room", "sweep", "-o", "json", "--site", CITY)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["survived"], told["findings"], told["measured"]) == (True, [], None)
    assert told["taken_away"]["feed"] == 2 * 44


def test_a_planted_feed_loss_names_the_side_that_is_lost_the_breaker_and_the_watts(
    run: Run, city: Path
) -> None:
    edit(
        city / "room" / "city.yaml",
        "- {side: B, panel: city-panel-a-b, volts: 380, amperes: 32, phases: 3}",
        "- {side: B, panel: city-panel-a-b, volts: 380, amperes: 16, phases: 3}",
    )
    result = run("room", "sweep", "--site", city)
    assert result.exit_code == 1
    assert (
        "MR004 Without side A of city-a01, the breaker of side B (16 A) would carry 10,315 W of "
        "8,424 W." in " ".join(result.stdout.split())
    )
    lost = json.loads(run("room", "fail", "city-a01/A", "-o", "json", "--site", city).stdout)
    [hit] = [each for each in lost["loads"] if each["overloaded"]]
    assert (lost["removed"], hit["name"], hit["after_watts"]) == ("city-a01/A", "city-a01/B", 10315)


def test_a_planted_loss_higher_up_names_the_node_the_panel_and_the_watts(
    run: Run, city: Path
) -> None:
    yaml = city / "room" / "city.yaml"
    edit(yaml, "city-panel-a-a, volts: 380", "city-panel-a-b, volts: 380")
    result = run("room", "sweep", "-o", "json", "--site", city)
    assert result.exit_code == 1
    details = [each["detail"] for each in json.loads(result.stdout)["findings"]]
    assert any(
        re.match(r"Without \S+ city-panel-a-b, [\d,]+ W go dark: city-\S+", detail)
        or "city-panel-a-b" in detail
        for detail in details
    )
