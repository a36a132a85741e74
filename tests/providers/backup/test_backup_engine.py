"""What hosts are asked, what is made of their answers, and that keys go nowhere else."""

from __future__ import annotations

import io
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BackupError
from orchestrator.model.backup import PARTS, BackupFault, Listing, Place, Subject
from orchestrator.model.hardware import Server
from orchestrator.model.host import Ran
from orchestrator.model.site import Site
from orchestrator.model.units import Secret
from orchestrator.planning.backup import subjects_of
from orchestrator.planning.drill_choice import DRILL_FOLDER, DRILL_LOCKS
from orchestrator.ports.backup import Store
from orchestrator.providers.backup.answers import moment
from orchestrator.providers.backup.engine import HostCopying, RepositoryArchive
from orchestrator.providers.backup.requests import Keys, place_json
from orchestrator.providers.backup.sending import Agents
from orchestrator.providers.backup.site_records import SiteRecords
from orchestrator.spec.load import load_site
from orchestrator.workflows.backup import stores_of
from tests.fakes.backup_host import FakeBackupHosts, fault

CASES = Path(__file__).parents[2]
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = "canary-key-3141"
DONE = {"data_id": "d", "manifest_id": "m", "size_bytes": 5}


class Vault:
    def get(self, ref: str) -> Secret:
        return Secret(KEY)

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Any) -> None:
        raise AssertionError("nothing is stored")


class World:
    def __init__(self, site: Site, directory: Path) -> None:
        self.hosts = FakeBackupHosts()
        keys = Keys(agents=Agents(hosts=self.hosts), secrets=Vault())
        records = records_of(directory)
        self.copying = HostCopying(keys=keys, records=records)
        self.archive = RepositoryArchive(keys=keys)
        self.site = site
        self.store: Store = stores_of(site)["dr-copies"]

    def server(self, name: str) -> Server:
        return next(one for one in self.site.hardware.servers if one.name == name)

    def subject(self, name: str = "gongan/population") -> Subject:
        return next(one for one in subjects_of(self.site) if one.name == name)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Path]:
    directory = tmp_path_factory.mktemp("city") / "site"
    shutil.copytree(CASES / "cases" / "_base", directory)
    shutil.copytree(CASES / "lab" / "service_city", directory, dirs_exist_ok=True)
    return load_site(directory).site, directory


@pytest.fixture
def world(city: tuple[Site, Path]) -> World:
    return World(*city)


def back_up(world: World) -> Any:
    return world.copying.back_up(
        world.subject(), world.server("db-1"), store=world.store, run="r1", at=AT
    )


def test_a_host_learns_the_servers_address_and_its_path_it_never_learns(world: World) -> None:
    world.hosts.answers = {"back-up": DONE}
    copy = back_up(world)
    assert (copy.whole, copy.run, copy.taken_at, copy.host) == (True, "r1", AT, "db-1")
    ((name, request),) = world.hosts.asked
    assert name == "db-1"
    assert request["repository"] == {"address": "10.10.2.41", "key": KEY}


def test_the_key_is_in_the_input_and_not_in_the_command(world: World) -> None:
    world.hosts.answers = {"back-up": DONE}
    back_up(world)
    (command,) = world.hosts.commands
    # Linux hands no word of 128 KiB to a program.
    assert KEY not in command and len(command) < 96_000


def test_the_primary_is_asked_for_and_not_assumed(world: World) -> None:
    roles = iter(["replica", "primary", "replica"])
    world.hosts.answers = {"role": lambda request: {"role": next(roles)}}
    servers = [world.server(name) for name in world.subject().hosts]
    assert world.copying.source(world.subject(), servers).name == "db-2"


def test_two_primaries_are_refused_and_none_is_told_host_by_host(world: World) -> None:
    servers = [world.server(name) for name in world.subject().hosts]
    world.hosts.answers = {"role": {"role": "primary"}}
    with pytest.raises(BackupError, match="3 primaries") as two:
        world.copying.source(world.subject(), servers)
    assert two.value.fault is BackupFault.REFUSED
    world.hosts.answers = {"role": {"role": "replica"}}
    world.hosts.silent = {"db-1"}
    with pytest.raises(BackupError, match="db-1 is silent, db-2 is replica"):
        world.copying.source(world.subject(), servers)


def test_a_failure_on_a_full_server_is_called_no_space(world: World) -> None:
    world.hosts.answers = {"back-up": fault("silent"), "space": {"free_bytes": 3 << 20}}
    with pytest.raises(BackupError, match="dr-bak-1 has 3 MiB left in /srv/backup") as full:
        back_up(world)
    assert full.value.fault is BackupFault.NO_SPACE


def test_a_failure_with_room_left_stays_what_it_was(world: World) -> None:
    world.hosts.answers = {"back-up": fault("failed"), "space": {"free_bytes": 300 << 20}}
    with pytest.raises(BackupError, match="it says why") as other:
        back_up(world)
    assert other.value.fault is BackupFault.FAILED


