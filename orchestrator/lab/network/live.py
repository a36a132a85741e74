"""Prove the running network: rulesets as the kernels hold them, packets from zone to zone.

Of a pair of firewalls one leads: hosts and routers send to it. So there are as many rounds as a
pair has firewalls; in each, another one leads, and in the end the first ones do again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from ipaddress import ip_address

from orchestrator.compile.nftables import TABLE
from orchestrator.errors import LabError
from orchestrator.lab.network import plumbing
from orchestrator.lab.network.probing import arrived
from orchestrator.lab.network.record import (
    NetworkRecord,
    RunningDevice,
    namespace_prefix,
    read_network,
)
from orchestrator.lab.network.spec import zone_hosts
from orchestrator.lab.network.wires import host_namespace, host_ways, router_ways
from orchestrator.lab.settings import LabSettings
from orchestrator.lab.this_machine import run
from orchestrator.model.network import Platform
from orchestrator.model.site import Site
from orchestrator.verify.judge import Judge, Verdict
from orchestrator.verify.nft_json import read_loaded
from orchestrator.verify.probes import ProbeHost, judged, live_hosts, live_probes, probes_of_itself

Watch = Callable[[str], None]


class LiveNetwork:
    """A lab's running firewalls with the hosts around them."""

    def __init__(self, settings: LabSettings) -> None:
        """Find the network.

        Raises:
            LabError: the lab has none.
        """
        record = read_network(settings.network)
        if record is None or not record.ends:
            raise LabError(
                f"the lab in {settings.directory} runs no zone firewalls",
                remedy="Run as root: orchestrator lab up SITE",
            )
        self._record: NetworkRecord = record
        self._zone_hosts = tuple(zone_hosts(record.ends))
        self._prefix = namespace_prefix(settings.directory)

    def verdicts(self, site: Site, *, today: date, watch: Watch) -> Iterator[Verdict]:
        """Yield how each loaded ruleset and each round of packets compares with the flows.

        Raises:
            LabError: the lab runs another site's network, or a part of it is down.
        """
        self._refuse_strangers(site)
        judge = Judge(site, today=today)
        for firewall in self._of(Platform.NFTABLES):
            read = partial(read_loaded, self._ruleset(firewall), TABLE)
            yield judge.loaded_firewall(firewall.region, read, name=firewall.name)
        probes, wanted = live_probes(site, hosts=self._record.ends, today=today)
        for leaders in self._rounds():
            names = ", ".join(leader.name for leader in leaders)
            watch(f"Sending packets through {names} ...")
            mine, meant = list(probes), set(wanted)
            for leader in leaders:
                itself = probes_of_itself(
                    site, _as_host(leader), hosts=self._record.ends, today=today
                )
                mine += itself[0]
                meant |= set(itself[1])
            with self._led_by(leaders):
                answered = arrived(mine, self._namespace)
            yield judged(names, mine, wanted=meant, arrived=answered)

    def _refuse_strangers(self, site: Site) -> None:
        regions = tuple(dict.fromkeys(end.region for end in self._record.ends))
        known = {region.name for region in site.regions}
        if not set(regions) <= known or live_hosts(site, regions) != self._record.ends:
            raise LabError(
                "the lab's zone hosts are not those of this site, or of an older state of it",
                remedy="Run as root: orchestrator lab up SITE",
            )

    def _ruleset(self, firewall: RunningDevice) -> dict[str, object]:
        namespace = f"{self._prefix}{firewall.name}"
        found = json.loads(
            run("ip", "netns", "exec", namespace, "nft", "--json", "list", "ruleset")
        )
        return dict(found)

    def _of(self, platform: Platform) -> list[RunningDevice]:
        return [each for each in self._record.devices if each.platform is platform]

    def _rounds(self) -> Iterator[tuple[RunningDevice, ...]]:
        """Yield who leads in each round, one firewall of each region."""
        pairs: dict[str, list[RunningDevice]] = defaultdict(list)
        for firewall in self._of(Platform.NFTABLES):
            pairs[firewall.region].append(firewall)
        for number in range(max(map(len, pairs.values()))):
            yield tuple(pair[number % len(pair)] for pair in pairs.values())

    @contextmanager
    def _led_by(self, leaders: Sequence[RunningDevice]) -> Iterator[None]:
        first = next(self._rounds())
        try:
            plumbing.lead(self._ways(leaders))
            yield
        finally:
            plumbing.lead(self._ways(first))

    def _ways(self, leaders: Sequence[RunningDevice]) -> Iterator[tuple[str, str]]:
        """Yield the commands that make hosts and routers send to some firewalls."""
        for leader in leaders:
            pair = [f for f in self._of(Platform.NFTABLES) if f.region == leader.region]
            number = 1 + pair.index(leader)
            hosts = [host for host in self._zone_hosts if host.region == leader.region]
            for host in hosts:
                namespace = host_namespace(self._prefix, host.region, host.zone)
                for command in host_ways(host, leader=number):
                    yield namespace, command
            for router in self._of(Platform.FRR):
                if router.region == leader.region:
                    for command in router_ways(hosts, leader=number):
                        yield f"{self._prefix}{router.name}", command

    def _namespace(self, end: ProbeHost) -> str:
        return host_namespace(self._prefix, end.region, end.zone)


def _as_host(firewall: RunningDevice) -> ProbeHost:
    """Return a firewall as the destination of a probe."""
    address = ip_address(firewall.address)
    return ProbeHost(
        number=-1,
        end=firewall.name,
        addresses=((address.version, int(address)),),
        region=firewall.region,
    )
