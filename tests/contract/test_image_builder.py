"""The builder of images: the same recipe is the same file, and what it refuses leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from orchestrator.adapters.mmdebstrap.builder import MmdebstrapBuilder
from orchestrator.errors import ImageError
from orchestrator.model.image_build import BuiltImage, ImageRecipe
from orchestrator.model.system import ImageForm, PackageRepository
from orchestrator.ports.image_builder import ImageBuilder
from tests.fakes.image_builder import FakeBuilder

NOWHERE = "http://127.0.0.1:9/debian"


def own_mirror() -> str:
    """Return the mirror of Debian 12 that this machine installs from, if it is a Debian 12."""
    listed = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE)",
        "Created-By: Packages",
    ]
    if shutil.which(listed[0]) is None:
        return NOWHERE
    told = subprocess.run(listed, capture_output=True, text=True, timeout=60, check=True).stdout
    found = (line.split() for line in told.splitlines())
    return next((uri.rstrip("/") for uri, suite in found if suite == "bookworm"), NOWHERE)


DEBIAN = PackageRepository(name="debian", uri=own_mirror(), suite="bookworm", components=("main",))
RECIPE = ImageRecipe(
    name="small",
    snapshot=date(2026, 11, 1),
    repositories=(DEBIAN,),
    packages=("openssh-server", "tzdata"),
    services=(),
    files={"/etc/motd": "Private cloud of the city.\n", "/etc/site/name": "yangzhou\n"},
    links={"/etc/localtime": "/usr/share/zoneinfo/Asia/Shanghai"},
    form=ImageForm.TAR,
    size_mib=700,
)
LACKING = MmdebstrapBuilder().lacks(RECIPE)
needs_builder = [
    pytest.mark.root,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="without root builds are slower than this suite"),
    pytest.mark.skipif(DEBIAN.uri == NOWHERE, reason="this machine knows no mirror of Debian 12"),
    pytest.mark.skipif(bool(LACKING), reason=f"building images needs {', '.join(LACKING)}"),
]


@dataclass
class Built:
    """A builder, and two builds of one recipe."""

    builder: ImageBuilder
    first: BuiltImage
    second: BuiltImage
    file: Path
    steps: list[str]


@pytest.fixture(scope="module", params=["fake", pytest.param("mmdebstrap", marks=needs_builder)])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build twice, in two folders whose names are not plain."""
    builder = MmdebstrapBuilder() if request.param == "mmdebstrap" else FakeBuilder()
    folder = tmp_path_factory.mktemp("images")
    steps: list[str] = []
    results = [
        builder.build(RECIPE, file=str(folder / name / "image.tar"), watch=steps.append)
        for name in ("one", "the other's")
    ]
    return Built(builder, *results, file=folder / "one/image.tar", steps=steps)


def test_the_same_recipe_is_the_same_image(built: Built) -> None:
    assert built.first == built.second
    assert {"openssh-server", "tzdata"} <= {one.name for one in built.first.packages}
    assert built.first.size_bytes == built.file.stat().st_size
    assert built.steps, "it says what it does"


def test_nothing_but_the_image_is_left(built: Built) -> None:
    assert [file.name for file in built.file.parent.iterdir()] == ["image.tar"]


@pytest.mark.parametrize("builder", [FakeBuilder(), MmdebstrapBuilder()], ids=["fake", "real"])
def test_a_machine_that_has_all_lacks_nothing(builder: ImageBuilder) -> None:
    if LACKING:
        pytest.skip(f"building images needs {', '.join(LACKING)}")
    assert builder.lacks(RECIPE) == ()


def test_a_keyring_that_is_not_here_is_named() -> None:
    recipe = replace(RECIPE, repositories=(replace(DEBIAN, signed_by="/etc/apt/none.gpg"),))
    assert "the keyring /etc/apt/none.gpg" in MmdebstrapBuilder().lacks(recipe)