def test_broken_files_are_named(world: World) -> None:
    world.hosts.answers = {"manifest": fault("broken", broken=("/srv/backup/x/index/ab",))}
    copy = _copy(world)
    with pytest.raises(BackupError, match="/srv/backup/x/index/ab") as broken:
        world.archive.manifest(copy, store=world.store)
    assert broken.value.broken == ("/srv/backup/x/index/ab",)


@pytest.mark.parametrize("out", ["", "not json", "[]", '{"other": 1}', '{"answer": 3}'])
def test_an_answer_that_is_none_is_a_failure_with_the_hosts_last_line(
    world: World, out: str
) -> None:
    world.hosts.answers = {
        "back-up": Ran(status=2, out=out, err="Traceback\nboom"),
        "space": {"free_bytes": 1 << 40},
    }
    with pytest.raises(BackupError, match="boom"):
        back_up(world)


def _snapshot(part: str, **other: Any) -> dict[str, Any]:
    tags = [f"run={other.pop('run', 'r1')}", f"part={part}"]
    if part == "manifest":
        tags += ["data=abc", "bytes=70"]
    return {
        "time": "2026-11-22T12:00:00.123456789Z",
        "hostname": "db-1",
        "id": f"{part}-id",
        "tags": tags,
        **other,
    }


def _copy(world: World) -> Any:
    listed = {"gongan/population": [_snapshot("data"), _snapshot("manifest")]}
    world.hosts.answers["copies"] = {"snapshots": listed}
    (copy,) = world.archive.copies(["gongan/population"], store=world.store).copies
    return copy


def test_snapshots_of_a_run_are_one_copy(world: World) -> None:
    copy = _copy(world)
    assert (copy.data_id, copy.manifest_id, copy.size_bytes) == ("data-id", "manifest-id", 70)
    assert copy.whole and copy.taken_at == datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("part", ["data", "manifest"])
def test_half_a_run_is_no_copy(world: World, part: str) -> None:
    world.hosts.answers["copies"] = {"snapshots": {"gongan/population": [_snapshot(part)]}}
    (copy,) = world.archive.copies(["gongan/population"], store=world.store).copies
    assert not copy.whole


def test_a_snapshot_of_other_hands_is_named_and_hides_no_copy(world: World) -> None:
    strange = {**_snapshot("data"), "tags": None, "id": "abcd"}
    snapshots = [strange, _snapshot("data"), _snapshot("manifest")]
    world.hosts.answers["copies"] = {
        "snapshots": {"gongan/population": snapshots, "fagai/credit": []},
        "damaged": {"fagai/credit": ["/srv/backup/fagai/credit/keys/12"]},
    }
    listing = world.archive.copies(["gongan/population", "fagai/credit"], store=world.store)
    assert [copy.whole for copy in listing.copies] == [True]
    assert listing.damaged == {
        "gongan/population": ("snapshot abcd",),
        "fagai/credit": ("/srv/backup/fagai/credit/keys/12",),
    }


def test_what_was_written_to_try_a_deletion_is_no_copy(world: World) -> None:
    trial = {**_snapshot("data"), "tags": ["run=trial", "part=trial"]}
    world.hosts.answers["copies"] = {"snapshots": {"gongan/population": [trial]}}
    assert world.archive.copies(["gongan/population"], store=world.store) == Listing()


def test_when_each_part_was_read_comes_with_the_list(world: World) -> None:
    world.hosts.answers["copies"] = {
        "snapshots": {"gongan/population": []},
        "read": {"gongan/population": {"3": AT.timestamp(), "99": 1.0}},
    }
    (read,) = world.archive.copies(["gongan/population"], store=world.store).read.values()
    assert read == tuple(AT if number == 3 else None for number in range(PARTS))


def test_prune_lets_the_manifest_go_first(world: World) -> None:
    copy = _copy(world)
    world.hosts.answers["prune"] = {"freed_bytes": 9}
    assert world.archive.prune([copy], store=world.store, now=AT) == 9
    request = world.hosts.asked[-1][1]
    assert request["snapshots"] == ["manifest-id", "data-id"]
    assert request["now_seconds"] == AT.timestamp()


def records_of(
    directory: Path, *, state: Path | None = None, key: Path | None = None
) -> SiteRecords:
    """Return the records of a site whose vault's password is in a file."""
    file = key or directory / ".vault-password"
    if not file.exists():
        file.write_text("the password of the vault\n")
    return SiteRecords(
        directory=directory, state=state or directory / ".orchestrator", password_file=file
    )


