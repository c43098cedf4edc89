"""The report of lint as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from resolver.lint.check import LintFinding
from resolver.lint.grammar import parse_pci
from resolver.lint.judgement import Report, device_name
from resolver.lint.module import Module
from resolver.lint.names import Names
from resolver.output.text import shown

__all__ = ["Style", "lines", "print_styled"]

Style = Literal["error", "warning", "note", "head", "plain"]
"""Style of a line."""

_STYLES: Final = {
    "error": "bold red",
    "warning": "yellow",
    "note": "cyan",
    "head": "bold",
    "plain": "",
}
_DEVICES_SHOWN: Final = 8


def lines(
    report: Report, names: Names, *, is_verbose: bool = False
) -> Iterator[tuple[Style, str]]:
    """Yield each module with its devices and findings.

    Modules without findings that do not use VFIO are skipped. The first finding of a
    check has the reason and the fix.

    :param is_verbose: add the rule behind each check, and its source.
    """
    by_place: dict[tuple[str, str], list[LintFinding]] = {}
    for one in report.findings:
        by_place.setdefault((one.path, one.module), []).append(one)
    explained: set[str] = set()
    for module in report.modules:
        found = by_place.pop((module.path, module.name), [])
        if found or module.is_variant:
            yield "head", shown(_head(module))
            yield from (("plain", shown(one)) for one in _devices(module, names))
            yield from _findings(found, explained, is_verbose)
    for (path, _), found in by_place.items():
        yield "head", shown(path)
        yield from _findings(found, explained, is_verbose)
    yield "plain", _summary(report)


def print_styled(styled: Sequence[tuple[Style, str]]) -> None:
    """Print lines on a terminal, in its colours."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for style, line in styled:
        console.print(Text(line, style=_STYLES[style]), soft_wrap=True)


def _head(module: Module) -> str:
    drivers = module.binary.drivers if module.binary else ()
    what = f"module {module.name}"
    if drivers:
        what += f", driver {', '.join(drivers)}"
    return f"{module.path}: {what}"


def _devices(module: Module, names: Names) -> Iterator[str]:
    patterns = [one.pattern for one in module.aliases] if module.is_variant else []
    texts = dict.fromkeys(one for text in patterns if (one := _device(text, names)))
    yield from list(texts)[:_DEVICES_SHOWN]
    if len(texts) > _DEVICES_SHOWN:
        yield f"    and {len(texts) - _DEVICES_SHOWN} more"


def _device(pattern: str, names: Names) -> str:
    fields = parse_pci(pattern)
    if fields is None or "*" in fields[:2]:
        return ""
    ids = f"{fields.vendor[4:]}:{fields.device[4:]}".lower()
    return f"    {ids}  {device_name(pattern, names)}".rstrip()


def _findings(
    found: Sequence[LintFinding], explained: set[str], is_verbose: bool
) -> Iterator[tuple[Style, str]]:
    for one in found:
        where = f"line {one.line}: " if one.line else ""
        severity = one.check.severity
        text = f"  {severity}: {where}{one.message} [{one.check.id}]"
        yield severity, shown(text)
        if one.device:
            yield "plain", shown(f"      device: {one.device}")
        if one.check.id not in explained:
            explained.add(one.check.id)
            yield from (("plain", shown(text)) for text in _why(one, is_verbose))


def _why(one: LintFinding, is_verbose: bool) -> Iterator[str]:
    yield f"      why: {one.check.reason}"
    if is_verbose:
        yield f"      rule: {one.check.rule} ({one.check.source})"
    yield f"      fix: {one.check.remedy}"


def _summary(report: Report) -> str:
    parts = [_counted(len(report.modules), "module")]
    parts += [_counted(report.count(one), one) for one in ("error", "warning", "note")]
    if report.known:
        parts.append(f"{len(report.known)} known")
    return ", ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
