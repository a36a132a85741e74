"""Two leaders never: every order of boots, crashes, lost messages and failovers is tried."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.model.leadership import Standing, Voters, standing_of, voters_of
from orchestrator.model.service_state import HostDatabases, Term
from orchestrator.model.site import Site
from tests.fakes.service_site import population, service_site

FILES = Path(__file__).parents[2] / "playbooks" / "roles" / "service_leaders" / "files"


def on_host_program() -> ModuleType:
    """Load what the hosts run, from where they get it."""
    spec = importlib.util.spec_from_file_location("site_may_lead", FILES / "site_may_lead.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["site_may_lead"] = module
    spec.loader.exec_module(module)
    return module


program = on_host_program()
decide, Answer, Record = program.decide, program.Answer, program.Record


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return service_site(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def voters(site: Site) -> Voters:
    return voters_of(site, population(site))


def test_a_backup_host_elsewhere_is_the_witness(voters: Voters) -> None:
    assert [one.name for one in voters.all] == ["db-1", "db-2", "dr-db-1", "dr-bak-1"]
    assert (voters.to_lead, voters.to_change) == (3, 2)


def test_the_city_alone_does_not_lead_and_the_far_place_alone_may_take_over(voters: Voters) -> None:
    for count in range(1, 6):
        some = replace(voters, members=voters.members[:1] * count, witness=None)
        assert some.to_lead + some.to_change > count, "any two groups have a voter in common"
        assert some.to_lead > count / 2 >= some.to_change / 2


@pytest.mark.parametrize(
    ("records", "answer"),
    [
        ({"a": (1, "a"), "b": None, "c": None, "w": None}, "wait"),
        ({"a": (1, "a"), "b": (1, "a"), "c": None, "w": None}, "wait"),
        ({"a": (1, "a"), "b": (1, "a"), "c": None, "w": (1, "a")}, "may"),
        ({"a": (1, "a"), "b": (1, "a"), "c": (2, "c"), "w": None}, "never"),
        ({"a": (2, "a"), "b": (2, "b"), "c": (2, "a"), "w": (2, "a")}, "never"),
        ({"a": (2, "a"), "b": (1, "b"), "c": (1, "b"), "w": None}, "may"),
        ({"a": (1, "a"), "b": (1, "a", True), "c": (1, "a"), "w": None}, "never"),
        ({"a": None, "b": (1, "a"), "c": (1, "a"), "w": (1, "a")}, "wait"),
        ({"a": (1, "a"), "b": (2, "a"), "c": (2, "a"), "w": (2, "a")}, "wait"),
    ],
)
def test_a_host_leads_only_where_enough_voters_know_of_nobody_else(
    records: dict[str, tuple[int, str] | None], answer: str
) -> None:
    known = {name: one and Record(*one) for name, one in records.items()}
    found, why = decide("a", known, needed=3)
    assert found.value == answer
    assert bool(why) == (answer != "may")


def test_a_person_overrules_silence_and_nobody_who_answers() -> None:
    alone = {"a": Record(1, "a"), "b": None, "c": None}
    assert decide("a", alone, needed=2, told_to=True)[0] is Answer.MAY
    other = {**alone, "b": Record(2, "b")}
    assert decide("a", other, needed=2, told_to=True)[0] is Answer.NEVER


def test_the_same_leader_keeps_its_term_and_another_one_gets_a_new_one(
    site: Site, voters: Voters
) -> None:
    declared = population(site)
    told = {"db-1": Term(number=2, leader="db-2"), "db-2": Term(number=2, leader="db-2")}
    observed = {
        one.name: HostDatabases(
            answers=True, terms={declared.cluster: told[one.name]} if one.name in told else {}
        )
        for one in voters.all
    }
    standing = standing_of(site, declared, observed)
    assert standing.next_term("db-2") == Term(number=2, leader="db-2")
    assert standing.next_term("db-1") == Term(number=3, leader="db-1")
    assert [one.name for one in standing.untold(told["db-1"])] == ["dr-db-1", "dr-bak-1"]


Heard = frozenset[tuple[str, int, str, bool]]
"""Of whom what was heard: voter, term, leader, whether it leads."""


@dataclass(frozen=True)
class World:
    """What is so at one moment. A message that is lost stands for a host that is off or cut off."""

    records: tuple[tuple[int, str], ...]
    """By voter."""
    starts: tuple[str, ...]
    """By voter: whom it let start."""
    primaries: frozenset[str]
    """Whose data is no replica's: they ask before they start."""
    leads: frozenset[str] = frozenset()
    asking: tuple[tuple[str, Heard], ...] = ()
    """Who starts now, and what it has heard so far."""
    change: tuple[str, int, frozenset[str], frozenset[str]] | None = None
    """A failover on its way: to whom, its term, who is still to be told, and who knows."""


