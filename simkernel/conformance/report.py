"""What a verification found, as a JSON document and as text for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simkernel.conformance.comparison import Counts, Finding
from simkernel.conformance.operations import to_json

__all__ = ["SCHEMA", "Report"]

SCHEMA = "simkernel-verify/1"


@dataclass(slots=True, kw_only=True)
class Report:
    """The result of one verification."""

    release: str
    """As ``uname -r`` prints it."""
    version: str = ""
    """Version of the kernel's source, such as ``6.12.117``."""
    seed: int
    counts: Counts = field(default_factory=Counts)
    random_operations: int = 0
    """Those of ``counts`` that were drawn; the others were systematic or written."""
    boot_s: float = 0.0
    """Seconds until the first guest was up."""
    compare_s: float = 0.0
    """Seconds from the first program to the last."""
    boots: int = 0
    findings: list[Finding] = field(default_factory=list)
    repeated: int = 0
    """Programs that met a difference that was known already."""
    agreed: set[str] = field(default_factory=set)
    """Rules that the kernels were seen to agree on."""
    scenarios: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Scenarios that no real kernel can have: name and why."""

    @property
    def rate(self) -> float:
        """Operations a second, resets included."""
        return self.counts.operations / self.compare_s if self.compare_s else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the report as a document of :data:`SCHEMA`."""
        return {
            "schema": SCHEMA,
            "kernel": {"release": self.release, "version": self.version},
            "seed": self.seed,
            "scenarios": self.scenarios,
            "left_out": self.left_out,
            "programs": self.counts.programs,
            "operations": self.counts.operations,
            "random_operations": self.random_operations,
            "refused_by_both": self.counts.refused,
            "boots": self.boots,
            "boot_s": round(self.boot_s, 1),
            "compare_s": round(self.compare_s, 1),
            "operations_per_s": round(self.rate, 1),
            "rules_agreed": sorted(self.agreed),
            "differences": [_finding(one) for one in self.findings],
            "repeated_differences": self.repeated,
        }

    def to_text(self) -> str:
        """Return the report for a person; programs that differ come first."""
        counts = self.counts
        lines = [f"difference {n}: {one}\n" for n, one in enumerate(self.findings, 1)]
        lines.append(
            f"{self.release}: {counts.operations} operations compared "
            f"({self.random_operations} random, seed {self.seed}), "
            f"{counts.refused} refused by both, in {counts.programs} programs on "
            f"{len(self.scenarios)} scenarios"
        )
        lines.append(
            f"boot {self.boot_s:.1f} s, comparing {self.compare_s:.1f} s, "
            f"{self.rate:.1f} operations a second; {len(self.agreed)} rules agreed on"
        )
        if self.boots > 1:
            lines.append(f"the guest was booted {self.boots} times")
        lines.append(
            f"{len(self.findings)} differences"
            + (f", met {self.repeated} times more" if self.repeated else "")
            if self.findings
            else "no difference that is not listed in docs/supported-kernel.md"
        )
        return "\n".join(lines)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "scenario": finding.scenario,
        "operations": [to_json(one) for one in finding.operations],
        "differences": _rows(finding),
    }


def _rows(finding: Finding) -> Iterable[dict[str, Any]]:
    return [
        {"what": one.what, "model": one.model, "kernel": one.kernel}
        for one in finding.differences
    ]
