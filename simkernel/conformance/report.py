"""The result of a verification, as JSON and as text."""

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
    """Kernel release, as ``uname -r`` prints it."""
    version: str = ""
    """Version of the kernel's source, such as ``6.12.117``."""
    seed: int
    counts: Counts = field(default_factory=Counts)
    random_operations: int = 0
    """Random operations among ``counts``; the others are systematic or written."""
    boot_s: float = 0.0
    """Time that all boots took, in seconds."""
    compare_s: float = 0.0
    """Time from the first program to the last, in seconds."""
    boots: int = 0
    findings: list[Finding] = field(default_factory=list)
    repeated: int = 0
    """Programs that showed a difference already found."""
    agreed: set[str] = field(default_factory=set)
    """Rules on which both kernels agreed, by id."""
    scenarios: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Scenarios that no guest supports: name to reason."""

    @property
    def rate(self) -> float:
        """Operations per second, resets included."""
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
        """Return the report as text; findings come first."""
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
            f"{self.rate:.1f} operations/s; {len(self.agreed)} rules confirmed"
        )
        if self.boots > 1:
            lines.append(f"the guest booted {self.boots} times")
        lines.append(
            f"{len(self.findings)} differences"
            + (f", {self.repeated} repeated" if self.repeated else "")
            if self.findings
            else "no difference beyond those in docs/supported-kernel.md"
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
