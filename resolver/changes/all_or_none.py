"""All devices of a command, or none.

What can be refused is refused before the first is touched. If one fails all the same,
those that this call has changed are put back, the last one first.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from resolver.changes.many import Action, Result, attempt, run_all
from resolver.changes.outcome import Outcome
from resolver.changes.provision import has_written, take_back
from resolver.changes.undertaking import lock_names
from resolver.device import Device
from resolver.errors import BlockedError, FailedError, NotUndoneError, ResolverError
from resolver.inspect.device_words import Found
from resolver.linux import Host
from resolver.options import Terms

__all__ = ["all_or_none"]

_NOT_BEGUN = "nothing was done: it is all devices or none, and another one failed"
_PUT_BACK = "it is as it was: it is all devices or none, and another one failed"


def all_or_none(
    host: Host,
    targets: Sequence[Found],
    action: Action,
    terms: Terms,
    jobs: int | None,
) -> Generator[tuple[int, Result], None, None]:
    """Do every target or none, and yield its number with what came of it.

    :param jobs: as for ``run_all``.
    """
    foreseen = dict(run_all(host, targets, action, replace(terms, is_dry_run=True), 1))
    if terms.is_dry_run or any(map(_is_error, foreseen.values())):
        for number, result in foreseen.items():
            if not terms.is_dry_run and not _is_error(result):
                result = FailedError(_NOT_BEGUN)
            yield number, result
        return
    names = {
        name
        for _, device in targets
        if isinstance(device, Device)
        for name in lock_names(device)
    }
    with host.locked(sorted(names, key=_groups_first), terms.timeout_s):
        yield from _done(host, targets, action, terms, jobs).items()


def _done(
    host: Host,
    targets: Sequence[Found],
    action: Action,
    terms: Terms,
    jobs: int | None,
) -> dict[int, Result]:
    results: dict[int, Result] = {}

    def has_failed() -> bool:
        return any(map(_is_error, results.values()))

    try:
        for number, result in run_all(host, targets, action, terms, jobs, has_failed):
            results[number] = result
            if isinstance(result, BlockedError):
                device = targets[number][1]
                assert isinstance(device, Device)
                host.leave_locks(lock_names(device), result.pid)
    except BaseException:
        _take_all_back(host, results, terms)
        raise
    if has_failed():
        _take_all_back(host, results, terms)
        for number in range(len(targets)):
            results.setdefault(number, FailedError(_NOT_BEGUN))
    return results


def _take_all_back(host: Host, results: dict[int, Result], terms: Terms) -> None:
    with host.uninterrupted():
        for number, outcome in reversed(list(results.items())):
            if isinstance(outcome, Outcome):
                results[number] = _taken_back(host, outcome, terms)


def _taken_back(host: Host, outcome: Outcome, terms: Terms) -> ResolverError:
    if not has_written(outcome):
        return FailedError(_NOT_BEGUN)

    def back(device: Device, terms: Terms) -> Outcome:
        take_back(host, outcome, terms)
        return outcome

    problem = attempt(outcome.device, back, terms)
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
