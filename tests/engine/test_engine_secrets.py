"""Secrets in the state: Pulumi's own scheme, a key that is derived late and once, no plain text."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.engine.changes import without_secrets
from orchestrator.engine.secrets import StackSecrets, Vault, hide
from orchestrator.errors import SecretError, StateError
from orchestrator.model.stack import HIDDEN
from orchestrator.model.units import Secret
from orchestrator.providers.values import SECRET, SIGNATURE, as_secret
from tests.fakes.engine_site import STACK, EngineSite, failures, job, thing
from tests.fakes.memory_provider import LOGIN, MemoryProvider

# Made by this code when it opened a salt that Pulumi's own engine had made.
SALT = "v1:AAECAwQFBgc=:v1:aFddNNmw5VPOq2TS:RkvzrsWq2frsEGAKvqSFOrXjDdfesw=="
SEALED = "v1:Cx/zwazBSJO4kJRU:XL7ADeqsvI73GifJrQ2usvSKFI3qJwFJtw=="


class Salts:
    """A place for the salt."""

    def __init__(self) -> None:
        self.salt: str | None = None

    def read_salt(self) -> str | None:
        return self.salt

    def write_salt(self, salt: str) -> None:
        self.salt = salt


def test_a_value_sealed_with_pulumis_scheme_is_opened() -> None:
    vault = Vault(Salts(), lambda: Secret("correct horse"))
    secrets = StackSecrets(vault, SALT)
    sealed = {"key": {SIGNATURE: SECRET, "ciphertext": SEALED}}
    assert secrets.open(sealed) == {"key": as_secret("battery")}


def test_a_wrong_passphrase_is_noticed_by_the_salt() -> None:
    vault = Vault(Salts(), lambda: Secret("wrong horse"))
    with pytest.raises(SecretError, match="cannot be opened"):
        vault.crypter(SALT)


def test_a_salt_of_another_version_is_refused() -> None:
    vault = Vault(Salts(), lambda: Secret("any"))
    with pytest.raises(StateError, match="unknown version"):
        vault.crypter("v2:AAECAwQFBgc=:whatever")


def test_one_salt_and_one_key_for_all_stacks_however_deep_the_secret() -> None:
    asked = []
    salts = Salts()
    vault = Vault(salts, lambda: asked.append("asked") or Secret("phrase"))
    one, other = StackSecrets(vault, ""), StackSecrets(vault, "")
    inputs = {"plain": 1, "deep": [{"token": as_secret({"user": "canary", "n": [1, None]})}]}
    sealed = one.seal(inputs)
    assert "canary" not in repr(sealed)
    assert one.open(sealed) == inputs
    assert other.open(other.seal(inputs)) == inputs
    assert one.salt == other.salt == salts.salt
    assert len(asked) == 1


def test_hiding_decrypts_nothing() -> None:
    sealed = {"deep": [{SIGNATURE: SECRET, "ciphertext": "not even one"}], "plain": 1}
    assert hide(sealed) == {"deep": [HIDDEN], "plain": 1}


def test_a_secret_in_an_error_text_is_hidden() -> None:
    properties = {"login": as_secret({"user": "app", "key": "s3cr3t-key"}), "name": "web"}
    told = without_secrets("web: login with s3cr3t-key was refused", properties)
    assert told == f"web: login with {HIDDEN} was refused"


@pytest.fixture
def world(tmp_path: Path) -> MemoryProvider:
    return MemoryProvider(tmp_path / "world.json")


def test_without_secrets_nobody_is_asked_for_the_passphrase(
    tmp_path: Path, world: MemoryProvider
) -> None:
    site = EngineSite(tmp_path, world)
    site.update(job(thing("a")))
    site.preview(job(thing("a", size=2)))
    assert site.asked_for_passphrase == 0


def test_looking_at_a_state_with_secrets_needs_no_passphrase(
    tmp_path: Path, world: MemoryProvider
) -> None:
    wanted = job(thing("login", kind=LOGIN, token="canary-1", secret=["token"]))
    EngineSite(tmp_path, world).update(wanted)
    later = EngineSite(tmp_path, world)
    (login,) = later.stacks.state(STACK).resources
    assert (login.inputs["token"], login.outputs["password"]) == (HIDDEN, HIDDEN)
    assert "ciphertext" in repr(later.stacks.export(STACK))
    assert later.asked_for_passphrase == 0


def test_a_preview_of_a_new_secret_needs_no_passphrase_and_writes_no_salt(
    tmp_path: Path, world: MemoryProvider
) -> None:
    site = EngineSite(tmp_path, world)
    site.preview(job(thing("login", kind=LOGIN, token="canary-1", secret=["token"])))
    assert site.asked_for_passphrase == 0
    assert not site.root.exists()


def test_a_failure_that_quotes_a_secret_is_told_without_it(
    tmp_path: Path, world: MemoryProvider
) -> None:
    # The fake quotes the name in its refusal.
    secret_name = {**thing("a", secret=["name"]), "inputs": {"name": "canary-name"}}
    world.break_down("canary-name", "create")
    site = EngineSite(tmp_path, world)
    told = failures(site.update(job(secret_name)))
    assert told == {"a": f"create of {HIDDEN} was refused on purpose"}
    assert "canary" not in repr(site.events)
