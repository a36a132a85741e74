"""`orchestrator image` on the small city, with a builder, a cloud and hosts in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.deploy import StoredImage
from orchestrator.model.site import SiteIdentity
from orchestrator.ports.deploy import DeployPorts
from orchestrator.spec.load import load_site
from orchestrator.workflows.image_build import BuildPorts
from tests.cli.conftest import edit
from tests.cli.test_cli_docs import documented_keys, keys_of
from tests.fakes.hosts_site import FakeMetal, metal
from tests.fakes.image_builder import FakeBuilder
from tests.fakes.site_world import FakeAudit

ZEROS = "0" * 64
FILE = "images/golden.tar"
GOLDEN = f"""\
images:
  - name: golden
    display: {{zh: 黄金镜像, en: Golden}}
    file: {FILE}
    sha256: "{ZEROS}"  # of the build
    os_distro: debian
    os_version: "12"
    build:
      snapshot: 2026-11-01
      repositories: [{{name: debian, uri: "http://mirror/debian", suite: bookworm}}]
      packages: [sudo, openssh-server]
"""
BROUGHT = """\
images:
  - name: debian-12
"""


class ImageWiring(MachineWiring):
    """The machine's own wiring, but for what builds and for who is asked."""

    def __init__(self) -> None:
        super().__init__({})
        self.builder, self.audit = FakeBuilder(), FakeAudit()
        self.metal: FakeMetal = metal("cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2")
        self.metal.images = ()

    def image_build(self, directory: Path, access: Access) -> BuildPorts:
        return BuildPorts(builder=self.builder, audit=self.audit)

    def deployment(self, directory: Path, identity: SiteIdentity, *, access: Access) -> DeployPorts:
        return self.metal.ports()


@dataclass
class City:
    site: Path
    wiring: ImageWiring = field(default_factory=ImageWiring)

    def image(self, *arguments: str) -> Result:
        words = ["image", *arguments, "--site", str(self.site)]
        return CliRunner().invoke(cli, words, obj=self.wiring)

    def data(self, *arguments: str) -> dict:
        result = self.image(*arguments, "-o", "json")
        assert result.exception is None, result.output
        return json.loads(result.stdout)

    @property
    def file(self) -> Path:
        return self.site / FILE

    def declared(self) -> str:
        return load_site(self.site).site.system.images[0].sha256


@pytest.fixture
def city(site: Path) -> City:
    """Give the city an image to build, in the place of the one that was brought."""
    text = (site / "system.yaml").read_text()
    start, end = text.index("images:"), text.index("flavors:")
    (site / "system.yaml").write_text(text[:start] + GOLDEN + text[end:])
    return City(site)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_first_build_is_kept_apart_and_told_until_it_is_declared(city: City) -> None:
    first = city.image("build", "golden")
    assert first.exit_code == 1
    assert not city.file.exists()
    made = city.file.with_name("golden.tar.new")
    assert f"sha256: {sha256(made)}" in first.stdout
    assert "system.yaml:5 declares (000000000000…)" in first.stdout
    assert city.declared() == ZEROS


def test_declare_writes_one_line_of_the_site_and_puts_the_image_in_place(city: City) -> None:
    before = (city.site / "system.yaml").read_text()
    assert city.image("build", "golden").exit_code == 1
    done = city.image("build", "golden", "--declare")
    assert done.exit_code == 0, done.output
    assert city.declared() == sha256(city.file)
    assert (city.site / "system.yaml").read_text() == before.replace(ZEROS, sha256(city.file))
    assert sorted(file.name for file in city.file.parent.iterdir()) == [
        "golden.tar",
        "golden.tar.cdx.json",
        "golden.tar.sha256",
    ]
    assert city.file.with_name("golden.tar.sha256").read_text() == (
        f"{sha256(city.file)}  golden.tar\n"
    )
    assert city.wiring.audit.entries[-1]["facts"]["agrees"] is True


def test_a_declared_image_is_built_again_as_it_was(city: City) -> None:
    city.image("build", "golden", "--declare")
    listed = city.file.with_name("golden.tar.cdx.json").read_bytes()
    again = city.image("build", "golden")
    assert again.exit_code == 0
    assert "golden is as declared." in again.stdout
    assert city.file.with_name("golden.tar.cdx.json").read_bytes() == listed


def test_another_content_never_takes_the_declared_ones_place(city: City) -> None:
    city.image("build", "golden", "--declare")
    before = sha256(city.file)
    edit(city.site / "system.yaml", "snapshot: 2026-11-01", "snapshot: 2026-11-20")
    assert city.image("build", "golden").exit_code == 1
    assert sha256(city.file) == before == city.declared()
    new = str(city.file.with_name("golden.tar.new.cdx.json"))
    found = city.data("diff", "golden", new)
    assert {one["name"]: (one["old"], one["new"]) for one in found["changed"]} == {
        name: ("1.0", "2:1.0+b2") for name in ("openssh-server", "sudo", "tzdata")
    }
    assert found["added"] == found["removed"] == []
    shown = city.image("diff", "golden", new, "--detailed-exitcode")
    assert shown.exit_code == 2
    assert "3 changed, 0 added, 0 removed." in shown.stdout


def test_out_builds_elsewhere_and_leaves_the_site_alone(city: City, tmp_path: Path) -> None:
    done = city.image("build", "golden", "--out", str(tmp_path / "there"))
    assert done.exit_code == 1  # its digest is still to be declared
    assert (tmp_path / "there/golden.tar").exists()
    assert not city.file.parent.exists()
    refused = city.image("build", "golden", "--out", str(tmp_path), "--declare")
    assert "leave out --out" in refused.output


