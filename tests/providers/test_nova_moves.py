"""An instance counts as moved where Nova has it elsewhere, and well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from orchestrator.errors import CloudError
from orchestrator.model.maintenance import Move
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.drain import NovaComputes

WEB = Move(instance="id-web", name="web", source="c1", to="c2")


@dataclass
class OneInstance:
    """Nova with one instance, which a live migration leaves as `after` says."""

    after: dict[str, str]
    row: dict[str, str] = field(
        default_factory=lambda: {"status": "ACTIVE", "OS-EXT-SRV-ATTR:host": "c1.city.example"}
    )
    asked: list[Any] = field(default_factory=list)

    def service(self, kind: str) -> OneInstance:
        return self

    def get(self, path: str, **asked: str) -> dict[str, Any]:
        if path == "/os-services":
            return {"services": [{"host": "c1.city.example"}, {"host": "c2.city.example"}]}
        if path == "/os-migrations":
            return {"migrations": [{"id": 1, "status": "error"}]}
        return {"server": self.row}

    def post_again(self, path: str, body: Any) -> None:
        self.asked.append(body["os-migrateLive"]["host"])
        self.row = self.row | self.after


def move(nova: OneInstance) -> None:
    NovaComputes(cast(Cloud, nova)).move(WEB, within=5.0)


def test_an_instance_is_moved_to_the_host_by_its_full_name() -> None:
    nova = OneInstance(after={"OS-EXT-SRV-ATTR:host": "c2.city.example"})
    move(nova)
    move(nova)
    assert nova.asked == ["c2.city.example"], "one that is there is not moved again"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({}, "still on c1, ACTIVE: Nova did not move it to c2"),
        (
            {"OS-EXT-SRV-ATTR:host": "c2.city.example", "status": "ERROR"},
            "left c1 and is in ERROR on c2",
        ),
    ],
)
def test_an_instance_that_stayed_or_came_broken_is_told_of(
    after: dict[str, str], said: str
) -> None:
    with pytest.raises(CloudError, match=said) as failed:
        move(OneInstance(after=after))
    assert "(its migration is `error`)" in failed.value.message