def test_the_sites_records_leave_the_vaults_password_here(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    state = directory / ".orchestrator"
    state.mkdir(parents=True)
    (directory / "secrets.vault.yaml").write_text("sealed")
    (state / "audit.jsonl").write_text("{}")
    records = records_of(directory)
    packed = records.pack()
    assert set(packed.files) == {"/site/secrets.vault.yaml", "/state/audit.jsonl"}
    assert records.unpack(packed.content, str(tmp_path / "back")) == packed.files
    with pytest.raises(BackupError, match="there already"):
        records.unpack(packed.content, str(tmp_path / "back"))


@pytest.mark.parametrize("name", ["keys/vault.txt", "old password~", "state/left-over"])
def test_the_vaults_password_stays_here_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / "site.yaml").write_text("name: city")
    records = records_of(tmp_path, state=tmp_path / "state", key=tmp_path / name)
    (tmp_path / "copy of it").write_text("the password of the vault")
    assert set(records.pack().files) == {"/site/site.yaml"}


def test_a_file_with_the_vaults_password_in_it_is_named_and_goes_nowhere(tmp_path: Path) -> None:
    records = records_of(tmp_path)
    (tmp_path / "notes.md").write_text("open it with: the password of the vault, says Li\n")
    with pytest.raises(BackupError, match=r"notes\.md has the vault's password") as refused:
        records.pack()
    assert "the password of" not in refused.value.message
    (tmp_path / "notes.md").unlink()
    records.password_file.unlink()
    with pytest.raises(BackupError, match="nobody knows whether"):
        records.pack()


@pytest.mark.parametrize(
    "entry",
    [("../outside", tarfile.REGTYPE), ("/etc/outside", tarfile.REGTYPE), ("a", tarfile.SYMTYPE)],
    ids=["upwards", "absolute", "a link"],
)
def test_records_that_lead_elsewhere_are_not_unpacked(
    entry: tuple[str, bytes], tmp_path: Path
) -> None:
    forged = io.BytesIO()
    with tarfile.open(fileobj=forged, mode="w:xz") as archive:
        told = tarfile.TarInfo(entry[0])
        told.type, told.linkname = entry[1], "/etc/passwd"
        archive.addfile(told)
    records = records_of(tmp_path, state=tmp_path)
    with pytest.raises(BackupError, match="nothing that the site's records have"):
        records.unpack(forged.getvalue(), str(tmp_path / "back"))
    assert not list(tmp_path.rglob("*outside*")) and not list((tmp_path / "back").iterdir())


def test_a_moment_without_a_zone_is_none() -> None:
    assert moment("2026-11-22T20:00:00+08:00") == AT
    with pytest.raises(ValueError, match="time zone"):
        moment("2026-11-22T20:00:00")


def test_only_a_refusal_proves_that_a_host_cannot_delete(world: World) -> None:
    def may_delete() -> bool:
        return world.copying.may_delete(
            "gongan/population", store=world.store, server=world.server("db-1")
        )

    refused = {"trial_id": "t1", "refused": True, "said": "403"}
    world.hosts.answers = {"try-to-delete": refused, "end-trial": {"there": True}}
    assert not may_delete()
    assert world.hosts.asked[-1][1]["trial_id"] == "t1"
    silent = {"trial_id": "t1", "refused": False, "said": "ssh: No route to host"}
    world.hosts.answers["try-to-delete"] = silent
    with pytest.raises(BackupError, match="nothing is proved: ssh: No route to host"):
        may_delete()
    world.hosts.answers["end-trial"] = {"there": False}
    assert may_delete()


def test_no_copy_is_at_stake_where_a_deletion_is_tried(world: World) -> None:
    world.hosts.answers = {
        "try-to-delete": {"trial_id": "t1", "refused": False, "said": ""},
        "end-trial": {"there": False},
    }
    world.copying.may_delete("gongan/population", store=world.store, server=world.server("db-1"))
    (_, request), _ = world.hosts.asked
    assert request.keys() == {"act", "within", "repository", "subject", "host"}


def test_a_file_that_goes_away_while_records_are_packed_is_left_out(tmp_path: Path) -> None:
    class Fleeting(SiteRecords):
        def _files(self) -> Any:
            yield "state/gone", self.state / "gone"
            yield from SiteRecords._files(self)

    (tmp_path / "site.yaml").write_text("name: city")
    key = records_of(tmp_path).password_file
    records = Fleeting(directory=tmp_path, state=tmp_path / "state", password_file=key)
    assert set(records.pack().files) == {"/site/site.yaml"}


def test_a_drills_files_are_under_another_lock_than_an_operators() -> None:
    drills, theirs = (
        place_json(Place(server="spare", folder=folder)) for folder in (DRILL_FOLDER, "/srv/back")
    )
    locks = [f"restore-{each['name'].replace('/', '_')}.lock" for each in (drills, theirs)]
    assert [any(lock in known for known in DRILL_LOCKS) for lock in locks] == [True, False]