def test_what_the_machine_lacks_is_named_before_anything_is_built(city: City) -> None:
    city.wiring.builder.missing = ("mmdebstrap (package mmdebstrap)",)
    refused = city.image("build", "golden")
    assert refused.exit_code == 1
    assert "it lacks mmdebstrap (package mmdebstrap)" in refused.output
    assert city.wiring.builder.built == []


def test_an_image_that_is_brought_is_not_built(run, site: Path) -> None:
    refused = City(site).image("build", "debian-12")
    assert refused.exit_code == 1
    assert "image debian-12 is brought, not built" in refused.output


def test_a_misspelt_image_gets_a_guess(city: City) -> None:
    assert "`golden`" in city.image("show", "golde").output


def test_a_digest_that_moved_meanwhile_is_not_written_somewhere_else(city: City) -> None:
    builder = city.wiring.builder
    real = builder.build

    def edited_meanwhile(recipe, *, file, watch):
        text = (city.site / "system.yaml").read_text()
        (city.site / "system.yaml").write_text("# a comment\n" + text)
        return real(recipe, file=file, watch=watch)

    city.wiring.builder = type(
        "Edited", (FakeBuilder,), {"build": staticmethod(edited_meanwhile)}
    )()
    refused = city.image("build", "golden", "--declare")
    assert refused.exit_code == 1
    assert "does not stand at system.yaml:5 as it was" in refused.output
    assert city.declared() == ZEROS
    assert not city.file.exists()


def test_list_tells_of_files_and_of_glance(city: City) -> None:
    assert city.data("list")["images"][0]["file_state"] == "missing"
    city.image("build", "golden", "--declare")
    found = city.data("list")["images"][0]
    assert (found["file_state"], found["glance"]) == ("agrees", "absent")
    city.wiring.metal.images = (StoredImage(id="1", name="golden", sha256=city.declared()),)
    assert city.image("list", "--detailed-exitcode").exit_code == 0
    city.wiring.metal.images = (StoredImage(id="1", name="golden", sha256=ZEROS),)
    assert city.data("list")["images"][0]["glance"] == "other content"
    city.file.write_text("something else")
    assert city.data("list")["images"][0]["file_state"] == "differs"
    assert city.image("list", "--detailed-exitcode").exit_code == 2


def test_a_cloud_that_does_not_answer_is_unknown_with_its_reason(city: City) -> None:
    wiring = MachineWiring({})
    words = ["image", "list", "--site", str(city.site)]
    result = CliRunner().invoke(cli, words, obj=wiring)
    assert result.exit_code == 0
    assert "unknown" in result.stdout
    assert "The cloud did not tell which images it has: the cloud smallcity" in result.stderr


def test_live_tells_which_host_runs_which(city: City) -> None:
    city.image("build", "golden", "--declare")
    records = city.wiring.metal.records
    records["cmp-01"] = {"name": "golden", "sha256": city.declared()}
    records["cmp-02"] = {"name": "golden", "sha256": ZEROS}
    records["cmp-03"] = {"name": "older", "sha256": ZEROS}
    records["sto-1"] = {}
    result = city.image("list", "--live")
    assert "5 hosts: 1 current, 1 out of date, 1 other image, 1 not deployed, 1 unknown." in (
        result.stdout
    )
    found = {one["host"]: one["state"] for one in city.data("list", "--live")["hosts"]}
    assert found == {
        "cmp-01": "current",
        "cmp-02": "out of date",
        "cmp-03": "other image",
        "sto-1": "not deployed",
        "sto-2": "unknown",
    }
    only = city.data("list", "--live", "--role", "storage")["hosts"]
    assert [one["host"] for one in only] == ["sto-1", "sto-2"]
    assert city.image("list", "--role", "storage").exit_code == 64


def test_show_lists_the_packages(city: City) -> None:
    assert "It has no package list." in city.image("show", "golden").stdout
    city.image("build", "golden", "--declare")
    assert "3 packages." in city.image("show", "golden").stdout
    found = city.data("show", "golden")
    assert {one["name"] for one in found["packages"]} == {"openssh-server", "sudo", "tzdata"}
    assert found["found_sha256"] == city.declared()


def test_a_list_that_is_none_or_missing_is_said(city: City, tmp_path: Path) -> None:
    assert "a brought image has none" in city.image("diff", "golden", "golden").output
    city.image("build", "golden", "--declare")
    (tmp_path / "odd.cdx.json").write_text("[]")
    odd = city.image("diff", "golden", str(tmp_path / "odd.cdx.json"))
    assert "it is no CycloneDX list of packages" in odd.output


@pytest.mark.parametrize(
    ("section", "arguments"),
    [
        ("image build", ("build", "golden", "--declare")),
        ("image list", ("list", "--live")),
        ("image show", ("show", "golden")),
        ("image diff", ("diff", "golden", "OTHER")),
    ],
)
def test_the_documented_keys_are_those_of_the_output(
    city: City, section: str, arguments: tuple[str, ...]
) -> None:
    city.image("build", "golden", "--declare")
    other = city.site / "other.cdx.json"
    listed = city.file.with_name("golden.tar.cdx.json").read_text()
    other.write_text(listed.replace('"1.0"', '"2.0"').replace('"sudo"', '"doas"'))
    known = documented_keys(section)
    found = city.data(*(str(other) if word == "OTHER" else word for word in arguments))
    assert set(keys_of(found, known=known)) == known
