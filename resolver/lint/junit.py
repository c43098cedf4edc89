"""What lint tells CI systems that count tests: the XML of JUnit.

Source: the schema of the Jenkins plugin xunit, junit-10.xsd.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import Final

from resolver.lint.check import Finding
from resolver.lint.judgement import Report

__all__ = ["junit_report"]

_NOT_IN_XML: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write. Source: XML 1.0, production Char."""


def junit_report(report: Report, *, is_strict: bool) -> str:
    """Return a suite for each file and a case for each of its findings.

    A file without findings has one case, which passes. Errors are failures; warnings
    are only where it is strict, and else pass with a text, as do notes.
    """
    failing = {"error", "warning"} if is_strict else {"error"}
    suites = ElementTree.Element("testsuites", name="resolver lint")
    by_path: dict[str, list[Finding]] = {path: [] for path in report.paths}
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
    findings: Sequence[Finding],
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
        name = f"{one.check.id} {one.about}".strip()
        case = ElementTree.SubElement(
            suite, "testcase", classname=_clean(path), name=_clean(name)
        )
        text = _clean(f"{one.message}\n{one.check.reason}\n{one.check.remedy}")
        if one.check.severity in failing:
            message = _clean(one.message)
            kind = one.check.severity
            failure = ElementTree.SubElement(
                case, "failure", message=message, type=kind
            )
            failure.text = text
        else:
            ElementTree.SubElement(case, "system-out").text = text


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("?", text)
