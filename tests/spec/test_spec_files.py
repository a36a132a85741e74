"""Files that cannot be read, or should not be."""

import os
import tracemalloc
from pathlib import Path

import pytest

from orchestrator.errors import SpecError
from orchestrator.model.diagnostic import Diagnostic
from orchestrator.spec.files import MAX_FILE_BYTES
from orchestrator.spec.load import load_site

SITE = """\
site: {name: tiny, display: {zh: 小, en: Tiny}, cloud: tiny}
regions:
  - {name: city, kind: city, display: {zh: 市, en: City}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    return tmp_path


def faults(directory: Path) -> list[Diagnostic]:
    with pytest.raises(SpecError) as caught:
        load_site(directory)
    return list(caught.value.diagnostics)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    [fault] = faults(tmp_path / "nowhere")
    assert fault.code == "SY001" and "nowhere" in fault.detail


def test_a_file_instead_of_a_directory(site: Path) -> None:
    [fault] = faults(site / "site.yaml")
    assert fault.code == "SY001"


def test_a_directory_without_site_file_still_shows_the_other_files_faults(tmp_path: Path) -> None:
    (tmp_path / "network.yaml").write_text("zoness: []\n", encoding="utf-8")
    assert [fault.code for fault in faults(tmp_path)] == ["SY020", "SY002"]


def test_a_file_beyond_the_limit_is_not_read(site: Path) -> None:
    with (site / "hardware.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    tracemalloc.start()
    try:
        [fault] = faults(site)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fault.code == "SY004" and "50.0 MiB" in fault.detail
    assert peak < 2 * MAX_FILE_BYTES + 4 * 1024 * 1024


def test_a_file_at_the_limit_is_read(site: Path) -> None:
    text = "servers: []\n# "
    (site / "hardware.yaml").write_text(text + "x" * (MAX_FILE_BYTES - len(text)), "utf-8")
    assert load_site(site).site.hardware.servers == ()


def test_a_symbolic_link_to_itself(site: Path) -> None:
    (site / "network.yaml").symlink_to("network.yaml")
    [fault] = faults(site)
    assert (fault.code, fault.source.file) == ("SY003", "network.yaml")


def test_a_link_that_leads_nowhere(site: Path) -> None:
    (site / "network.yaml").symlink_to("gone.txt")
    assert [fault.code for fault in faults(site)] == ["SY003"]


def test_a_folder_named_like_a_file(site: Path) -> None:
    (site / "network.yaml").mkdir()
    assert [fault.code for fault in faults(site)] == ["SY003"]


def test_a_layers_folder_that_is_a_loop_or_a_file(site: Path) -> None:
    (site / "network").symlink_to("network")
    (site / "system").write_text("flavors: []\n", encoding="utf-8")
    assert [(fault.code, fault.source.file) for fault in faults(site)] == [
        ("SY003", "network"),
        ("SY003", "system"),
    ]


def test_a_pipe_is_not_waited_for(site: Path) -> None:
    os.mkfifo(site / "network.yaml")
    assert [fault.code for fault in faults(site)] == ["SY003"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(site: Path) -> None:
    (site / "network.yaml").write_text("zones: []\n", encoding="utf-8")
    (site / "network.yaml").chmod(0)
    assert [fault.code for fault in faults(site)] == ["SY003"]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("# 国标\nzones: []\n".encode("gb18030"), "GB 18030"),
        ("zones: []\n".encode("utf-16"), "UTF-16"),
        ("zones: []\n".encode("utf-16-le"), "UTF-16"),
        (b"zones: []\n# \xff\xff\xff\n", "neither"),
    ],
)
def test_other_encodings_are_named(site: Path, content: bytes, hint: str) -> None:
    (site / "network.yaml").write_bytes(content)
    [fault] = faults(site)
    assert fault.code == "SY005" and hint in fault.detail


def test_the_line_of_a_wrong_byte_is_shown(site: Path) -> None:
    (site / "network.yaml").write_bytes(b"zones: []\n\n# \xff\n")
    assert faults(site)[0].source.line == 3


def test_a_byte_order_mark_is_no_fault(site: Path) -> None:
    (site / "network.yaml").write_text("zones: []\n", encoding="utf-8-sig")
    assert load_site(site).site.network.zones == ()


@pytest.mark.parametrize("name", ["README.md", "images", ".orchestrator", "secrets.vault.yaml",
                                  ".hidden.yaml", "notes.txt", "docs"])  # fmt: skip
def test_what_is_not_the_sites_is_ignored(site: Path, name: str) -> None:
    before = load_site(site).digest
    if "." in name[1:]:
        (site / name).write_text("anything: [", encoding="utf-8")
    else:
        (site / name).mkdir()
    assert load_site(site).digest == before


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("netwrok.yaml", "`network`"),
        ("hardware.yml", "hardware.yaml"),
        ("system.json", "system.yaml"),
        ("networks", "`network`"),
        ("hardware/sub", "up"),
        ("hardware/city.yml", "city.yaml"),
    ],
)
def test_what_would_be_overlooked_is_a_fault_with_a_hint(site: Path, name: str, hint: str) -> None:
    path = site / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix:
        path.write_text("zones: []\n", encoding="utf-8")
    else:
        path.mkdir()
    [fault] = faults(site)
    assert fault.code == "SY015" and hint in fault.remedy
