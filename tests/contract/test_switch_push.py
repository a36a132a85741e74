"""Pushes to switches that are played: VRP and Comware, and what goes wrong with them."""

from __future__ import annotations

import time
from pathlib import Path

import paramiko
import pytest

from orchestrator.model.network import Platform
from orchestrator.providers.device.access import Limits
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from tests.contract.pushing import Pusher
from tests.contract.switch_double import PASSWORD, USER, SwitchDouble, switch_double

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

PLATFORMS = {"vrp": Platform.VRP, "comware": Platform.COMWARE}
HEADS = {"vrp": "acl name ZONES4 advance", "comware": "acl advanced name ZONES4"}
FILTERS = {
    "vrp": "interface Vlanif101\n traffic-filter acl name ZONES4 inbound",
    "comware": "interface Vlan-interface101\n packet-filter filter route\n"
    " packet-filter name ZONES4 inbound",
}
LIMITS = Limits(connect=2, command=4, confirm=3, come_back=15)


def text(vendor: str, *rules: str) -> str:
    listed = "\n".join(f" {rule}" for rule in rules)
    return (
        "# made by a test\n#\nsysname leaf-1\n#\n"
        "vlan 101\n name city-oob\n description zone mgmt\n#\n"
        f"{HEADS[vendor]}\n{listed}\n#\n{FILTERS[vendor]}\n#\nreturn\n"
    )


FIRST = ("rule 5 permit tcp source 10.0.0.0 0.0.0.255 destination-port eq 80", "rule 10 deny ip")
SECOND = ("rule 5 permit tcp source 10.0.1.0 0.0.0.255 destination-port eq 25", "rule 10 deny ip")
CUT = ("rule 5 deny tcp destination-port eq 22", "rule 10 deny ip")


@pytest.fixture(params=["vrp", "comware"])
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pusher_to(switch: SwitchDouble, folder: Path, **how: str) -> Pusher:
    login = (USER, how.get("password", PASSWORD))
    return Pusher(
        folder, ("127.0.0.1", switch.port), PLATFORMS[switch.vendor], login,
        model=how.get("model", switch.model), password=True, limits=LIMITS,
    )  # fmt: skip


def rules(switch: SwitchDouble) -> list[str]:
    return switch.running.get(HEADS[switch.vendor], [])


def test_a_push_runs_and_is_saved_and_touches_nothing_else(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        assert rules(switch) == list(FIRST)
        pusher.bring_up(text(vendor, *SECOND), text(vendor, *FIRST))
        assert rules(switch) == list(SECOND)
        assert switch.name == "leaf-1"
        assert switch.startup == switch.running
        assert not switch.on_trial
        assert switch.running["aaa"]
        assert switch.running["vlan 4000"] == ["name somebody-elses"]


def test_what_is_no_longer_declared_goes(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor) as switch:
        pusher = pusher_to(switch, tmp_path)
        before = text(vendor, *FIRST)
        pusher.bring_up(before)
        after = before.replace(
            "vlan 101\n name city-oob\n description zone mgmt\n#\n", "vlan 102\n name other\n#\n"
        )
        pusher.bring_up(after, before)
        assert "vlan 101" not in switch.running
        assert switch.running["vlan 102"] == ["name other"]


def test_the_same_again_says_nothing(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        said = len(switch.commands)
        pusher.bring_up(text(vendor, *FIRST), text(vendor, *FIRST))
        assert "system-view" not in switch.commands[said:]


def test_a_push_that_locks_us_out_heals_by_itself(vendor: str, tmp_path: Path) -> None:
    quick = {"minute_seconds": 3.0, "trial_seconds": 3.0}
    with switch_double(vendor, locked_out_by=CUT[0], **quick) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(text(vendor, *CUT), text(vendor, *FIRST))
        assert refused.value.fault is DeviceFault.LOCKED_OUT
        assert rules(switch) == list(FIRST)
        assert switch.startup == switch.running


def test_power_lost_before_the_confirmation_boots_the_old_one(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        pusher.abandon(text(vendor, *SECOND), text(vendor, *FIRST))
        assert rules(switch) == list(SECOND)
        switch.power_cycle()
        assert rules(switch) == list(FIRST)


def test_the_run_after_a_killed_push_goes_on(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor, minute_seconds=2.0) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        pusher.abandon(text(vendor, *SECOND), text(vendor, *FIRST))
        pusher.bring_up(text(vendor, *SECOND), text(vendor, *FIRST))
        assert rules(switch) == list(SECOND)
        assert not switch.on_trial
        (told,) = pusher.told
        assert ("took back" if vendor == "vrp" else "a push to it was killed; waiting") in told
        time.sleep(2.5)
        assert rules(switch) == list(SECOND), "no old timer undid it"


def test_a_refused_line_is_named_and_nothing_of_the_push_stays(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor, minute_seconds=2.0) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        switch.refuses = "rule 10 permit"
        wanted = (SECOND[0], "rule 10 permit ip")
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(text(vendor, *wanted), text(vendor, *FIRST))
        assert refused.value.fault is DeviceFault.REFUSED
        assert "refuses `rule 10 permit ip`: Unrecognized command" in str(refused.value)
        assert rules(switch) == list(FIRST)
        assert not switch.on_trial


def test_another_model_is_refused_by_name(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor, model="S5735-L48T4S") as switch:
        pusher = pusher_to(switch, tmp_path, model="CE6881-48S6CQ")
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(text(vendor, *FIRST))
        assert refused.value.fault is DeviceFault.MODEL
        assert "CE6881-48S6CQ" in str(refused.value)
        assert "S5735-L48T4S" in str(refused.value)
        assert "system-view" not in switch.commands


def test_another_host_key_is_sent_nothing(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        sessions = switch.sessions
        switch.key = paramiko.ECDSAKey.generate()
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(text(vendor, *SECOND), text(vendor, *FIRST))
        assert refused.value.fault is DeviceFault.HOST_KEY
        assert str(refused.value).count("SHA256:") == 2
        assert switch.sessions == sessions


def test_a_wrong_password_is_named_and_not_shown(vendor: str, tmp_path: Path) -> None:
    with switch_double(vendor) as switch:
        pusher = pusher_to(switch, tmp_path, password="hunter2")
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(text(vendor, *FIRST))
        assert refused.value.fault is DeviceFault.LOGIN
        assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "how",
    [{"half_a_prompt": True}, {"hangs_at": "display current"}, {"closes_at": "display current"}],
    ids=lambda how: next(iter(how)),
)
def test_silence_is_bounded_and_named(vendor: str, tmp_path: Path, how: dict[str, object]) -> None:
    with switch_double(vendor, **how) as switch:
        pusher = pusher_to(switch, tmp_path)
        began = time.monotonic()
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(text(vendor, *FIRST))
        assert refused.value.fault is DeviceFault.SILENT
        assert refused.value.name == "device"
        assert time.monotonic() - began < 12


def test_a_session_that_breaks_off_in_the_push_leaves_the_old_one(
    vendor: str, tmp_path: Path
) -> None:
    with switch_double(vendor, minute_seconds=2.0) as switch:
        pusher = pusher_to(switch, tmp_path)
        pusher.bring_up(text(vendor, *FIRST))
        switch.closes_at = "rule 5 permit"
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(text(vendor, *SECOND), text(vendor, *FIRST))
        assert refused.value.fault is DeviceFault.LOCKED_OUT
        assert rules(switch) == list(FIRST)