class TestTheRealOne:
    """What only a real image can show."""

    pytestmark = needs_builder

    @pytest.fixture
    def archive(self, built: Built) -> Iterator[tarfile.TarFile]:
        if isinstance(built.builder, FakeBuilder):
            pytest.skip("the fake one makes no root")
        with tarfile.open(built.file) as opened:
            yield opened

    def test_nothing_of_this_machine_or_of_chance_is_in_it(self, archive: tarfile.TarFile) -> None:
        names = set(archive.getnames())
        gone = ("etc/hostname", "etc/resolv.conf", "etc/apt/apt.conf.d/99mmdebstrap")
        assert not {f"./{name}" for name in gone} & names
        assert not [name for name in names if "ssh_host_" in name or name.endswith("-old")]
        assert not [name for name in names if name.startswith("./.orchestrator")]
        logs = [one for one in archive.getmembers() if one.name.startswith("./var/log/")]
        assert [one.name for one in logs if one.size] == []
        assert max(one.mtime for one in archive.getmembers()) == RECIPE.epoch

    def test_what_is_declared_is_in_it(self, archive: tarfile.TarFile) -> None:
        motd = archive.extractfile("./etc/motd")
        assert motd is not None and motd.read() == b"Private cloud of the city.\n"
        name = archive.getmember("./etc/site/name")
        assert (name.uid, name.gid, name.mode) == (0, 0, 0o644)
        assert archive.getmember("./etc/localtime").linkname.endswith("Asia/Shanghai")
        sources = archive.extractfile("./etc/apt/sources.list")
        assert sources is not None and DEBIAN.uri.encode() in sources.read()

    @pytest.mark.slow
    def test_a_repository_that_is_newer_than_the_snapshot_is_refused(self, tmp_path: Path) -> None:
        """Debian's archive is newer than this day; and it was reached, or it could not be told."""
        recipe = replace(RECIPE, snapshot=date(2023, 1, 1))
        with pytest.raises(ImageError, match="after the snapshot of 2023-01-01") as refused:
            MmdebstrapBuilder().build(recipe, file=str(tmp_path / "a"), watch=lambda step: None)
        assert "_debian_dists_bookworm was published on" in refused.value.message
        assert list(tmp_path.iterdir()) == []

    def test_a_mirror_that_is_away_is_said_and_leaves_nothing(self, tmp_path: Path) -> None:
        away = replace(DEBIAN, uri=NOWHERE)
        recipe = replace(RECIPE, repositories=(away,))
        with pytest.raises(ImageError, match="mmdebstrap ended with") as refused:
            MmdebstrapBuilder().build(recipe, file=str(tmp_path / "a"), watch=lambda step: None)
        assert "127.0.0.1" in refused.value.message
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_said_by_its_folder(self, tmp_path: Path) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(tmp_path)], check=True
        )
        try:
            with pytest.raises(ImageError, match=f"the disk of {tmp_path} was full"):
                MmdebstrapBuilder().build(RECIPE, file=str(tmp_path / "a"), watch=lambda step: None)
            assert list(tmp_path.iterdir()) == []
        finally:
            subprocess.run(["umount", str(tmp_path)], check=True)

    def test_a_killed_build_leaves_a_draft_that_the_next_one_removes(self, tmp_path: Path) -> None:
        target = tmp_path / "image.tar"
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE, text=True
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(1.0)
            process.send_signal(signal.SIGKILL)
        assert not target.exists()
        deadline = time.monotonic() + 30
        while _programs_in(tmp_path):
            assert time.monotonic() < deadline, "mmdebstrap ends with whoever started it"
            time.sleep(0.2)
        away = replace(RECIPE, repositories=(replace(DEBIAN, uri=NOWHERE),))
        with pytest.raises(ImageError):
            MmdebstrapBuilder().build(away, file=str(target), watch=lambda step: None)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    @pytest.mark.slow
    def test_a_file_system_is_the_same_every_time_and_sound(self, tmp_path: Path) -> None:
        recipe = replace(RECIPE, form=ImageForm.EXT4)
        made = [tmp_path / name for name in ("one", "two")]
        first, second = (
            MmdebstrapBuilder().build(recipe, file=str(file), watch=lambda step: None)
            for file in made
        )
        assert first == second
        assert first.size_bytes == recipe.size_mib << 20
        subprocess.run(["e2fsck", "-fn", str(made[0])], check=True, capture_output=True)
        shown = subprocess.run(
            ["debugfs", "-R", "cat /etc/motd", str(made[0])], capture_output=True, text=True
        )
        assert shown.stdout == RECIPE.files["/etc/motd"]


def test_two_builds_in_one_folder_are_one_too_many(tmp_path: Path) -> None:
    if shutil.which("flock") is None:
        pytest.skip("needs flock of util-linux")
    with subprocess.Popen(
        ["flock", "--no-fork", str(tmp_path), "sh", "-c", "echo held; exec sleep 60"],
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "held\n"
            with pytest.raises(ImageError, match="another build writes to"):
                MmdebstrapBuilder().build(
                    RECIPE, file=str(tmp_path / "image.tar"), watch=lambda step: None
                )
            assert list(tmp_path.iterdir()) == []
        finally:
            holder.terminate()


KILLED = """
import sys
from orchestrator.adapters.mmdebstrap.builder import MmdebstrapBuilder
from tests.contract.test_image_builder import RECIPE
MmdebstrapBuilder().build(RECIPE, file=sys.argv[1], watch=lambda step: print(step, flush=True))
"""


def _programs_in(folder: Path) -> list[str]:
    """Return the mmdebstraps that still work in a folder."""
    found = subprocess.run(
        ["pgrep", "--full", f"mmdebstrap.*{folder}"], capture_output=True, text=True
    )
    return found.stdout.split()
