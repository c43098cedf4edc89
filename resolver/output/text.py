"""Text output, and the exit code.

Exit codes: 0 done, or nothing to do. 1 failed; the host is unchanged. 2 invalid command
line. 3 refused by a safety rule or by the administrator. 4 no such device, driver or
record. 5 failed; the host is changed. 130 interrupted; the host is unchanged. 141 done,
but the output is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from resolver.changes.outcome import Outcome
from resolver.changes.plan import Step
from resolver.device import Device
from resolver.errors import NotUndoneError, ResolverError
from resolver.explanation import Explanation
from resolver.linux import Host
from resolver.matching.alias_files import FileWarning
from resolver.matching.driver_state import REMARKABLE, DriverState
from resolver.matching.migration import Migration
from resolver.matching.select import Candidate, Choice
from resolver.persistence.persist import Persisted
from resolver.status import Status

__all__ = [
    "DEVICE_COLUMNS",
    "STATUS_COLUMNS",
    "columns",
    "device_row",
    "error_lines",
    "explanation_lines",
    "outcome_lines",
    "shown",
    "status_row",
    "step_lines",
    "summary",
    "unpersisted_lines",
    "warning_line",
    "worst",
]

DEVICE_COLUMNS = (
    *("DEVICE", "ID", "DRIVER", "BEST", "MIGRATION", "GROUP", "INTERFACES", "REMARK"),
)
STATUS_COLUMNS = ("DEVICE", "ID", "PREVIOUS", "WANTED", "CURRENT", "STATE")
_KINDS = ("changed", "unchanged", "failed", "refused", "not found", "not rolled back")
_NONE = "-"


def worst(codes: Iterable[int]) -> int:
    """Return the exit code for several devices: the highest one."""
    return max(codes, default=0)


def shown(text: str) -> str:
    """Return text that is safe on any terminal: printable ASCII.

    Names from devices, files and users can contain any byte.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape", "backslashreplace").decode("ascii")


def outcome_lines(outcome: Outcome, *, is_dry_run: bool) -> Iterator[str]:
    """Yield ``DEVICE (ID): old -> new``, and the reason below it."""
    device, choice = outcome.device, outcome.choice
    old = device.binding.driver or "none"
    new = outcome.driver or "none"
    if outcome.driver is None and choice is not None:
        new = f"(the driver of {choice.module})"
    if not outcome.changed:
        line = f"{device}: {new} already"
    elif old == new:
        line = f"{device}: {new}, driver_override corrected"
    else:
        line = f"{device}: {old} -> {new}"
    yield shown(line + (" (dry run)" if is_dry_run else ""))
    if choice is not None:
        yield f"    {_because(choice)}"
    notes = outcome.notes + (choice.notes if choice else ())
    yield from (shown(f"    note: {note}") for note in notes)
    yield from _provided_lines(outcome)


def _provided_lines(outcome: Outcome) -> Iterator[str]:
    for one in outcome.given:
        new = f"uid {one.after.uid}, gid {one.after.gid}, mode {one.after.mode:04o}"
        yield shown(f"    {one.path}: {new}")
    done = outcome.persisted
    if done is not None:
        state = "" if done.files else " already"
        yield f"    bound at every boot by {done.mechanism}{state}"
        yield from (shown(f"    note: {note}") for note in done.notes)


def unpersisted_lines(name: str, done: Persisted, *, is_dry_run: bool) -> Iterator[str]:
    """Yield ``DEVICE: no longer bound at boot``, and the removed files."""
    ending = " (dry run)" if is_dry_run else ""
    yield shown(f"{name}: no longer bound at boot by {done.mechanism}{ending}")
    yield from (shown(f"    note: {note}") for note in done.notes)
    if is_dry_run:
        yield from (shown(f"    remove {path}") for path in done.files)


def step_lines(host: Host, steps: Sequence[Step]) -> Iterator[str]:
    """Yield one numbered line for each step."""
    for number, step in enumerate(steps, 1):
        if step.action == "load":
            action = f"load module {step.text}"
        elif step.action == "record":
            action = f"record the device in {step.path}"
        elif step.action == "lock":
            text = step.text.strip()
            action = f"write {text} to {step.path} until it reads {text}"
        elif step.text == "\n":
            action = f"clear {host.sys}/{step.path}"
        else:
            action = f"write {step.text.strip()} to {host.sys}/{step.path}"
        yield shown(f"    {number}. {action}")


