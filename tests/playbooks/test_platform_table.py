"""The table of platforms, on what systems really write into /etc/os-release."""

from __future__ import annotations

import re

import pytest
import yaml

from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER

VARIABLES = yaml.safe_load(
    (PLAYBOOKS_FOLDER / "roles/platform/vars/main.yml").read_text(encoding="utf-8")
)
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
OPENEULER = 'NAME="openEuler"\nID="openEuler"\nVERSION_ID="22.03"\nANSI_COLOR="0;31"\n'
KYLIN = 'NAME="Kylin Linux Advanced Server"\nID="kylin"\nVERSION_ID="V10"\n'
UOS_SERVER = 'ID=uos\nVERSION_ID="20"\nPLATFORM_ID="platform:uel20"\n'
UOS_DESKTOP = 'ID=uos\nVERSION_ID="20"\n'


def families(release: str) -> list[str]:
    """Return the families that the role's own pattern and table find for a text."""
    told = dict(re.findall(VARIABLES["platform_line"], release))
    wanted = (told.get("ID", ""), told.get("VERSION_ID", ""), told.get("PLATFORM_ID", ""))
    return [
        row["family"]
        for row in VARIABLES["platform_table"]
        if (row["id"], row["version"], row["platform_id"]) == wanted
    ]


@pytest.mark.parametrize(
    ("release", "found"),
    [
        (DEBIAN, ["debian"]),
        (OPENEULER, ["rpm"]),
        (KYLIN, ["rpm"]),
        (UOS_SERVER, ["rpm"]),
        (UOS_DESKTOP, []),
        (UOS_SERVER.replace("uel20", "uel21"), []),
        (DEBIAN + 'PLATFORM_ID="platform:odd"\n', []),
        ('ID_LIKE="debian"\nID=nobody\nVERSION_ID="12"\n', []),
        ("", []),
    ],
    ids=[
        "Debian", "openEuler", "Kylin", "UOS server", "UOS desktop", "another UOS",
        "a Debian that is none", "ID_LIKE proves nothing", "nothing",
    ],
)  # fmt: skip
def test_a_system_is_of_one_known_family_or_of_none(release: str, found: list[str]) -> None:
    assert families(release) == found


def test_each_family_has_a_row_of_drivers_and_only_proved_ones_have_one() -> None:
    assert {row["family"] for row in VARIABLES["platform_table"]} == set(
        VARIABLES["platform_drivers"]
    )
    assert [family for family, one in VARIABLES["platform_drivers"].items() if one] == ["debian"]
