"""The report of lint as JUnit XML, for CI systems that count tests.

Source: the schema of the Jenkins plugin xunit, junit-10.xsd.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import Final

from resolver.lint.check import LintFinding
from resolver.lint.judgement import Report

__all__ = ["junit_report"]

_NOT_IN_XML: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot represent. Source: XML 1.0, production Char."""


def junit_report(report: Report, *, is_strict: bool) -> str:
    """Return a suite for each file, with a case for each finding.

    A file without findings has one case, which passes. Errors are failures, and with
    ``is_strict`` warnings, too. All other findings pass, with a text.
    """
    failing = {"error", "warning"} if is_strict else {"error"}
    suites = ElementTree.Element("testsuites", name="resolver lint")
    by_path: dict[str, list[LintFinding]] = {path: [] for path in report.paths}
    for one in report.findings:
        by_path[one.path].append(one)
    for path, findings in by_path.items():
        _suite(suites, path, findings, failing)
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(
    suites: ElementTree.Element,
    path: str,
    findings: Sequence[LintFinding],
    failing: set[str],
) -> None:
    failed = sum(one.check.severity in failing for one in findings)
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=_clean(path),
        tests=str(len(findings) or 1),
        failures=str(failed),
        errors="0",
    )
    if not findings:
        ElementTree.SubElement(suite, "testcase", classname=_clean(path), name="lint")
    for one in findings:
        _case(suite, one, is_failure=one.check.severity in failing)


def _case(
    suite: ElementTree.Element, finding: LintFinding, *, is_failure: bool
) -> None:
    name = f"{finding.check.id} {finding.about}".strip()
    path = _clean(finding.path)
    case = ElementTree.SubElement(suite, "testcase", classname=path, name=_clean(name))
    kind = "failure" if is_failure else "system-out"
    part = ElementTree.SubElement(case, kind)
    part.text = _clean(
        f"{finding.message}\n{finding.check.reason}\n{finding.check.remedy}"
    )
    if is_failure:
        part.set("message", _clean(finding.message))
        part.set("type", finding.check.severity)


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("?", text)