def explanation_lines(text: str, found: Explanation) -> Iterator[str]:
    """Yield which driver a device would get, the candidates, and the reasons.

    :param text: the device as the user wrote it.
    """
    device, choice = found.device, found.choice
    name = str(device) if device else text
    new = found.driver or f"(the driver of {choice.module})"
    old = device.binding.driver or "none" if device else None
    if old is None or old == new:
        yield shown(f"{name}: {new}{' already' if old == new else ''}")
    else:
        yield shown(f"{name}: {old} -> {new}")
    yield f"    {_because(choice)}"
    if choice.modalias:
        yield shown(f"    looked up  {choice.modalias}")
    yield shown(f"    module     {choice.module}: {found.module_state}")
    if found.migration is not None:
        yield f"    migration  {found.migration}"
    if found.prohibition is not None and found.prohibition.is_certain:
        where, line = found.prohibition.where, found.prohibition.text
        yield shown(f"    prohibited by {where}: {line}")
    if found.refusal is not None:
        yield shown(f"    refused    {found.refusal.rule}: {found.refusal.message}")
        yield shown(f"               {found.refusal.hint}")
    if choice.candidates:
        yield "    candidates, the fewest wildcards first:"
        rows = [_candidate_row(candidate) for candidate in choice.candidates]
        yield from (f"      {line}" for line in columns(rows))
    yield from (shown(f"    note: {note}") for note in found.notes)
    yield from (f"    {warning_line(warning)}" for warning in found.warnings)


def _candidate_row(candidate: Candidate) -> tuple[str, ...]:
    entry = candidate.entry
    place = f"{entry.source}{_line(entry.line)}"
    wildcards = str(candidate.wildcards)
    return wildcards, entry.module, place, entry.pattern, candidate.reason


def warning_line(warning: FileWarning) -> str:
    """Return ``warning: FILE line N: TEXT``."""
    return shown(f"warning: {warning.path}{_line(warning.line)}: {warning.text}")


def error_lines(error: ResolverError) -> Iterator[str]:
    """Yield the lines of an error, and its hint."""
    yield shown(f"error: {error}")
    if isinstance(error, NotUndoneError):
        yield from (shown(f"error: not rolled back: {p}") for p in error.problems)
    if error.hint:
        yield shown(f"hint: {error.hint}")


def device_row(
    device: Device,
    choice: Choice | None,
    best_driver: str | None,
    state: DriverState,
    migration: Migration,
) -> tuple[str, ...]:
    """Return the cells of a device under ``DEVICE_COLUMNS``.

    The state is shown only if the other cells do not show it.
    """
    remark = state if state in REMARKABLE else ""
    best = best_driver or (choice.name if choice else None)
    cells = (
        device.name,
        device.vendor_device,
        device.binding.driver,
        best,
        migration,
        device.iommu_group,
        ",".join(device.interfaces),
        remark,
    )
    return tuple(shown(cell) if cell else _NONE for cell in cells)


def status_row(found: Status) -> tuple[str, ...]:
    """Return the cells of a recorded device under ``STATUS_COLUMNS``."""
    record, now = found.record, found.now
    cells = (
        found.name,
        record.vendor_device if record else None,
        record.driver if record else None,
        record.wanted if record else None,
        now.driver if now else None,
        found.state,
    )
    return tuple(shown(cell) if cell else _NONE for cell in cells)


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield shown("  ".join(cell.ljust(width) for cell, width in cells).rstrip())


def summary(outcomes: Sequence[Outcome | ResolverError]) -> str:
    """Return the number of devices by result."""
    kinds = Counter(_kind(outcome) for outcome in outcomes)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in _KINDS if kinds[kind])
    return f"{len(outcomes)} devices: {counts}"


def _kind(outcome: Outcome | ResolverError) -> str:
    if isinstance(outcome, ResolverError):
        kinds = {3: "refused", 4: "not found", 5: "not rolled back"}
        return kinds.get(outcome.exit_code, "failed")
    return "changed" if outcome.changed else "unchanged"


def _because(choice: Choice) -> str:
    if choice.source == "user":
        return "requested with --driver"
    if choice.source == "generic":
        return "no alias matches the device: generic driver of the bus"
    return shown(f"{choice.alias} ({choice.source})")


def _line(number: int) -> str:
    return f" line {number}" if number else ""
