"""What maintenance means for one host, its neighbours apart."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import Act, HostFacts, Need, PackageChange

KERNEL_PACKAGES = ("linux-image-",)
CLOCK_SECONDS = 300.0
"""A host's clock that is further off refuses the repositories' dates and everybody's TLS."""

BOOTING = frozenset({Need.PATCH, Need.KERNEL, Need.REBOOT})
"""What whoever asks for it expects a reboot of, where one is due."""

DRIFT_SECONDS = 30.0
"""From here on a clock is worth a note."""


def acts_on(facts: HostFacts, needs: Collection[Need]) -> frozenset[Act]:
    """Return what the needs mean for a host, its surroundings apart; nothing: it needs nothing."""
    acts: set[Act] = set()
    unsettled = isinstance(facts.pending, Unknown) or bool(facts.unconfigured)
    changes = packages_of(facts, needs)
    if Need.PATCH in needs and (changes or unsettled):
        acts |= {Act.PATCH, Act.REBOOT_IF_NEEDED}
    elif Need.KERNEL in needs and (changes or unsettled):
        acts |= {Act.KERNEL, Act.REBOOT_IF_NEEDED}
    if Need.REBOOT in needs or (facts.reboot_reasons and BOOTING & set(needs)):
        acts = (acts - {Act.REBOOT_IF_NEEDED}) | {Act.REBOOT}
    return frozenset(acts | {Act.CHECK}) if acts else frozenset()


def packages_of(facts: HostFacts, needs: Collection[Need]) -> tuple[PackageChange, ...]:
    """Return the packages that the needs change."""
    if isinstance(facts.pending, Unknown):
        return ()
    if Need.PATCH in needs:
        return facts.pending
    if Need.KERNEL in needs:
        return tuple(one for one in facts.pending if one.name.startswith(KERNEL_PACKAGES))
    return ()


def clock_off(facts: HostFacts) -> str:
    """Say how a host's clock differs from this machine's."""
    seconds = facts.clock_ahead_seconds
    return f"{abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
