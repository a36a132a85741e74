"""Checks of what backups promise: copies that survive, keys apart, lines that carry them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding, error
from orchestrator.model.backup import BackupMethod, BackupPolicy, BackupRepository
from orchestrator.model.declared_service import DeclaredService, declared_services
from orchestrator.model.service import DatabaseEngine
from orchestrator.model.units import SecretRef

LEAST_COPIES: Final = 3
"""With the production data itself: 3-2-1-1-0."""
LEVEL_WITH_BACKUPS: Final = 3
"""GB/T 22239 8.1.4.9: from this protection level on data is backed up, here and elsewhere."""
MEGABITS_PER_GIB: Final = 8 * 1024**3 / 1e6
MINUTES_A_DAY: Final = 1440
MEGABITS_PER_SEGMENT: Final = 16 * MEGABITS_PER_GIB / 1024


@error(
    "BK004",
    "A backup policy has fewer than three copies in two places",
    remedy="Declare a repository in each region of its `copies`, in two regions or more.",
)
def policies_have_three_copies(index: SiteIndex) -> Iterator[Finding]:
    """Require three copies: the data itself and two repositories, on servers of their own.

    And a repository in each region that the policy names: a copy that nobody keeps is no copy.
    Judged once the site declares repositories.
    """
    system = index.site.system
    if not system.backup_repositories:
        return
    there = {one.region for one in system.backup_repositories}
    for policy in system.backup_policies:
        for number, region in enumerate(policy.copies):
            if region in index.regions and region not in there:
                detail = f"{policy.name} keeps a copy in {region}, which has no repository."
                yield Finding(detail, policy.source.at(f"copies.{number}"))
        count = 1 + len({one.server for one in _repositories(index, policy)})
        if count < LEAST_COPIES:
            detail = f"{policy.name} has {count} with the data itself."
            yield Finding(detail, policy.source.at("copies"))


@error(
    "BK005",
    "No copy of a backup policy is safe from deletion",
    remedy="Make a repository append-only, or give the policy `immutable_days`.",
)
def one_copy_is_immutable(index: SiteIndex) -> Iterator[Finding]:
    """Require one repository of each policy to be append-only, or copies to be immutable.

    Who takes over a host deletes its backups first: that is what ransom rests on.
    """
    for policy in index.site.system.backup_policies:
        repositories = _repositories(index, policy)
        safe = policy.immutable_days or any(one.append_only for one in repositories)
        if repositories and not safe:
            names = ", ".join(one.name for one in repositories)
            yield Finding(f"{policy.name} has {names}.", policy.source.at("copies"))


@error(
    "BK006",
    "A repository's key is used twice",
    remedy="Give it a secret of its own: `orchestrator backup prepare` makes it.",
)
def repository_keys_are_their_own(index: SiteIndex) -> Iterator[Finding]:
    """Require a key of its own for each repository, which logs in to nothing either.

    With one key for two, the loss of one opens the other; an administrator's password as a key
    makes whoever runs the servers a reader of all backups.
    """
    site = index.site
    logins = dict.fromkeys(site.ssh_keys, "an SSH login")
    logins |= {server.bmc.password: "a BMC's login" for server in site.hardware.servers}
    for device in site.network.devices:
        if device.login and device.login.password:
            logins[device.login.password] = "a device's login"
    keys: dict[SecretRef, str] = {}
    for one in site.system.backup_repositories:
        use = logins.get(one.key) or keys.get(one.key)
        if use:
            yield Finding(f"{one.key} is that of {use}, too.", one.source.at("key"))
        keys.setdefault(one.key, one.name)


@error(
    "BK007",
    "A backup policy's schedule cannot keep its RPO",
    remedy="Copy more often, allow more loss, or widen the line.",
)
def schedules_keep_the_rpo(index: SiteIndex) -> Iterator[Finding]:
    """Require the interval and the transfer of a service's changes to fit into the RPO.

    What was written just after a backup began is lost until the next one has ended. The transfer
    is reckoned from the service's storage, the policy's daily change and the declared lines, the
    widest of them lost. Judged where `every_minutes` is given.
    """
    by_policy = _services_by_policy(index)
    for policy in index.site.system.backup_policies:
        if policy.every_minutes is None or not policy.rpo_minutes:
            continue
        if policy.method is BackupMethod.CONTINUOUS:
            continue  # its archive keeps the RPO: BK014
        slowest = max(
            (
                _transfer_minutes(index, service, policy, to=one.region)
                for service in by_policy[policy.name]
                for one in _repositories(index, policy)
            ),
            default=0.0,
        )
        needed = policy.every_minutes + slowest
        if needed > policy.rpo_minutes:
            detail = (
                f"{policy.name}: {policy.every_minutes} min between backups and {slowest:.0f} min "
                f"of transfer are more than its RPO of {policy.rpo_minutes} min."
            )
            yield Finding(detail, policy.source.at("every_minutes"))


@error(
    "BK013",
    "A continuous policy has a service or databases that write no such log",
    remedy="Give them a policy with dumps, or replicate them by their engine's own means.",
)
def continuous_policies_are_of_postgresql(index: SiteIndex) -> Iterator[Finding]:
    """Require what a continuous policy is for to be PostgreSQL: the archive is of its log."""
    by_policy = _services_by_policy(index)
    for policy in index.site.system.backup_policies:
        if policy.method is not BackupMethod.CONTINUOUS:
            continue
        for one in by_policy[policy.name]:
            engine = one.service.engine
            if engine is not DatabaseEngine.POSTGRESQL:
                detail = f"{one.name} is {engine.value}, and {policy.name} archives PostgreSQL."
                yield Finding(detail, one.service.source)
        for each in index.site.system.backup_sets:
            if each.databases and each.policy == policy.name:
                detail = f"{each.name} is of MariaDB, and {policy.name} archives PostgreSQL."
                yield Finding(detail, each.source.at("policy"))


@error(
    "BK014",
    "An archive cannot keep its policy's RPO",
    remedy="Lower `archive_seconds`, allow more loss, or widen the line.",
)
def archives_keep_the_rpo(index: SiteIndex) -> Iterator[Finding]:
    """Require the longest wait for a piece of the log, and its transfer, to fit into the RPO.

    A piece is 16 MiB, or what changed in `archive_seconds` where that is more; it goes over the
    declared lines, the widest of them lost.
    """
    by_policy = _services_by_policy(index)
    for policy in index.site.system.backup_policies:
        if policy.method is not BackupMethod.CONTINUOUS or not policy.rpo_minutes:
            continue
        slowest = max(
            (
                _piece_seconds(index, service, policy, to=one.region)
                for service in by_policy[policy.name]
                for one in _repositories(index, policy)
            ),
            default=0.0,
        )
        if policy.archive_seconds + slowest > policy.rpo_minutes * 60:
            detail = (
                f"{policy.name}: {policy.archive_seconds} s until the log is archived and "
                f"{slowest:.0f} s of transfer are more than its RPO of {policy.rpo_minutes} min."
            )
            yield Finding(detail, policy.source.at("archive_seconds"))


@error(
    "BK008",
    "The lines cannot carry a day's changes to a repository",
    remedy="Widen the line, or copy less of it that far.",
)
def lines_carry_the_changes(index: SiteIndex) -> Iterator[Finding]:
    """Require the changes of all services of a region to reach a repository within the day.

    With the widest line lost: the backup of the day after a cut counts most.
    """
    by_policy = _services_by_policy(index)
    policies = {policy.name: policy for policy in index.site.system.backup_policies}
    for repository in index.site.system.backup_repositories:
        megabits: dict[str, float] = defaultdict(float)
        for name, services in by_policy.items():
            policy = policies.get(name)
            if policy is None or repository.region not in policy.copies:
                continue
            for one in services:
                megabits[one.project.region] += _daily_megabits(one, policy)
        for region, daily in megabits.items():
            mbps = _bandwidth_mbps(index, region, repository.region)
            if mbps is not None and daily > mbps * MINUTES_A_DAY * 60:
                detail = (
                    f"{region} changes {daily / MEGABITS_PER_GIB:.0f} GiB a day; {mbps} Mbit/s to "
                    f"{repository.region} carry {mbps * 86_400 / MEGABITS_PER_GIB:.0f}."
                )
                yield Finding(detail, repository.source.at("region"))


@error(
    "BK010",
    "A service that must be backed up has no policy",
    remedy="Give the service or its project a `backup`.",
)
def services_have_a_policy(index: SiteIndex) -> Iterator[Finding]:
    """Require a backup policy for every service of protection level 3 or above.

    Source: GB/T 22239-2019, 8.1.4.9.
    """
    for one in declared_services(index.site):
        own = one.project.protection_level
        level = one.tenant.protection_level if own is None else own
        if level >= LEVEL_WITH_BACKUPS and one.backup is None:
            yield Finding(f"{one.name} is of level {level}.", one.service.source)


def _repositories(index: SiteIndex, policy: BackupPolicy) -> list[BackupRepository]:
    wanted = set(policy.copies)
    return [one for one in index.site.system.backup_repositories if one.region in wanted]


def _services_by_policy(index: SiteIndex) -> dict[str, list[DeclaredService]]:
    found: dict[str, list[DeclaredService]] = defaultdict(list)
    for one in declared_services(index.site):
        found[one.backup or ""].append(one)
    return found


def _daily_megabits(one: DeclaredService, policy: BackupPolicy) -> float:
    return one.service.storage_gib * MEGABITS_PER_GIB * policy.daily_change_percent / 100


def _transfer_minutes(
    index: SiteIndex, one: DeclaredService, policy: BackupPolicy, *, to: str
) -> float:
    """Return how long the changes between two backups take to a region."""
    mbps = _bandwidth_mbps(index, one.project.region, to)
    if not mbps:
        return 0.0
    share = (policy.every_minutes or 0) / MINUTES_A_DAY
    return _daily_megabits(one, policy) * share / mbps / 60


def _piece_seconds(
    index: SiteIndex, one: DeclaredService, policy: BackupPolicy, *, to: str
) -> float:
    """Return how long a piece of a service's log takes to a region."""
    mbps = _bandwidth_mbps(index, one.project.region, to)
    if not mbps:
        return 0.0
    changed = _daily_megabits(one, policy) * policy.archive_seconds / (MINUTES_A_DAY * 60)
    return max(changed, MEGABITS_PER_SEGMENT) / mbps


def _bandwidth_mbps(index: SiteIndex, a: str, b: str) -> int | None:
    """Return what the lines between two regions carry with the widest one lost.

    None within a region, and where no line is declared: other checks speak of that.
    """
    lines = sorted(
        one.bandwidth_mbps
        for one in index.site.network.carriers
        if {one.from_region, one.to} == {a, b}
    )
    if a == b or not lines:
        return None
    return sum(lines[:-1]) if len(lines) > 1 else lines[0]


CHECKS: tuple[Check, ...] = (
    policies_have_three_copies,
    one_copy_is_immutable,
    repository_keys_are_their_own,
    schedules_keep_the_rpo,
    continuous_policies_are_of_postgresql,
    archives_keep_the_rpo,
    lines_carry_the_changes,
    services_have_a_policy,
)
