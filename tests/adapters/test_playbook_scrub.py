"""The scrubber finds a secret in every form in which programs repeat it."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.ansible_playbooks.scrub import HIDDEN, SHORTEST, Scrubber

SECRET = 'p4ss "word"/+ü'


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        json.dumps({"x": SECRET}),
        json.dumps({"x": SECRET}, ensure_ascii=False),
        f"https://x/?y={quote(SECRET, safe='')}",
        *(base64.b64encode(b"z" * n + SECRET.encode() + b"tail").decode() for n in range(6)),
    ],
)
def test_a_secret_in_another_form_is_hidden(shown: str) -> None:
    assert HIDDEN in Scrubber([SECRET]).text(shown)


def test_a_line_of_a_private_key_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nAbCdEfGh\nIjKlMnOp\n-----END KEY-----\n"
    assert Scrubber([key]).text("the line IjKlMnOp") == f"the line {HIDDEN}"


def test_keys_lists_and_numbers_are_looked_into() -> None:
    scrubbed = Scrubber(["123456"]).value({"123456": [123456, {"a": "x123456"}], "n": 7, "t": True})
    assert scrubbed == {HIDDEN: [HIDDEN, {"a": f"x{HIDDEN}"}], "n": 7, "t": True}


@given(
    secret=st.text(st.characters(exclude_categories=("Cs",)), min_size=SHORTEST, max_size=20),
    before=st.text(max_size=5),
)
def test_no_secret_comes_through(secret: str, before: str) -> None:
    text = Scrubber([secret]).text(f"{before}{secret}!")
    assert secret not in text.replace(HIDDEN, "") or secret in HIDDEN + "!"
