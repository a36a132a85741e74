"""What is kept on a BMC: read with few calls, written once, and pending until a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BmcError, EngineError
from orchestrator.providers.redfish.bmcs import RedfishBmcs
from orchestrator.providers.redfish.client import Limits
from orchestrator.providers.redfish.kinds import SettingsKind
from orchestrator.providers.redfish.quirks import QUIRKS
from tests.fakes.bmc_server import Bmc
from tests.fakes.bmc_site import ADDRESS, REFERENCE
from tests.providers.redfish.conftest import IMPATIENT, Open, client_of

INPUTS = {
    "server": "cmp-01",
    "bmc_address": ADDRESS,
    "bmc_user": "orchestrator",
    "bmc_password": str(REFERENCE),
    "asset_tag": "cmp-01",
    "bios": {"BootMode": "Uefi", "Turbo": "Disabled"},
    "boot_order": ["pxe", "disk"],
    "answers": "yes",
}


def kind_of(bmcs: RedfishBmcs) -> SettingsKind:
    return SettingsKind(bmcs)


def seen(kind: SettingsKind, **changed: object) -> tuple[dict[str, object], tuple[str, ...]]:
    found = kind.observe({"redfish://x": INPUTS | changed})["redfish://x"]  # type: ignore[dict-item] # JSON
    return dict(found.properties), found.pending


def test_what_is_declared_is_written_and_then_there_is_nothing_to_write(reach: Open) -> None:
    bmc = Bmc()
    kind = kind_of(reach(bmc))
    made = kind.create(INPUTS)
    assert made.id == f"redfish://{ADDRESS}/cmp-01"
    assert bmc.asset_tag == "cmp-01"
    assert bmc.boot["BootOrder"] == ["Boot0002", "Boot0004", "Boot0001", "Boot0003"]
    assert bmc.bios_later == {"Turbo": "Disabled"}
    assert bmc.apply_time == "OnReset"

    patched = bmc.calls["PATCH"]
    kind.update(made, INPUTS, INPUTS)
    assert bmc.calls["PATCH"] == patched == 3
    assert bmc.sessions == {}


def test_a_bios_attribute_waits_for_a_restart_and_nothing_restarts_the_server(reach: Open) -> None:
    bmc = Bmc()
    kind = kind_of(reach(bmc))
    kind.create(INPUTS)
    properties, pending = seen(kind)
    assert properties["bios"] == INPUTS["bios"]
    assert pending == ("bios.Turbo",)
    assert bmc.bios["Turbo"] == "Enabled"
    assert not [path for path in bmc.paths if "Reset" in path]

    bmc.restart()
    assert seen(kind) == ({**properties}, ())
    assert bmc.bios["Turbo"] == "Disabled"


def test_a_change_that_is_taken_back_before_the_restart_does_not_happen(reach: Open) -> None:
    bmc = Bmc()
    kind = kind_of(reach(bmc))
    made = kind.create(INPUTS)
    assert bmc.bios_later == {"Turbo": "Disabled"}
    back = INPUTS | {"bios": {"BootMode": "Uefi", "Turbo": "Enabled"}}
    kind.update(made, INPUTS, back)
    bmc.restart()
    assert bmc.bios["Turbo"] == "Enabled"


def test_what_a_hand_changed_is_seen_as_it_is(reach: Open) -> None:
    bmc = Bmc()
    kind = kind_of(reach(bmc))
    kind.create(INPUTS)
    bmc.restart()
    bmc.asset_tag, bmc.bios["Turbo"] = "somebody's", "Enabled"
    bmc.boot["BootOrder"] = ["Boot0001", "Boot0002", "Boot0003", "Boot0004"]
    properties, pending = seen(kind)
    assert properties == {
        "answers": "yes",
        "asset_tag": "somebody's",
        "bios": {"BootMode": "Uefi", "Turbo": "Enabled"},
        "boot_order": ["disk", "pxe"],
    }
    assert pending == ()


def test_only_what_is_declared_is_asked_for(reach: Open) -> None:
    bmc = Bmc(sessions_supported=False, bios={"BootMode": "Uefi", "Turbo": "Disabled"})
    kind = kind_of(reach(bmc))
    seen(kind, asset_tag=None, boot_order=None)
    assert [path.split("/")[-1] for path in bmc.paths] == [
        "",
        "Systems?$expand=.($levels=1)",
        "Bios",
    ]
    bmc.paths.clear()
    seen(kind, bios=None, boot_order=None)
    assert not [path for path in bmc.paths if "Bios" in path or "BootOptions" in path]


def test_a_boot_order_that_is_told_by_kind_is_kept_by_kind(reach: Open) -> None:
    bmc = Bmc()
    bmc.boot = {"AliasBootOrder": ["Cd", "Hdd", "Pxe"]}
    kind = kind_of(reach(bmc))
    kind.create(INPUTS)
    assert bmc.boot["AliasBootOrder"] == ["Pxe", "Hdd", "Cd"]
    assert seen(kind)[0]["boot_order"] == ["pxe", "disk"]


def test_numbers_and_truth_values_are_written_as_the_bios_has_them(reach: Open) -> None:
    bmc = Bmc(bios={"Delay": 60, "Quiet": True})
    kind = kind_of(reach(bmc))
    wanted = {"Delay": "90", "Quiet": "false"}
    kind.create(INPUTS | {"bios": wanted})
    assert bmc.bios_later == {"Delay": 90, "Quiet": False}
    assert seen(kind, bios=wanted) == (
        {"answers": "yes", "asset_tag": "cmp-01", "bios": wanted, "boot_order": ["pxe", "disk"]},
        ("bios.Delay", "bios.Quiet"),
    )


@pytest.mark.parametrize(
    ("bmc", "changed", "said"),
    [
        (Bmc(), {"bios": {"Trubo": "Enabled"}}, "no attribute `Trubo`.*Turbo"),
        (Bmc(bios={"Delay": 60}), {"bios": {"Delay": "long"}}, "`Delay` is 60"),
        (Bmc(bios={}), {"bios": {"Turbo": "Enabled"}}, "until the server was on once"),
        (Bmc(apply_times=["Immediate"]), {}, "only Immediate"),
        (Bmc(boot={"BootOrder": ["Boot0001"]}), {}, "nothing to boot from that is `pxe`"),
        (Bmc(boot={}), {}, "does not tell in which order"),
        (Bmc(ignores_settings=True), {"bios": None, "boot_order": None}, "accepted asset_tag"),
    ],
    ids=["misspelt", "no-number", "never-on", "restarts-at-once", "no-network", "no-order", "liar"],
)
def test_what_cannot_be_kept_is_said(
    reach: Open, bmc: Bmc, changed: dict[str, object], said: str
) -> None:
    kind = kind_of(reach(bmc, limits=Limits(total_seconds=2, answer_seconds=1)))
    with pytest.raises(BmcError, match=said):
        kind.create(INPUTS | changed)  # type: ignore[arg-type] # JSON
    assert bmc.sessions == {}


def test_a_silent_bmc_says_why_and_the_others_are_read(reach: Open) -> None:
    hung = Bmc(fault="hang")
    kind = kind_of(reach(hung, limits=IMPATIENT))
    properties, _ = seen(kind)
    assert properties == {"answers": properties["answers"]}
    assert "does not answer in time" in str(properties["answers"])


@pytest.mark.parametrize(
    ("name", "bmc"),
    [
        ("ibmc-etag", Bmc(manufacturer="Huawei", wants_etag="quoted")),
        ("ami-boot-mode-echo", Bmc(oem="Ami", wants_etag="quoted")),
        ("gigabyte-bare-etag", Bmc(manufacturer="GIGABYTE", wants_etag="bare")),
    ],
    ids=["ibmc", "ami", "gigabyte"],
)
def test_the_vendors_etag_goes_with_every_write(
    reach: Open, tmp_path: Path, name: str, bmc: Bmc
) -> None:
    kind_of(reach(bmc)).create(INPUTS)
    assert (bmc.asset_tag, bmc.bios_later) == ("cmp-01", {"Turbo": "Disabled"})
    others = tuple(quirk for quirk in QUIRKS if quirk.name != name)
    bmc.asset_tag = "another"
    with pytest.raises(BmcError, match="412"):
        kind_of(client_of(bmc, tmp_path / "other", quirks=others)).create(INPUTS)


def test_the_conversation_is_one_and_ends(reach: Open) -> None:
    bmc = Bmc()
    kind = kind_of(reach(bmc))
    kind.create(INPUTS)
    assert len(bmc.logins) == 1
    assert bmc.most_at_once == 1
    assert bmc.sessions == {}


def test_another_login_changes_nothing_on_the_server_and_another_address_is_another_bmc() -> None:
    kind = SettingsKind(None)
    rotated = INPUTS | {"bmc_password": "secret://bmc/new", "bmc_user": "operator"}
    assert kind.diff(INPUTS, rotated).changes == ()
    moved = kind.diff(INPUTS, INPUTS | {"bmc_address": "10.9.0.12"})
    assert moved.replaces == ("bmc_address",)
    assert kind.diff(INPUTS, INPUTS | {"answers": "it hangs"}).replaces == ()


def test_without_a_folder_for_certificates_nothing_is_read_or_written() -> None:
    kind = SettingsKind(None)
    with pytest.raises(EngineError, match="no folder"):
        kind.create(INPUTS)
    assert kind.observe({}) == {}


def test_a_bmc_whose_password_is_not_in_the_vault_is_unknown_and_the_others_are_read(
    reach: Open,
) -> None:
    missing = "secret://bmc/not-in-the-vault"
    asked = {"redfish://x": INPUTS, "redfish://y": INPUTS | {"bmc_password": missing}}
    found = kind_of(reach(Bmc())).observe(asked)  # type: ignore[arg-type] # JSON
    assert found["redfish://x"].properties["answers"] == "yes"
    told = str(found["redfish://y"].properties["answers"])
    assert told.startswith("unknown: ") and missing in told
