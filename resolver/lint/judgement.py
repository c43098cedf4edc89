"""Run the selected checks on modules. Pure: modules in, a report out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from resolver.errors import UsageError
from resolver.lint.check import Context, LintFinding
from resolver.lint.checks import CHECKS, check_module
from resolver.lint.checks.files import unreadable
from resolver.lint.grammar import parse_pci
from resolver.lint.kernel import Kernel
from resolver.lint.module import Module, Unreadable
from resolver.lint.names import Names
from resolver.lint.rivals import Rivals
from resolver.suggest import did_you_mean

__all__ = ["Report", "device_name", "judge", "selected"]

_ORDER: Final = ("error", "warning", "note")
_MOST_ALIASES: Final = 2000
"""More than a VFIO driver has. The limit bounds the time of comparisons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a run."""

    modules: tuple[Module, ...]
    """All checked modules, in the order of the command line."""
    findings: tuple[LintFinding, ...]
    """By file, the worst first."""
    known: tuple[LintFinding, ...] = ()
    """Findings that the baseline has."""
    paths: tuple[str, ...] = ()
    """Every file that was named or found, readable or not."""

    def count(self, severity: str) -> int:
        """Return the number of new findings of a severity."""
        return sum(one.check.severity == severity for one in self.findings)

    def exit_code(self, *, is_strict: bool) -> int:
        """Return 1 for errors, with ``is_strict`` also for warnings; else 0."""
        return int(bool(self.count("error") or (is_strict and self.count("warning"))))


def selected(only: Collection[str], disabled: Collection[str]) -> frozenset[str]:
    """Return the ids of the selected checks.

    :param only: ids to select; empty for all.
    :raises UsageError: an id is unknown.
    """
    for name in (*only, *disabled):
        if name not in CHECKS:
            raise UsageError(
                f"unknown check {name!r}",
                hint=did_you_mean(name, CHECKS, "docs/lint.md lists the checks"),
            )
    return frozenset(only or CHECKS) - frozenset(disabled)


def judge(
    things: Sequence[Module | Unreadable],
    kernel: Kernel | None,
    names: Names,
    wanted: Collection[str],
) -> Report:
    """Return the findings about modules.

    :param things: modules, and unreadable files.
    :param kernel: kernel to compare with.
    :param wanted: ids of the checks to run.
    """
    things = [_bounded(one) for one in things]
    modules = tuple(one for one in things if isinstance(one, Module))
    rivals = _rivals(modules, kernel)
    together = frozenset(one.name for one in modules)
    context = Context(kernel=kernel, rivals=rivals, together=together, names=names)
    found: list[LintFinding] = []
    for one in things:
        kept = [
            replace(finding, device=device_name(finding.about, names))
            for finding in _about(one, context)
            if finding.check.id in wanted
        ]
        kept.sort(key=lambda finding: _ORDER.index(finding.check.severity))
        found += kept
    paths = tuple(dict.fromkeys(one.path for one in things))
    return Report(modules=modules, findings=tuple(found), paths=paths)


def device_name(pattern: str, names: Names) -> str:
    """Return the name of the device of a PCI alias; empty if unknown."""
    fields = parse_pci(pattern)
    if fields is None or "*" in (fields.vendor, fields.device):
        return ""
    return names.of(fields.vendor[4:].lower(), fields.device[4:].lower())


def _bounded(one: Module | Unreadable) -> Module | Unreadable:
    if isinstance(one, Unreadable) or len(one.aliases) <= _MOST_ALIASES:
        return one
    if not one.is_variant:
        return one
    return Unreadable(
        one.path, f"too many aliases for a VFIO driver: {len(one.aliases)}"
    )


def _about(one: Module | Unreadable, context: Context) -> Iterable[LintFinding]:
    if isinstance(one, Unreadable):
        return [unreadable(one)]
    return check_module(one, context)


# A checked module replaces the kernel's own module of the same name.
def _rivals(modules: Iterable[Module], kernel: Kernel | None) -> Rivals:
    own = {one.name for one in modules}
    pairs = [(alias.pattern, one.name) for one in modules for alias in one.aliases]
    pairs += [one for one in (kernel.variants if kernel else ()) if one[1] not in own]
    return Rivals(one for one in pairs if one[0].startswith("vfio_pci:"))
