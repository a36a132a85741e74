"""What a site becomes at the door, and what is said where it does not."""

import gc
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from orchestrator.errors import SpecError
from orchestrator.model.hardware import ServerRole
from orchestrator.model.units import SecretRef
from orchestrator.spec.load import LoadedSite, load_site

BASE = Path(__file__).parents[1] / "cases" / "_base"


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


SITE = {
    "site.yaml": "site: {name: tiny, display: {zh: 小, en: Tiny}, cloud: tiny}\n"
    "regions:\n  - {name: city, kind: city, display: {zh: 市, en: City}}\n"
}


@pytest.fixture(scope="module")
def base() -> LoadedSite:
    return load_site(BASE)


def test_values_have_the_models_types(base: LoadedSite) -> None:
    site = base.site
    server = site.hardware.servers[1]
    assert (server.name, server.role, server.unit) == ("cmp-02", ServerRole.COMPUTE, 3)
    assert server.bmc.address == ip_address("10.9.0.12")
    assert [(nic.mac, nic.port, nic.pxe) for nic in server.nics] == [
        ("0c:42:a1:00:00:02", 2, True),
        ("0c:42:a1:00:01:02", 2, False),
    ]
    assert site.network.prefixes[1].parent == ip_network("10.0.0.0/8")
    flow = site.network.flows[0]
    assert (flow.from_, flow.ports, flow.expires) == ("internet", (80, 443), date(2027, 6, 30))
    assert site.hardware.profiles[1].weight_kg == 35.5
    assert site.regions[0].overcommit.cpu == 2.0
    assert site.identity.display.zh == "小城"
    assert site.tenancy.tenants[0].projects[0].protection_level is None


def test_secret_references_are_gathered(base: LoadedSite) -> None:
    assert base.secret_refs == {SecretRef("secret://bmc/city")}


def test_sources_name_the_entry_and_every_field_in_it(base: LoadedSite) -> None:
    text = (BASE / "hardware.yaml").read_text(encoding="utf-8").splitlines()
    server = base.site.hardware.servers[0]

    def at(field: str) -> str:
        place = server.source.at(field)
        assert place.file == "hardware.yaml"
        return text[place.line - 1][place.column - 1 :]

    assert at("unit").startswith('"{1..5..2}"')
    assert at("bmc.password").startswith("secret://bmc/city")
    assert at("nics.1.switch").startswith("leaf-2")
    assert at("nics.1").startswith("{name: eth1")
    assert at("no.such.field").startswith("name: cmp-")
    assert base.site.hardware.servers[2].source == server.source


def test_nested_entries_have_their_own_source(base: LoadedSite) -> None:
    tenant = base.site.tenancy.tenants[0]
    assert tenant.projects[0].source.at("quota.cores") == tenant.source.at("projects.0.quota.cores")
    assert tenant.projects[0].source.line > tenant.source.line


def test_columns_count_characters_not_bytes(tmp_path: Path) -> None:
    line = "  - {display: {zh: 数据交换区, en: X}, nam: x}"
    write(tmp_path, SITE | {"network.yaml": f"zones:\n{line}\n"})
    with pytest.raises(SpecError) as caught:
        load_site(tmp_path)
    unknown = next(each for each in caught.value.diagnostics if each.code == "SY020")
    assert (unknown.source.line, unknown.source.column) == (2, line.index("nam:") + 1)


def test_lists_of_a_layer_are_joined_in_file_name_order(tmp_path: Path) -> None:
    volume = "volume_types:\n  - {{name: {0}, description: d}}\n"
    write(
        tmp_path,
        SITE
        | {
            "system/b.yaml": volume.format("third"),
            "system/a.yaml": volume.format("second"),
            "system.yaml": volume.format("first"),
        },
    )
    site = load_site(tmp_path).site
    assert [each.name for each in site.system.volume_types] == ["first", "second", "third"]


def test_the_digest_changes_with_every_byte_and_name(tmp_path: Path) -> None:
    digests = set()
    for number, files in enumerate(
        [
            {},
            {"network.yaml": "zones: []\n"},
            {"network.yaml": "zones: [] \n"},
            {"network/a.yaml": "zones: []\n"},
            {"network/a.yaml": "zones: []\n", "network/b.yaml": "zones: []\n"},
        ]
    ):
        digests.add(load_site(write(tmp_path / str(number), SITE | files)).digest)
    assert len(digests) == 5
    assert load_site(write(tmp_path / "again", SITE)).digest in digests


def test_faults_of_all_files_come_together_by_file_and_line(tmp_path: Path) -> None:
    write(
        tmp_path,
        SITE
        | {
            "system.yaml": "flavors:\n  - {name: a}\n  - {name: B, vcpus: 0}\n",
            "network.yaml": "zones: [\n",
            "hardware/x.yaml": "servers: {}\n",
        },
    )
    with pytest.raises(SpecError) as caught:
        load_site(tmp_path)
    places = [(each.source.file, each.source.line, each.code) for each in caught.value.diagnostics]
    assert places == [
        ("hardware/x.yaml", 1, "SY022"),
        ("network.yaml", 2, "SY007"),
        ("system.yaml", 2, "SY021"),
        ("system.yaml", 3, "SY021"),
        ("system.yaml", 3, "NM001"),
        ("system.yaml", 3, "SY024"),
    ]


