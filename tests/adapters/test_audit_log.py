import json
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.audit_log import ChainedAuditLog
from orchestrator.errors import StateError


class TickingClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def log(tmp_path):
    log = ChainedAuditLog(tmp_path / "state" / "audit.jsonl", TickingClock())
    for number in range(5):
        log.append(act="apply", facts={"number": number})
    return log


@pytest.fixture
def lines(tmp_path, log):
    path = tmp_path / "state" / "audit.jsonl"

    def rewrite(change):
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    return rewrite


def test_an_untouched_log_is_whole_and_numbered(log):
    assert log.first_broken_entry() is None
    assert log.last()["number"] == 5
    assert log.last()["time"] == "2026-11-22T00:00:05.000+00:00"


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        pytest.param(
            lambda x: [*x[:2], x[2].replace(b'"number": 2', b'"number": 9'), *x[3:]], 3, id="edited"
        ),
        pytest.param(lambda x: [*x[:1], *x[2:]], 2, id="removed"),
        pytest.param(lambda x: [x[0], x[2], x[1], *x[3:]], 2, id="reordered"),
        pytest.param(lambda x: [*x[:2], b"rubbish\n", *x[2:]], 4, id="inserted"),
    ],
)
def test_tampering_is_found_where_it_begins(log, lines, change, broken):
    lines(change)

    assert log.first_broken_entry() == broken


def test_a_line_torn_by_a_crash_is_kept_explained_and_does_not_break_the_chain(log, lines):
    lines(lambda x: [*x, b'{"number": 6, "ti'])

    log.append(act="apply", facts={})

    assert log.last()["number"] == 6
    assert "torn" in log.last()
    assert log.first_broken_entry() is None


def test_entries_longer_than_the_read_window_are_chained(log, tmp_path):
    log.append(act="apply", facts={"text": "扬" * 80_000})
    log.append(act="apply", facts={})

    assert log.first_broken_entry() is None
    last = json.loads((tmp_path / "state" / "audit.jsonl").read_bytes().splitlines()[-1])
    assert last["number"] == 7


def test_a_log_that_cannot_be_written_stops_the_act(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StateError, match="audit log"):
        ChainedAuditLog(tmp_path / "file" / "audit.jsonl", TickingClock()).append(act="x", facts={})
