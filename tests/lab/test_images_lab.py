"""A built image on its way to a real Glance, and what is told of it afterwards."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path

import pytest

from orchestrator.spec.load import load_site
from orchestrator.workflows.image_build import BuildPorts, BuildReport, BuildWork, build_image
from tests.fakes.image_builder import FakeBuilder
from tests.fakes.site_world import FakeAudit
from tests.lab.town import PROGRAM, Town

pytestmark = pytest.mark.lab

BUILD = {
    "snapshot": date(2026, 11, 1),
    "repositories": [{"name": "debian", "uri": "http://mirror/debian", "suite": "bookworm"}],
    "packages": ["sudo"],
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, town_lab) -> Town:
    """Return a town whose image is built."""
    town = Town(tmp_path_factory.mktemp("images") / "alder", town_lab, prefix="alder", number=31)
    town.edit("system.yaml", lambda layer: layer["images"][0].update(build=BUILD))
    return town


def built(town: Town, *, declare: bool) -> BuildReport:
    """Build it, with a builder that needs no packages: its file is small, its way is the same."""
    site = load_site(town.directory).site
    work = BuildWork(
        site=site, directory=town.directory, image=site.system.images[0], declare=declare
    )
    ports = BuildPorts(builder=FakeBuilder(), audit=FakeAudit())
    return build_image(work, ports, watch=lambda step: None)


def listed(town: Town) -> dict:
    done = subprocess.run(
        [PROGRAM, "image", "list", "--site", str(town.directory), "-o", "json"],
        env=town.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)["images"]
    return image


def test_a_declared_build_is_uploaded_and_one_that_is_not_is_kept_out(town: Town) -> None:
    report = built(town, declare=True)
    file = town.directory / "images/debian-12.raw"
    assert report.agrees and file.exists()
    assert listed(town)["glance"] == "absent"
    done = town.run("apply", "--layer", "system", "--yes")
    assert done.returncode == 0, done.stderr
    assert (listed(town)["file_state"], listed(town)["glance"]) == ("agrees", "stored")

    town.edit("system.yaml", lambda layer: layer["images"][0]["build"].update(packages=["doas"]))
    other = built(town, declare=False)
    assert not other.agrees and other.file == Path(f"{file}.new")
    again = town.run("plan", "--layer", "system", "--detailed-exitcode")
    assert again.returncode == 0, again.stdout

    assert built(town, declare=True).built == other.built
    assert listed(town)["glance"] == "other content"
    done = town.run("apply", "--layer", "system", "--yes")
    assert done.returncode == 0, done.stderr
    assert listed(town)["glance"] == "stored"
