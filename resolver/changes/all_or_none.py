"""All devices of a command, or none.

What can be refused is refused before the first is touched. If one fails all the same,
those that this call has changed are put back, the last one first.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from resolver.changes.many import Action, Result, attempt, run_all
from resolver.changes.outcome import Outcome
from resolver.changes.restore import has_written, undo
from resolver.changes.transaction import lock_names
from resolver.device import Device
from resolver.errors import BlockedError, FailedError, NotUndoneError, ResolverError
from resolver.inspect.device_words import Found
from resolver.linux import Host
from resolver.options import Options

__all__ = ["all_or_none"]

_NOT_BEGUN = "nothing was done: it is all devices or none, and another one failed"
_PUT_BACK = "it is as it was: it is all devices or none, and another one failed"


def all_or_none(
    host: Host,
    targets: Sequence[Found],
    action: Action,
    options: Options,
) -> Generator[tuple[int, Result], None, None]:
    """Do every target or none, and yield its number with what came of it."""
    dry_run = replace(options, is_dry_run=True)
    foreseen = dict(run_all(host, targets, action, dry_run))
    if options.is_dry_run or any(map(_is_error, foreseen.values())):
        for number, result in foreseen.items():
            if not options.is_dry_run and not _is_error(result):
                result = FailedError(_NOT_BEGUN)
            yield number, result
        return
    names = {
        name
        for _, device in targets
        if isinstance(device, Device)
        for name in lock_names(device)
    }
    with host.locked(sorted(names, key=_groups_first), options.timeout_s):
        yield from _done(host, targets, action, options).items()


def _done(
    host: Host,
    targets: Sequence[Found],
    action: Action,
    options: Options,
) -> dict[int, Result]:
    results: dict[int, Result] = {}

    def has_failed() -> bool:
        return any(map(_is_error, results.values()))

    try:
        for number, result in run_all(host, targets, action, options, has_failed):
            results[number] = result
            if isinstance(result, BlockedError):
                device = targets[number][1]
                assert isinstance(device, Device)
                host.leave_locks(lock_names(device), result.pid)
    except BaseException:
        _take_all_back(host, results, options)
        raise
    if has_failed():
        _take_all_back(host, results, options)
        for number in range(len(targets)):
            results.setdefault(number, FailedError(_NOT_BEGUN))
    return results


def _take_all_back(host: Host, results: dict[int, Result], options: Options) -> None:
    with host.uninterrupted():
        for number, outcome in reversed(list(results.items())):
            if isinstance(outcome, Outcome):
                results[number] = _taken_back(host, outcome, options)


def _taken_back(host: Host, outcome: Outcome, options: Options) -> ResolverError:
    if not has_written(outcome):
        return FailedError(_NOT_BEGUN)

    def back(device: Device, options: Options) -> Outcome:
        undo(host, outcome, options)
        return outcome

    problem = attempt(outcome.device, back, options)
    if isinstance(problem, NotUndoneError):
        return problem
    if isinstance(problem, ResolverError):
        return NotUndoneError(
            "another device failed, and this one could not be put back",
            problems=(problem.message,),
            hint=f"resolver restore {outcome.device.name} tries again",
        )
    return FailedError(_PUT_BACK)


def _is_error(result: Result) -> bool:
    return isinstance(result, ResolverError)


# As every other call takes them.
def _groups_first(name: str) -> tuple[bool, str]:
    return not name.startswith("group-"), name