class Rules:
    """The moves of the world, by the product's own decisions."""

    def __init__(self, voters: Voters) -> None:
        self.voters = voters
        self.names = [one.name for one in voters.all]
        self.members = [one.name for one in voters.members]
        self.last_term = 3

    def moves(self, world: World) -> Iterator[World]:
        for host in world.leads:  # a crash, or a blackout
            yield replace(world, leads=world.leads - {host})
        asking = dict(world.asking)
        for host in world.primaries - world.leads - asking.keys():
            yield self.with_asking(world, {**asking, host: frozenset()})
        for host, heard in asking.items():
            yield from self.asked(world, asking, host, heard)
        if world.change is None:
            yield from self.begun(world)
            if any(world.starts) and not asking:
                yield replace(world, starts=("",) * len(self.names))  # it is long ago
        else:
            yield from self.told(world)

    def with_asking(self, world: World, asking: dict[str, Heard]
                    ) -> World:  # fmt: skip
        return replace(world, asking=tuple(sorted(asking.items())))

    def asked(self, world: World, asking: dict[str, Heard],
              host: str, heard: Heard) -> Iterator[World]:  # fmt: skip
        for number, voter in enumerate(self.names):
            if voter != host and voter not in {one[0] for one in heard}:
                term, leader = world.records[number]
                starts = list(world.starts)
                if leader == host or term < world.records[self.names.index(host)][0]:
                    starts[number] = host
                more = heard | {(voter, term, leader, voter in world.leads)}
                yield replace(self.with_asking(world, {**asking, host: more}), starts=tuple(starts))
        records = {name: None for name in self.names}
        records |= {name: Record(*rest) for name, *rest in heard}
        records[host] = Record(*world.records[self.names.index(host)])
        answer, _ = decide(host, records, needed=self.voters.to_lead)
        rest = {name: one for name, one in asking.items() if name != host}
        led = world.leads | {host} if answer is Answer.MAY else world.leads
        starts = list(world.starts)
        starts[self.names.index(host)] = host
        yield replace(self.with_asking(world, rest), leads=led, starts=tuple(starts))

    def begun(self, world: World) -> Iterator[World]:
        """A person has seen that nobody leads, and promotes a replica."""
        if world.leads:
            return
        servers = {one.name: one for one in self.voters.all}
        for target in set(self.members) - world.primaries:
            others = [name for name in self.names if name != target]
            for count in range(self.voters.to_change - 1, len(self.names)):
                for some in combinations(others, count):
                    answering = (target, *some)
                    terms = {
                        name: Term(number=term, leader=leader)
                        for name, (term, leader) in zip(self.names, world.records, strict=True)
                        if name in answering
                    }
                    standing = Standing(
                        voters=self.voters,
                        answering=tuple(servers[name] for name in answering),
                        terms=terms,
                    )
                    number = standing.next_term(target).number
                    if number <= self.last_term:
                        change = (target, number, frozenset(answering), frozenset[str]())
                        yield replace(world, change=change)

    def told(self, world: World) -> Iterator[World]:
        assert world.change is not None
        target, term, left, knowing = world.change
        yield replace(world, change=None)  # killed
        for voter in left:
            rest = left - {voter}
            yield replace(world, change=(target, term, rest, knowing))  # it did not answer
            number = self.names.index(voter)
            known, leader = world.records[number]
            newer = known < term or (known, leader) == (term, target)
            if newer and world.starts[number] in {"", target}:
                records = list(world.records)
                records[number] = (term, target)
                change = (target, term, rest, knowing | {voter})
                yield replace(world, records=tuple(records), change=change)
        if target in knowing and len(knowing) >= self.voters.to_change:
            yield replace(
                world,
                change=None,
                leads=world.leads | {target},
                primaries=world.primaries | {target},
            )


def beginning(names: list[str]) -> World:
    return World(
        records=((1, names[0]),) * len(names),
        starts=("",) * len(names),
        primaries=frozenset({names[0]}),
        leads=frozenset({names[0]}),
    )


def explore(rules: Rules, *, at_most: int) -> tuple[int, World | None]:
    """Return how many worlds were seen, and one with two leaders, if there is any."""
    first = beginning(rules.names)
    seen, edge = {first}, [first]
    while edge and len(seen) < at_most:
        reached = []
        for world in edge:
            for after in rules.moves(world):
                if len(after.leads) > 1:
                    return len(seen), after
                if after not in seen:
                    seen.add(after)
                    reached.append(after)
        edge = reached
    return len(seen), None


def test_no_order_of_events_gives_two_leaders(voters: Voters) -> None:
    seen, bad = explore(Rules(replace(voters, members=voters.members[:2])), at_most=100_000)
    assert bad is None
    assert seen > 2_000, "the world has moved"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nor_with_three_hosts_and_a_witness(voters: Voters) -> None:
    rules = Rules(voters)
    rules.last_term = 2
    seen, bad = explore(rules, at_most=1_000_000)
    assert bad is None
    assert 200_000 < seen < 1_000_000, "all of it was seen"


class Hasty(Rules):
    """A world where voters forget whom they let start."""

    def moves(self, world: World) -> Iterator[World]:
        for after in super().moves(world):
            yield replace(after, starts=("",) * len(self.names))


def test_where_voters_forget_whom_they_let_start_two_leaders_are_found(voters: Voters) -> None:
    rules = Hasty(replace(voters, members=voters.members[:2]))
    _, bad = explore(rules, at_most=100_000)
    assert bad is not None and len(bad.leads) == 2


def test_when_all_are_back_after_a_blackout_the_leader_leads_again(voters: Voters) -> None:
    names = [one.name for one in voters.all]
    for dead in (None, *names[1:]):
        records = {name: None if name == dead else Record(4, names[0]) for name in names}
        assert decide(names[0], records, needed=voters.to_lead)[0] is Answer.MAY
