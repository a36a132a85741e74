import resource
import subprocess
import sys

import pytest

from orchestrator.engine.durable import write_durably
from orchestrator.errors import StateError

WRITE_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
from orchestrator.engine.durable import write_durably
from orchestrator.errors import StateError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_durably(Path(sys.argv[1]), b"new" * 10_000)
except StateError as error:
    print(error.message)
    sys.exit(1)
"""


def test_a_write_that_fails_half_way_leaves_the_old_content_and_no_litter(tmp_path):
    """A file size limit stands for a full disk: write(2) fails in the middle either way."""
    path = tmp_path / "state.json"
    write_durably(path, b"old")

    ended = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH, path], capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 1 and "state.json" in ended.stdout
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_folders_are_made_and_the_file_is_private(tmp_path):
    path = tmp_path / "a" / "b" / "state.json"
    write_durably(path, b"x")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_in_the_way_of_the_folder_is_a_state_error(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(StateError, match="cannot write"):
        write_durably(tmp_path / "a" / "state.json", b"x")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)  # the limit above was the child's only
