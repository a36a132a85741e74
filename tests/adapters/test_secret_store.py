import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.adapters.secret_store import AnsibleVaultSecrets, ensure_secrets
from orchestrator.errors import SecretError
from orchestrator.model.units import Secret, SecretRef

BMC = SecretRef("secret://bmc/city")
CANARY = "canary-7Hq2"


@pytest.fixture
def store(tmp_path):
    store = AnsibleVaultSecrets(tmp_path)
    store.make_password()
    store.put({BMC: Secret(CANARY)})
    return store


def test_a_secret_comes_back_from_a_fresh_store_and_stands_nowhere_in_the_clear(store, tmp_path):
    assert AnsibleVaultSecrets(tmp_path).get(BMC).reveal() == CANARY
    assert all(CANARY.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_the_standard_ansible_vault_tool_opens_the_same_file(store, tmp_path):
    tool = Path(sys.executable).with_name("ansible-vault")
    seen = subprocess.run(
        [tool, "view", "--vault-password-file", ".vault-password", "secrets.vault.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert seen.stdout.strip() == f"bmc/city: {CANARY}"


def test_a_wrong_password_is_one_clear_error_without_any_content(store, tmp_path):
    (tmp_path / ".vault-password").write_text("wrong")

    with pytest.raises(SecretError, match="cannot be opened") as refused:
        AnsibleVaultSecrets(tmp_path).get(BMC)
    assert refused.value.__cause__ is None


def test_a_password_file_that_others_can_read_is_refused(store, tmp_path):
    (tmp_path / ".vault-password").chmod(0o644)

    with pytest.raises(SecretError, match="can be read by others"):
        AnsibleVaultSecrets(tmp_path).get(BMC)


def test_a_missing_secret_is_named_with_the_command_that_sets_it(store):
    with pytest.raises(SecretError) as refused:
        store.get(SecretRef("secret://bmc/dr"))
    assert "secret://bmc/dr" in refused.value.message
    assert refused.value.remedy.endswith("orchestrator secret set bmc/dr")


def test_ensure_secrets_makes_what_is_missing_and_leaves_what_is_there(store, tmp_path):
    other = SecretRef("secret://bmc/dr")

    assert ensure_secrets(store, [BMC, other]) == (other,)
    assert ensure_secrets(store, [BMC, other]) == ()
    assert store.get(BMC).reveal() == CANARY
    assert len(AnsibleVaultSecrets(tmp_path).get(other).reveal()) >= 32


def test_a_secret_is_never_printed_or_pickled():
    secret = Secret(CANARY)

    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_what_another_process_stored_meanwhile_is_kept(store, tmp_path):
    other = SecretRef("secret://backup/city")
    AnsibleVaultSecrets(tmp_path).put({other: Secret("stored elsewhere")})
    store.put({SecretRef("secret://bmc/dr"): Secret("mine")})
    assert AnsibleVaultSecrets(tmp_path).get(other).reveal() == "stored elsewhere"
    assert store.get(other).reveal() == "stored elsewhere"


def test_of_two_that_store_at_once_none_writes_over_the_other(store, tmp_path):
    refs = [SecretRef(f"secret://backup/{number}") for number in range(4)]
    with ThreadPoolExecutor(len(refs)) as pool:
        stored = [
            pool.submit(AnsibleVaultSecrets(tmp_path).put, {ref: Secret("one")}) for ref in refs
        ]
    assert [one.result() for one in stored] == [None] * len(refs)
    assert {*refs, BMC} <= AnsibleVaultSecrets(tmp_path).names()
