"""Files and scripts of a service: what stands in them, and that the same input gives the same."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest

from orchestrator.compile.postgresql import OWN_SETTINGS, settings, settings_file
from orchestrator.compile.postgresql_sql import service_script
from orchestrator.compile.scram import scram_verifier
from orchestrator.model.data_level import LEVELS, DatabaseRole
from orchestrator.model.declared_service import DeclaredService, hosts_of
from orchestrator.model.site import Site
from tests.fakes.service_site import population, service_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return service_site(tmp_path_factory.mktemp("city"))


@pytest.fixture
def declared(site: Site) -> DeclaredService:
    return population(site)


def test_a_verifier_proves_the_password_that_it_was_made_from() -> None:
    """As a server checks it (RFC 5802, 3): ClientKey from the password, StoredKey from that."""
    made = scram_verifier("a long password", login="app_a", service="a/b")
    scheme, iterations_and_salt, keys = made.split("$")
    iterations, salt = iterations_and_salt.split(":")
    salted = hashlib.pbkdf2_hmac(
        "sha256", b"a long password", base64.b64decode(salt), int(iterations)
    )
    client = hmac.digest(salted, b"Client Key", "sha256")
    assert scheme == "SCRAM-SHA-256"
    assert base64.b64decode(keys.split(":")[0]) == hashlib.sha256(client).digest()
    assert "password" not in made


def test_the_same_password_gives_the_same_verifier_for_one_login_only() -> None:
    first = scram_verifier("one", login="app_a", service="a/b")
    assert first == scram_verifier("one", login="app_a", service="a/b")
    assert first != scram_verifier("one", login="app_a", service="a/c")
    assert first != scram_verifier("one", login="app_b", service="a/b")
    assert first != scram_verifier("two", login="app_a", service="a/b")


def test_every_setting_that_a_service_rests_on_is_kept_from_its_declared_ones(
    site: Site, declared: DeclaredService
) -> None:
    server = hosts_of(site, declared)[0]
    written = settings(declared, server, timezone="Asia/Shanghai")
    free = {"timezone", "log_timezone", "log_line_prefix", "wal_keep_size"}
    assert written.keys() - OWN_SETTINGS == free
    own = replace(declared, service=replace(declared.service, settings={"work_mem": "8MB"}))
    assert settings(own, server, timezone="UTC")["work_mem"] == "8MB"


def test_a_value_cannot_end_its_quotes() -> None:
    text = settings_file({"log_line_prefix": r"it's \ here"})
    assert text.endswith("log_line_prefix = 'it''s \\\\ here'\n")


def test_a_login_that_is_not_among_the_declared_ones_is_shut_out(
    declared: DeclaredService,
) -> None:
    logins = {"owner_a": DatabaseRole.OWNER, "app_b": DatabaseRole.APP}
    script = service_script(declared, logins=logins, replicas=["db-2"])
    assert "ALTER ROLE app_a NOLOGIN PASSWORD NULL;" in script
    assert "ALTER ROLE app_b NOLOGIN" not in script
    assert "CREATE ROLE exchange" not in script, "level 4 is not shared"
    assert script.count("\\if :needed") == script.count("\\endif") == script.count("\\echo 'MADE ")


def test_higher_levels_owe_more() -> None:
    for lower, higher in ((1, 2), (2, 3), (3, 4)):
        less, more = LEVELS[lower], LEVELS[higher]
        assert set(less.audit.split(",")) < set(more.audit.split(","))
        assert more.tls_required >= less.tls_required
        assert more.log_connections >= less.log_connections
    assert DatabaseRole.EXCHANGE not in LEVELS[4].roles