def test_an_unknown_key_comes_with_the_nearest_known_one() -> None:
    assert "Did you mean `serial`?" in _only_fault(
        "hardware.yaml", "serial: SN-C", "seriall: SN-C", "SY020"
    )


def test_a_key_of_another_layer_comes_with_its_file() -> None:
    assert "room.yaml" in _only_fault("hardware.yaml", "profiles:", "racks: []\nprofiles:", "SY020")


def test_the_number_for_a_misread_one_is_offered() -> None:
    assert "Write 8." in _only_fault("system.yaml", "vcpus: 2", "vcpus: 08", "SY023")
    assert "10.1.0.0/16" in _only_fault(
        "network.yaml", "prefix: 10.1.0.0/16", "prefix: 10.1.2.3/16", "SY028"
    )
    assert '"22:00"' in _only_fault("system.yaml", '"22:00"', "22:00", "SY026")


def _only_fault(file: str, old: str, new: str, code: str) -> str:
    """Return the remedy for the one fault of this code after a change to the sound site."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        shutil.copytree(BASE, site)
        text = (site / file).read_text(encoding="utf-8")
        assert old in text
        (site / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(SpecError) as caught:
            load_site(site)
    [fault] = [each for each in caught.value.diagnostics if each.code == code]
    return fault.remedy


SECRETS = {
    "extra_specs: {admin_password: correct-horse}": "correct-horse",
    "extra_specs: {API_KEY: correct-horse}": "correct-horse",
    "extra_specs: {token: correct-horse}": "correct-horse",
    "passwords: [correct-horse]": "correct-horse",
    "credentials: {user: admin, deep: {value: correct-horse}}": "correct-horse",
    "description: https://admin:correct-horse@host/": "correct-horse",
    "description: ghp_0123456789abcdefghijABCDEFGHIJ012345": "ghp_",
    "extra_specs: {snmp_community: correct-horse}": "correct-horse",
}


@pytest.mark.parametrize("line", SECRETS)
def test_a_plain_secret_is_refused_and_not_shown(tmp_path: Path, line: str) -> None:
    text = f"volume_types:\n  - name: fast\n    description: d\n    {line}\n"
    text = text.replace("description: d\n    description", "description")
    write(tmp_path, SITE | {"system.yaml": text})
    with pytest.raises(SpecError) as caught:
        load_site(tmp_path)
    codes = {each.code for each in caught.value.diagnostics}
    assert codes & {"SE001", "SE002"}
    assert SECRETS[line] not in repr(caught.value.diagnostics)


def test_keys_that_only_sound_like_secrets_are_fine(tmp_path: Path) -> None:
    text = (
        "volume_types:\n  - name: fast\n    description: d\n"
        "    extra_specs: {keyboard: us, monkey: x, hw_passthrough: pci, compass: north}\n"
    )
    write(tmp_path, SITE | {"system.yaml": text})
    assert load_site(tmp_path).site.system.volume_types[0].extra_specs["monkey"] == "x"


def test_a_range_in_a_secret_reference_gives_one_reference_each(tmp_path: Path) -> None:
    text = (BASE / "hardware.yaml").read_text(encoding="utf-8")
    text = text.replace("secret://bmc/city", "secret://bmc/cmp-{1..3}", 1)
    write(tmp_path, SITE | {"hardware.yaml": text.replace('"secret', "secret")})
    text = text.replace("password: secret://bmc/cmp-{1..3}", 'password: "secret://bmc/cmp-{1..3}"')
    write(tmp_path, {"hardware.yaml": text})
    refs = load_site(tmp_path).secret_refs
    assert {f"secret://bmc/cmp-{n}" for n in (1, 2, 3)} <= refs


def test_the_cycle_collector_is_on_again_afterwards(tmp_path: Path) -> None:
    assert gc.isenabled()
    with pytest.raises(SpecError):
        load_site(tmp_path)
    assert gc.isenabled()


def test_a_file_may_hold_so_many_entries_and_no_more(tmp_path: Path) -> None:
    volume = '  - {{name: "v{0}-{{1..10000}}", description: d}}\n'
    text = "volume_types:\n" + "".join(map(volume.format, range(11)))
    write(tmp_path, SITE | {"system.yaml": text})
    with pytest.raises(SpecError) as caught:
        load_site(tmp_path)
    assert [(each.code, each.source.line) for each in caught.value.diagnostics] == [("RG003", 12)]


def test_plain_small_anchors_are_allowed(tmp_path: Path) -> None:
    text = (
        "volume_types:\n  - {name: a, description: &d slow disks}\n  - {name: b, description: *d}\n"
    )
    write(tmp_path, SITE | {"system.yaml": text})
    found = load_site(tmp_path).site.system.volume_types
    assert [each.description for each in found] == ["slow disks", "slow disks"]
