"""Signed reports: genuine, changed, and signed by somebody else."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.adapters.signing import SIGNING_KEY, SiteSigner
from orchestrator.errors import SecretError, SignatureError
from orchestrator.model.units import Secret

REPORT = {"server": "cmp-01", "verdict": "fail", "facts": [{"found": "中", "n": 1}]}


def vault(folder: Path) -> AnsibleVaultSecrets:
    folder.mkdir(exist_ok=True)
    store = AnsibleVaultSecrets(folder)
    store.make_password()
    return store


def test_a_report_that_was_written_and_read_is_genuine(tmp_path: Path) -> None:
    signed = json.loads(json.dumps(SiteSigner(vault(tmp_path)).sign(REPORT)))
    assert SiteSigner(vault(tmp_path)).verify(signed) == REPORT


def test_the_key_is_made_once_and_is_only_in_the_vault(tmp_path: Path) -> None:
    first = SiteSigner(vault(tmp_path)).sign(REPORT)
    assert SiteSigner(vault(tmp_path)).sign(REPORT) == first
    key = vault(tmp_path).get(SIGNING_KEY).reveal()
    assert key not in json.dumps(first)
    assert all(key.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_every_changed_byte_of_the_report_is_refused(tmp_path: Path) -> None:
    signer = SiteSigner(vault(tmp_path))
    text = json.dumps(signer.sign(REPORT)["report"], ensure_ascii=False)
    signature = signer.sign(REPORT)["signature"]
    refused = 0
    for place in range(len(text)):
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        try:
            report = json.loads(changed)
        except ValueError:
            continue
        with pytest.raises(SignatureError):
            signer.verify({"report": report, "signature": signature})
        refused += 1
    assert refused > 20


def test_a_report_of_another_site_is_refused_though_its_own_key_is_in_it(tmp_path: Path) -> None:
    stranger = SiteSigner(vault(tmp_path / "a")).sign({**REPORT, "verdict": "pass"})
    ours = SiteSigner(vault(tmp_path / "b"))
    ours.sign(REPORT)
    with pytest.raises(SignatureError):
        ours.verify(stranger)


@pytest.mark.parametrize(
    "content", [{}, {"report": {}}, {"report": {}, "signature": {"value": "§"}}]
)
def test_what_is_no_signed_report_is_refused(tmp_path: Path, content) -> None:
    signer = SiteSigner(vault(tmp_path))
    signer.sign(REPORT)
    with pytest.raises(SignatureError):
        signer.verify(content)


def test_a_spoilt_key_is_an_error_of_the_vault(tmp_path: Path) -> None:
    store = vault(tmp_path)
    store.put({SIGNING_KEY: Secret(base64.b64encode(b"short").decode())})
    with pytest.raises(SecretError):
        SiteSigner(store).sign(REPORT)
