from __future__ import annotations

from pathlib import Path

from orchestrator.cli.render.diagnostics import diagnostics_json, diagnostics_text
from orchestrator.model.diagnostic import Diagnostic, Severity
from orchestrator.model.units import NOWHERE, Source
from tests.cli.printed import lines


def finding(code: str = "HW003", *, source: Source = NOWHERE, **other: object) -> Diagnostic:
    return Diagnostic(
        code=code,
        summary="Rack units overlap",
        detail="cmp-01 and cmp-02 both stand in U5 of r1.",
        remedy="Move one of them.",
        source=source,
        **other,
    )


def at(line: int, column: int, file: str = "hardware.yaml") -> Source:
    return Source(file=file, line=line, column=column)


def test_a_finding_shows_place_line_caret_reason_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "hardware.yaml").write_text("servers:\n  - name: cmp-01\n    unit: 5\n")
    assert lines(diagnostics_text([finding(source=at(3, 11))], tmp_path)) == [
        f"{tmp_path}/hardware.yaml:3:11: error HW003 Rack units overlap",
        "  3 |     unit: 5",
        "    |           ^",
        "  why: cmp-01 and cmp-02 both stand in U5 of r1.",
        "  do:  Move one of them.",
        "",
        "1 error in 1 file.",
    ]


def test_the_caret_stands_below_its_column_after_chinese_text(tmp_path: Path) -> None:
    line = "display: {zh: 工信局, en: X}"
    (tmp_path / "tenancy.yaml").write_text(line + "\n")
    column = line.index("en:") + 1
    shown = lines(diagnostics_text([finding(source=at(1, column, "tenancy.yaml"))], tmp_path))
    wide = 3  # each of the three characters takes one cell more than it has characters
    assert shown[2].index("^") == shown[1].index("en:") + wide


def test_a_line_that_is_longer_than_a_screen_is_shown_around_the_caret(tmp_path: Path) -> None:
    (tmp_path / "hardware.yaml").write_text("x" * 500 + "HERE" + "y" * 5000)
    shown = lines(diagnostics_text([finding(source=at(1, 501))], tmp_path))
    assert len(shown[1]) < 120
    assert shown[1][shown[2].index("^") :].startswith("HERE")


def test_no_line_that_could_hold_a_secret_is_shown(tmp_path: Path) -> None:
    (tmp_path / "hardware.yaml").write_text(
        "bmc:\n  password: hunter2canary\n  password:\n    - hunter3canary\n"
        "note: -----BEGIN RSA PRIVATE KEY----- canary\n"
    )
    findings = [
        finding("SY023", source=at(2, 13)),
        finding("SE001", source=at(4, 7)),
        finding("SY022", source=at(4, 7)),
        finding("SY022", source=at(5, 7)),
    ]
    assert "canary" not in "\n".join(lines(diagnostics_text(findings, tmp_path)))


def test_a_secret_reference_is_shown(tmp_path: Path) -> None:
    (tmp_path / "hardware.yaml").write_text("password: secret://BMC/city\n")
    shown = lines(diagnostics_text([finding("SY023", source=at(1, 11))], tmp_path))
    assert "password: secret://BMC/city" in shown[1]


def test_a_file_that_cannot_be_read_costs_only_the_line(tmp_path: Path) -> None:
    (tmp_path / "hardware.yaml").write_bytes("名称: 工信局\n".encode("gb18030"))
    for file in ("hardware.yaml", "missing.yaml"):
        shown = lines(diagnostics_text([finding(source=at(1, 1, file))], tmp_path))
        assert shown[0].endswith("error HW003 Rack units overlap")
        assert shown[1].startswith("  why: ")


def test_findings_are_ordered_by_place_and_counted_by_severity(tmp_path: Path) -> None:
    findings = [
        finding("MR002", source=at(9, 1, "room.yaml")),
        finding("HW003", source=at(7, 1)),
        finding("HW001", source=at(2, 1), severity=Severity.WARNING),
    ]
    shown = lines(diagnostics_text(findings, tmp_path))
    assert [line.split()[2] for line in shown if "overlap" in line] == ["HW001", "HW003", "MR002"]
    assert shown[-1] == "2 errors, 1 warning in 2 files."


def test_a_terminal_control_sequence_in_a_file_is_not_passed_on(tmp_path: Path) -> None:
    (tmp_path / "hardware.yaml").write_text("name: \x1b]0;owned\x07\n")
    assert "\x1b" not in "\n".join(lines(diagnostics_text([finding(source=at(1, 1))], tmp_path)))


def test_json_has_the_facts_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "hardware.yaml").write_text("servers:\n")
    assert diagnostics_json([finding(source=at(1, 3)), finding()], tmp_path) == [
        {
            "code": "HW003",
            "severity": "error",
            "summary": "Rack units overlap",
            "detail": "cmp-01 and cmp-02 both stand in U5 of r1.",
            "remedy": "Move one of them.",
            "file": f"{tmp_path}/hardware.yaml",
            "line": 1,
            "column": 3,
        },
        {
            "code": "HW003",
            "severity": "error",
            "summary": "Rack units overlap",
            "detail": "cmp-01 and cmp-02 both stand in U5 of r1.",
            "remedy": "Move one of them.",
            "file": None,
            "line": None,
            "column": None,
        },
    ]
