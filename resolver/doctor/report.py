"""Output of doctor: lines of text, objects for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resolver.doctor.finding import Finding
from resolver.output.text import shown

__all__ = ["exit_code", "finding_object", "lines"]

_DEVICES_SHOWN = 8


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 if a finding is a problem, else 0."""
    return int(any(finding.severity == "problem" for finding in findings))


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield each finding with its devices and its fix, then the counts."""
    for finding in findings:
        yield shown(f"{finding.severity}: {finding.message} [{finding.id}]")
        if finding.devices:
            yield shown(f"    devices: {_devices(finding.devices)}")
        yield from (shown(f"    fix: {step}") for step in finding.advice)
    yield _summary(findings)


def finding_object(finding: Finding) -> dict[str, object]:
    """Describe a finding for JSON."""
    return {
        "id": finding.id,
        "severity": finding.severity,
        "message": finding.message,
        "advice": list(finding.advice),
        "devices": list(finding.devices),
    }


def _devices(names: Sequence[str]) -> str:
    more = len(names) - _DEVICES_SHOWN
    text = ", ".join(names[:_DEVICES_SHOWN])
    return f"{text} and {more} more" if more > 0 else text


def _summary(findings: Sequence[Finding]) -> str:
    counts = [
        f"{count} {kind}{'' if count == 1 else 's'}"
        for kind in ("problem", "warning", "note")
        if (count := sum(finding.severity == kind for finding in findings))
    ]
    return ", ".join(counts) or "no problem found: this host can use VFIO"
