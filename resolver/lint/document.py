"""The JSON document of lint; docs/json.md describes its members."""

from __future__ import annotations

from resolver.lint.check import LintFinding
from resolver.lint.judgement import Report
from resolver.lint.module import Module
from resolver.output.documents import document

__all__ = ["report_document"]


def report_document(report: Report, exit_code: int) -> dict[str, object]:
    """Return the document; it lists only modules of VFIO drivers."""
    return document(
        "lint",
        modules=[_module(one) for one in report.modules if one.is_variant],
        findings=[
            *(_finding(one, is_known=False) for one in report.findings),
            *(_finding(one, is_known=True) for one in report.known),
        ],
        module_count=len(report.modules),
        exit_code=exit_code,
    )


def _module(module: Module) -> dict[str, object]:
    return {
        "path": module.path,
        "module": module.name,
        "form": module.form,
        "drivers": list(module.binary.drivers) if module.binary else None,
        "aliases": [one.pattern for one in module.aliases],
    }


def _finding(finding: LintFinding, *, is_known: bool) -> dict[str, object]:
    return {
        "id": finding.check.id,
        "severity": finding.check.severity,
        "path": finding.path,
        "line": finding.line or None,
        "module": finding.module or None,
        "about": finding.about or None,
        "device": finding.device or None,
        "message": finding.message,
        "reason": finding.check.reason,
        "rule": finding.check.rule,
        "source": finding.check.source,
        "remedy": finding.check.remedy,
        "known": is_known,
    }
