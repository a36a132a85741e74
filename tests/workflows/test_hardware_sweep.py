"""A sweep that is interrupted ends tidily."""

from __future__ import annotations

import threading
from ipaddress import ip_address

import pytest

from orchestrator.errors import BmcError, RefusedError
from orchestrator.model.hardware import HardwareLayer, Server
from orchestrator.model.inventory import BmcFault, Inventory, PowerState, ServerReport
from orchestrator.model.site import Site, SiteIdentity
from orchestrator.model.units import Secret, SecretRef, Text
from orchestrator.ports.bmc import BmcAct, HardwarePorts
from orchestrator.workflows.hardware import Look, rotate_passwords, sweep
from tests.fakes.bmc_site import PROFILE, REFERENCE, SecretsInMemory, server
from tests.fakes.site_world import FakeAudit, FakeLock


class SilentBmcs:
    """The BMC port where nobody answers; it counts who was asked, and how many at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.successors: dict[SecretRef, SecretRef] = {}
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def inventory(self, server: Server, *, whole: bool = False) -> Inventory:
        with self._lock:
            self.asked.append(server.name)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        threading.Event().wait(0.01)
        with self._lock:
            self._at_once -= 1
        raise BmcError("it does not answer", fault=BmcFault.UNREACHABLE, remedy="look")

    def power(self, server: Server) -> PowerState:
        raise NotImplementedError

    def act(self, server: Server, act: BmcAct) -> PowerState:
        raise NotImplementedError

    def expect_successor(self, old: SecretRef, new: SecretRef) -> None:
        self.successors[old] = new

    def change_password(self, server: Server, new: Secret, *, store: object) -> bool:
        assert self.successors == {REFERENCE: NEW}
        self.asked.append(server.name)
        return True


NEW = SecretRef("secret://bmc/new")
SERVERS = tuple(server(f"srv-{n:03}", str(ip_address("10.9.0.0") + n)) for n in range(100))
SITE = Site(
    identity=SiteIdentity(name="town", display=Text(zh="镇", en="Town"), cloud="none"),
    regions=(),
    hardware=HardwareLayer(profiles=(PROFILE,), servers=SERVERS),
)


def ports(bmcs: SilentBmcs, store: SecretsInMemory) -> HardwarePorts:
    return HardwarePorts(
        bmcs=bmcs,
        secrets=store,
        lock=FakeLock(),
        audit=FakeAudit(),
        media=None,
        factory_logins=None,
    )


def test_all_are_asked_and_reported_in_the_order_of_the_site() -> None:
    bmcs = SilentBmcs()
    found = sweep(SITE, SERVERS, Look(bmcs=bmcs), parallel=7, told=lambda report: None)
    assert [one.server for one in found.silent] == [one.name for one in SERVERS]
    assert sorted(bmcs.asked) == [one.name for one in SERVERS]
    assert 1 < bmcs.most_at_once <= 7


def test_after_an_interrupt_no_other_bmc_is_asked() -> None:
    bmcs = SilentBmcs()

    def stop(report: ServerReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(SITE, SERVERS, Look(bmcs=bmcs), parallel=4, told=stop)
    assert len(bmcs.asked) < 20
    assert threading.active_count() == 1 or not any(
        thread.name.startswith("bmc") for thread in threading.enumerate()
    )


def test_a_rotation_to_the_declared_reference_is_refused_before_anything() -> None:
    bmcs, store = SilentBmcs(), SecretsInMemory({REFERENCE: "old"})
    with pytest.raises(RefusedError, match="already"):
        rotate_passwords(SERVERS[:2], REFERENCE, ports(bmcs, store), parallel=2)
    assert bmcs.asked == []
    assert store.get(REFERENCE).reveal() == "old"


def test_a_rotation_stores_the_password_and_its_successor_before_it_asks() -> None:
    bmcs, store = SilentBmcs(), SecretsInMemory({REFERENCE: "old"})
    found = rotate_passwords(SERVERS[:2], NEW, ports(bmcs, store), parallel=2)
    assert found.changed == ("srv-000", "srv-001")
    made = store.get(NEW).reveal()
    assert len(made) == 20
    again = rotate_passwords(SERVERS[:2], NEW, ports(bmcs, store), parallel=2)
    assert again.failed == {}
    assert store.get(NEW).reveal() == made, "a second run goes on with the same password"
