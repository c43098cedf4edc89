"""Change all devices of a command, or none.

All checks run before the first change. If a device fails, the changed ones are rolled
back, the last one first.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from resolver.changes.many import Action, Result, attempt, run_all
from resolver.changes.outcome import Outcome
from resolver.changes.restore import has_written, undo
from resolver.changes.transaction import lock_names
from resolver.device import Device
from resolver.errors import FailedError, NotUndoneError, ResolverError
from resolver.inspect.device_words import Found
from resolver.linux import Host
from resolver.options import Options

__all__ = ["all_or_none"]

_NOT_CHANGED = "not changed: another device failed"
_ROLLED_BACK = "rolled back: another device failed"


def all_or_none(
    host: Host,
    targets: Sequence[Found],
    action: Action,
    options: Options,
) -> Generator[tuple[int, Result], None, None]:
    """Change every target or none, and yield the number and result of each."""
    dry_run = replace(options, is_dry_run=True)
    foreseen = dict(run_all(host, targets, action, dry_run))
    if options.is_dry_run or any(map(_is_error, foreseen.values())):
        for number, result in foreseen.items():
            if not options.is_dry_run and not _is_error(result):
                result = FailedError(_NOT_CHANGED)
            yield number, result
        return
    names = {
        name
        for _, device in targets
        if isinstance(device, Device)
        for name in lock_names(device)
    }
    with host.until_reported(), host.claimed(names, options.timeout_s):
        yield from _done(host, targets, action, options)


# After an interrupt, the results say what could not be rolled back.
def _done(
    host: Host,
    targets: Sequence[Found],
    action: Action,
    options: Options,
) -> Generator[tuple[int, Result], None, None]:
    results: dict[int, Result] = {}

    def has_failed() -> bool:
        return any(map(_is_error, results.values()))

    interrupt = None
    try:
        for number, result in run_all(host, targets, action, options, has_failed):
            results[number] = result
        host.hold_signals()
    except BaseException as problem:
        host.hold_signals()
        interrupt = problem
    if interrupt is not None or has_failed():
        _roll_all_back(host, results, options)
    if interrupt is not None:
        yield from results.items()
        raise interrupt
    if has_failed():
        for number in range(len(targets)):
            results.setdefault(number, FailedError(_NOT_CHANGED))
    yield from results.items()


def _roll_all_back(host: Host, results: dict[int, Result], options: Options) -> None:
    with host.uninterrupted():
        for number, outcome in reversed(list(results.items())):
            if isinstance(outcome, Outcome):
                results[number] = _rolled_back(host, outcome, options)


def _rolled_back(host: Host, outcome: Outcome, options: Options) -> ResolverError:
    if not has_written(outcome):
        return FailedError(_NOT_CHANGED)

    def back(device: Device, options: Options) -> Outcome:
        undo(host, outcome, options)
        return outcome

    problem = attempt(outcome.device, back, options)
    if isinstance(problem, NotUndoneError):
        return problem
    if isinstance(problem, ResolverError):
        return NotUndoneError(
            "cannot roll back after another device failed",
            problems=(problem.message,),
            hint=f"run `resolver restore {outcome.device.name}`",
        )
    return FailedError(_ROLLED_BACK)


def _is_error(result: Result) -> bool:
    return isinstance(result, ResolverError)
