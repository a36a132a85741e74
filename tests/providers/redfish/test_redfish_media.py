"""Virtual media and the factory's logins, on BMCs that are played."""

from __future__ import annotations

import pytest

from orchestrator.errors import BmcError
from orchestrator.model.inventory import Unknown
from orchestrator.model.media import MediaSlot, fault_of_url
from orchestrator.providers.redfish.client import Limits
from orchestrator.providers.redfish.factory_logins import FACTORY_LOGINS, factory_logins_of
from orchestrator.providers.redfish.rare import RedfishFactoryLogins, RedfishMedia
from tests.fakes.bmc_server import Bmc
from tests.fakes.bmc_site import server
from tests.providers.redfish.conftest import Open

ISO, STICK = "https://10.0.0.5/rescue.iso", "http://10.0.0.5/rescue.img"


@pytest.mark.parametrize("under", ["system", "manager"])
@pytest.mark.parametrize("actions", [True, False], ids=["actions", "patched"])
def test_an_image_goes_into_a_drive_of_its_kind_and_out_again(
    reach: Open, under: str, actions: bool
) -> None:
    bmc = Bmc(media_under=under, media_actions=actions)
    media = RedfishMedia(reach(bmc))
    media.insert(server(), ISO)
    assert bmc.images == {"Cd": ISO, "Usb": ""}
    slots = media.insert(server(), STICK)
    assert bmc.images == {"Cd": ISO, "Usb": STICK}
    assert {slot.name: slot.image for slot in slots} == bmc.images
    assert media.slots(server()) == slots

    assert [slot.image for slot in media.eject(server())] == ["", ""]
    assert bmc.images == {"Cd": "", "Usb": ""}
    assert bmc.sessions == {}


def test_an_image_that_the_bmc_does_not_name_is_in_the_drive_all_the_same(reach: Open) -> None:
    bmc = Bmc(hides_image=True)
    slots = RedfishMedia(reach(bmc)).insert(server(), ISO)
    assert {slot.name: slot.image for slot in slots} == {
        "Cd": "an image that the BMC does not name", "Usb": ""
    }  # fmt: skip
    assert bmc.images["Cd"] == ISO


def test_a_login_in_an_address_that_somebody_else_gave_is_not_shown(reach: Open) -> None:
    bmc = Bmc(images={"Cd": "cifs://admin:geheim@10.0.0.5/isos/a@b.iso", "Usb": ""})
    slots = RedfishMedia(reach(bmc)).slots(server())
    assert [slot.image for slot in slots] == ["cifs://10.0.0.5/isos/a@b.iso", ""]


def test_what_is_in_the_drive_already_is_not_inserted_again(reach: Open) -> None:
    bmc = Bmc(images={"Cd": ISO})
    RedfishMedia(reach(bmc)).insert(server(), ISO)
    assert not [path for path in bmc.paths if "Actions" in path]


@pytest.mark.parametrize(
    ("bmc", "said"),
    [
        (Bmc(images={"Cd": "https://10.0.0.5/other.iso"}), "Cd holds https://10.0.0.5/other.iso"),
        (Bmc(images={"Usb": ""}), "none is of its kind"),
        (Bmc(media_under="nowhere"), "no virtual media"),
        (Bmc(ignores_media=True), "drives are as before"),
    ],
    ids=["full", "no-disc-drive", "none", "liar"],
)
def test_an_image_that_does_not_go_in_is_said(reach: Open, bmc: Bmc, said: str) -> None:
    media = RedfishMedia(reach(bmc, limits=Limits(total_seconds=1, answer_seconds=1)))
    with pytest.raises(BmcError, match=said):
        media.insert(server(), ISO)
    assert bmc.sessions == {}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (ISO, ""),
        ("nfs://10.0.0.5/export/a.iso", ""),
        ("file:///etc/shadow", "no address of an image"),
        ("rescue.iso", "no address of an image"),
        ("https://me:word@10.0.0.5/a.iso", "must not hold a login"),
    ],
)
def test_an_address_is_one_that_a_bmc_can_fetch_from_and_holds_no_login(
    url: str, said: str
) -> None:
    assert said in fault_of_url(url)
    assert bool(said) is bool(fault_of_url(url))


def test_a_disc_image_is_for_a_disc_drive() -> None:
    drive = MediaSlot(name="Cd", types=("CD",), image="")
    assert drive.takes("https://h/a.ISO?token=1")
    assert not drive.takes("https://h/a.img")


@pytest.mark.parametrize("sessions", [True, False], ids=["sessions", "basic"])
def test_a_login_of_the_factory_that_still_opens_is_named(reach: Open, sessions: bool) -> None:
    bmc = Bmc(user="root", password="calvin", sessions_supported=sessions)
    logins = RedfishFactoryLogins(reach(bmc))
    assert logins.accepted(server(), vendor="Dell Inc.") == ("root",)
    assert bmc.sessions == {}


def test_each_login_of_the_make_is_tried_once_and_no_other(reach: Open) -> None:
    bmc = Bmc(user="root", password="calvin")
    logins = RedfishFactoryLogins(reach(bmc))
    assert logins.accepted(server(), vendor="Huawei") == ()
    assert bmc.logins == ["Admin@9000", "Huawei12#$"]


def test_a_make_without_a_known_login_is_unknown_and_nothing_is_tried(reach: Open) -> None:
    bmc = Bmc()
    assert isinstance(RedfishFactoryLogins(reach(bmc)).accepted(server(), vendor="Sugon"), Unknown)
    assert bmc.logins == []


def test_every_login_has_a_source_and_shows_no_password() -> None:
    for login in FACTORY_LOGINS:
        assert login.source and login.vendors
        assert login.word not in str(login.password)
    assert [login.user for login in factory_logins_of("Dell EMC")] == ["root"]
