"""Vendors' habits: each works with its entry in the table, and fails without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BootDevice, PowerAct, PowerState
from orchestrator.ports.bmc import BmcAct, BootOnce, SetIndicator, SwitchPower
from orchestrator.providers.redfish.quirks import QUIRKS
from tests.fakes.bmc_server import Bmc
from tests.fakes.bmc_site import server
from tests.providers.redfish.conftest import Open

PXE = BootOnce(device=BootDevice.PXE)
LAMP = SetIndicator(lit=True)

HABITS = [
    ("ibmc-etag", lambda: Bmc(manufacturer="Huawei", wants_etag="quoted"), LAMP),
    ("ibmc-etag", lambda: Bmc(oem="xFusion", wants_etag="quoted"), LAMP),
    (
        "ami-boot-mode-echo",
        lambda: Bmc(oem="Ami", wants_etag="quoted", refuses_boot_without_mode=True),
        PXE,
    ),
    ("gigabyte-bare-etag", lambda: Bmc(manufacturer="GIGABYTE", wants_etag="bare"), LAMP),
    (
        "supermicro-boot-mode",
        lambda: Bmc(manufacturer="Supermicro", drops_boot_without_mode=True),
        PXE,
    ),
]


@pytest.mark.parametrize(("name", "made", "act"), HABITS, ids=[habit[0] for habit in HABITS])
def test_the_habit_is_met_with_its_entry_and_not_without(
    reach: Open, name: str, made: Callable[[], Bmc], act: BmcAct
) -> None:
    bmc = made()
    reach(bmc).act(server(), act)
    assert bmc.led == "Lit" or bmc.boot["BootSourceOverrideTarget"] == "Pxe"
    assert bmc.boot["BootSourceOverrideMode"] == "UEFI"

    others = tuple(quirk for quirk in QUIRKS if quirk.name != name)
    assert len(others) == len(QUIRKS) - 1
    with pytest.raises(BmcError):
        reach(made(), quirks=others).act(server(), act)


def test_the_virtual_cd_of_supermicro_is_usb_and_elsewhere_cd(reach: Open) -> None:
    theirs, plain = Bmc(manufacturer="Supermicro"), Bmc()
    for bmc in (theirs, plain):
        reach(bmc).act(server(), BootOnce(device=BootDevice.CD))
    assert theirs.boot["BootSourceOverrideTarget"] == "UsbCd"
    assert plain.boot["BootSourceOverrideTarget"] == "Cd"


def test_a_passing_412_is_met_with_a_fresh_look(reach: Open) -> None:
    bmc = Bmc(manufacturer="Huawei", wants_etag="quoted", precondition_failures=2)
    reach(bmc).act(server(), LAMP)
    assert bmc.led == "Lit"


def test_an_unknown_bmc_that_wants_an_etag_is_told_of_with_the_table(reach: Open) -> None:
    with pytest.raises(BmcError, match="412") as refused:
        reach(Bmc(wants_etag="quoted")).act(server(), LAMP)
    assert "quirk table" in refused.value.remedy


def test_the_names_of_the_entries_stand_in_the_inventory(reach: Open) -> None:
    assert reach(Bmc(manufacturer="Huawei")).inventory(server()).quirks == ("ibmc-etag",)
    assert reach(Bmc()).inventory(server()).quirks == ()


@pytest.mark.parametrize("forced", [True, False])
def test_power_goes_off_on_and_round(reach: Open, forced: bool) -> None:
    bmc = Bmc()
    client = reach(bmc)

    def switched(act: PowerAct) -> PowerState:
        return client.act(server(), SwitchPower(act=act, forced=forced))

    assert switched(PowerAct.OFF) is PowerState.OFF
    assert client.power(server()) is PowerState.OFF
    assert switched(PowerAct.ON) is PowerState.ON
    assert switched(PowerAct.CYCLE) is PowerState.ON
    acts = bmc.paths.count(f"POST {bmc.base}/Actions/Reset")
    assert acts == 3


def test_a_server_that_is_on_is_not_switched_on(reach: Open) -> None:
    bmc = Bmc(power="On")
    reach(bmc).act(server(), SwitchPower(act=PowerAct.ON))
    assert f"POST {bmc.base}/Actions/Reset" not in bmc.paths


def test_power_that_is_accepted_and_not_switched_is_told_of(reach: Open) -> None:
    with pytest.raises(BmcError, match="is on") as refused:
        reach(Bmc(ignores_power=True)).act(server(), SwitchPower(act=PowerAct.OFF))
    assert "--force" in refused.value.remedy


def test_an_act_whose_answer_is_lost_is_not_done_twice(reach: Open) -> None:
    bmc = Bmc()
    bmc.hangs_after = f"POST {bmc.base}"
    with pytest.raises(BmcError, match="not known"):
        reach(bmc).act(server(), SwitchPower(act=PowerAct.OFF))
    assert bmc.paths.count(f"POST {bmc.base}/Actions/Reset") == 1


def test_the_lamp_is_lit_and_put_out(reach: Open) -> None:
    bmc = Bmc()
    client = reach(bmc)
    client.act(server(), SetIndicator(lit=True))
    assert client.inventory(server()).indicator_lit is True
    client.act(server(), SetIndicator(lit=False))
    assert client.inventory(server()).indicator_lit is False
