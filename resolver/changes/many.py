"""Which devices are done one after the other, and which side by side.

Members of one IOMMU group wait for each other's lock, so that side by side they would
gain nothing. Each result is yielded as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Final

from resolver.changes.failures import error_of
from resolver.changes.outcome import Outcome
from resolver.device import Device
from resolver.errors import FailedError, ResolverError
from resolver.inspect.device_words import Found
from resolver.linux import Host
from resolver.options import Options

__all__ = [
    "DEFAULT_JOBS",
    "SERIAL_DRIVERS",
    "Action",
    "Result",
    "attempt",
    "in_order",
    "run_all",
    "units_of",
]

DEFAULT_JOBS: Final = 24
"""Nearly all that a job does is to wait for a driver."""

SERIAL_DRIVERS: Final = frozenset({"ioatdma"})
"""Drivers that break if several of their devices are unbound at once.

Source: https://bugzilla.kernel.org/show_bug.cgi?id=209041.
"""

Result = Outcome | ResolverError
Action = Callable[[Device, Options], Outcome]


def run_all(
    host: Host,
    targets: Sequence[Found],
    action: Action,
    options: Options,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Generator[tuple[int, Result], None, None]:
    """Do every target, and yield its number with what came of it, as it comes.

    :param is_stopped: whether nothing more shall be begun.
    """
    units = units_of(targets)
    count = min(options.jobs or DEFAULT_JOBS, len(units))

    def do(number: int) -> Result:
        return attempt(targets[number][1], action, options)

    workers = host.workers(count, do) if count > 1 and not options.is_dry_run else None
    if workers is None:
        for number in (number for unit in units for number in unit):
            if is_stopped():
                return
            yield number, do(number)
        return
    for number, result in workers.run(units, is_stopped):
        if isinstance(result, str):
            result = FailedError(result, hint="resolver status shows where it is")
        yield number, result


def units_of(targets: Sequence[Found]) -> list[list[int]]:
    """Return the numbers of the targets, those in one list that go one by one."""
    units: dict[object, list[int]] = {}
    for number, (_, device) in enumerate(targets):
        key: object = number
        if isinstance(device, Device):
            if device.binding.driver in SERIAL_DRIVERS:
                key = device.binding.driver
            elif device.iommu_group is not None:
                key = ("group", device.iommu_group)
        units.setdefault(key, []).append(number)
    return list(units.values())


def attempt(device: Device | ResolverError, action: Action, options: Options) -> Result:
    """Do one target, and return also what went wrong."""
    if isinstance(device, ResolverError):
        return device
    try:
        return action(device, options)
    except ResolverError as error:
        return error
    except OSError as problem:
        return FailedError(
            f"{problem.filename or 'the host'}: {error_of(problem)}",
            hint="run as root" if isinstance(problem, PermissionError) else "",
            errno=problem.errno or 0,
        )


def in_order(results: Iterable[tuple[int, Result]]) -> Iterator[tuple[int, Result]]:
    """Yield results by number, each as soon as those before it were.

    After an interruption, the results that were there come before it.
    """
    waiting: dict[int, Result] = {}
    following = 0
    try:
        for number, result in results:
            waiting[number] = result
            while following in waiting:
                yield following, waiting.pop(following)
                following += 1
    except KeyboardInterrupt:
        yield from sorted(waiting.items())
        raise
