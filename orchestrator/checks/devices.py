"""Checks of the devices that this tool configures: what they run, how they are reached."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding, error
from orchestrator.compile.frr import frr_routers
from orchestrator.compile.targets import COMPILED_FOR, platform_of
from orchestrator.model.network import INTERNET, Carrier, Device, PrefixRole


@error(
    "NW041",
    "Nothing is compiled for the platform of a device",
    remedy="Correct the platform or the role, or leave `platform` and `login` out.",
)
def platforms_have_a_compiler(index: SiteIndex) -> Iterator[Finding]:
    """Require a device's platform to be one that is compiled for devices of its role.

    nftables is for firewalls, frr for routers, vrp and comware for switches.
    """
    for device in index.site.network.devices:
        if device.platform and device.role not in COMPILED_FOR[device.platform]:
            detail = f"{device.name} is a {device.role}, for which no {device.platform} is written."
            yield Finding(detail, device.source.at("platform"))


@error(
    "NW042",
    "A device has a login, and its platform is not known",
    remedy="Say its `platform`, or leave the login out.",
)
def logins_have_a_platform(index: SiteIndex) -> Iterator[Finding]:
    """Require the platform of every device that this tool shall configure.

    Without one, nobody knows which words to speak to it. Only switches of Huawei and H3C need not
    say it.
    """
    for device in _with_login(index):
        if platform_of(device) is None:
            detail = f"{device.name} ({device.vendor}) has a login and no platform."
            yield Finding(detail, device.source.at("login"))


@error(
    "NW043",
    "A login has not exactly one secret",
    remedy="Give it either a password or a key.",
)
def logins_have_one_secret(index: SiteIndex) -> Iterator[Finding]:
    """Require a device's login to have a password or a private key, and not both."""
    for device in _with_login(index):
        if device.login and (device.login.password is None) is (device.login.key is None):
            word = "neither a password nor a key" if device.login.key is None else "both"
            detail = f"The login of {device.name} has {word}."
            yield Finding(detail, device.source.at("login"))


@error(
    "NW044",
    "A device with a login has an address outside of the management prefixes",
    remedy="Use an address of a `management` prefix of its region.",
)
def logins_are_on_the_management_network(index: SiteIndex) -> Iterator[Finding]:
    """Require a device that is configured over SSH to be reached by a `management` prefix.

    The zone firewalls let SSH in from that network and from where a flow says so; an out-of-band
    address is no part of it.
    """
    for device in _with_login(index):
        region = index.site.region_of_rack(device.rack)
        if region and not index.addresses(region, PrefixRole.MANAGEMENT).holds(device.address):
            detail = f"{device.name} has {device.address}, in no management prefix of {region}."
            yield Finding(detail, device.source.at("address"))


@error(
    "NW045",
    "It is not clear which router ends a line",
    remedy="Name one FRR router of each region in the line's `routers`.",
)
def lines_end_at_one_router(index: SiteIndex) -> Iterator[Finding]:
    """Require a line with BGP to end at one router in each region that has several FRR routers.

    Two routers with one address would both answer; and a line whose end nobody says has no session.
    """
    routers = {region: frr_routers(index.site, region) for region in index.regions}
    for line in index.site.network.carriers:
        yield from _strangers(line, routers)
        for region in (line.from_region, line.to):
            if region != INTERNET and line.prefixes and len(routers.get(region, ())) > 1:
                named = set(line.routers) & set(routers[region])
                if len(named) != 1:
                    word = "none" if not named else "several"
                    detail = f"{line.name} names {word} of {region}'s routers."
                    yield Finding(detail, line.source.at("routers"))


def _strangers(line: Carrier, routers: dict[str, tuple[str, ...]]) -> Iterator[Finding]:
    """Yield the named routers that are none of the regions that the line joins."""
    known = [*routers.get(line.from_region, ()), *routers.get(line.to, ())]
    for number, name in enumerate(line.routers):
        if name not in known:
            detail = f"No FRR router of {line.from_region} or {line.to} is called `{name}`."
            yield Finding(detail, line.source.at(f"routers.{number}"), name, known)


def _with_login(index: SiteIndex) -> Iterator[Device]:
    return (device for device in index.site.network.devices if device.login)


CHECKS: tuple[Check, ...] = (
    platforms_have_a_compiler,
    logins_have_a_platform,
    logins_have_one_secret,
    logins_are_on_the_management_network,
    lines_end_at_one_router,
)
