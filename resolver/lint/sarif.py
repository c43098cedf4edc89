"""The report of lint as SARIF 2.1.0, for code review.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from resolver.lint.check import Check, LintFinding
from resolver.lint.checks import CHECKS
from resolver.lint.judgement import Report

__all__ = ["sarif_log"]

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
    "sarif-schema-2.1.0.json"
)
_RULES: Final = list(CHECKS)


def sarif_log(report: Report, version: str) -> dict[str, object]:
    """Return the log of one run.

    :param version: version of resolver.
    """
    rules = [_rule(CHECKS[one]) for one in _RULES]
    driver = {"name": "resolver lint", "version": version, "rules": rules}
    results = [_result(one, is_known=False) for one in report.findings]
    results += [_result(one, is_known=True) for one in report.known]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(one)}} for one in report.paths],
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(check: Check) -> dict[str, object]:
    return {
        "id": check.id,
        "shortDescription": {"text": check.reason},
        "fullDescription": {"text": f"{check.reason} {check.rule}"},
        "help": {"text": f"{check.remedy} Source: {check.source}."},
        "defaultConfiguration": {"level": check.severity},
    }


def _result(finding: LintFinding, *, is_known: bool) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": _uri(finding.path)}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    location: dict[str, object] = {"physicalLocation": place}
    if finding.module:
        named = {"name": finding.module, "kind": "module"}
        location["logicalLocations"] = [named]
    device = f" ({finding.device})" if finding.device else ""
    found: dict[str, object] = {
        "ruleId": finding.check.id,
        "ruleIndex": _RULES.index(finding.check.id),
        "level": finding.check.severity,
        "message": {"text": f"{finding.message}{device}. {finding.check.remedy}"},
        "locations": [location],
        "partialFingerprints": {"finding/v1": "|".join(finding.key)},
    }
    if is_known:
        found["suppressions"] = [{"kind": "external"}]
    return found


def _uri(path: str) -> str:
    return quote("stdin" if path == "-" else path, errors="backslashreplace")
