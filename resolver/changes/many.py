"""Change several devices, those of different IOMMU groups in parallel.

Members of one IOMMU group run one after the other: they share a lock. Each result is
yielded as soon as it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Final

from resolver.changes.failures import error_of
from resolver.changes.outcome import Outcome
from resolver.changes.recover import Before, recover, state_of
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
"""IOMMU groups in parallel; a job waits for a driver most of the time."""

SERIAL_DRIVERS: Final = frozenset({"ioatdma"})
"""Drivers that fail if several of their devices are unbound in parallel.

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
    """Change every target, and yield the number and result of each as it comes.

    :param is_stopped: returns whether to start no further target.
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
            with host.until_reported():
                yield number, do(number)
        return
    before = _states(host, targets, options)
    for number, result in workers.run(units, is_stopped):
        if isinstance(result, str):
            device = targets[number][1]
            assert isinstance(device, Device)  # Errors need no worker.
            result = recover(host, device, before.get(number), options, result)
        yield number, result


def _states(
    host: Host, targets: Sequence[Found], options: Options
) -> dict[int, Before | None]:
    if not host.names(host.journal):
        return {}
    return {
        number: state_of(host, device, options)
        for number, (_, device) in enumerate(targets)
        if isinstance(device, Device)
    }


def units_of(targets: Sequence[Found]) -> list[list[int]]:
    """Return the numbers of the targets; a list runs one after the other."""
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
    """Change one target, and return its outcome or its error."""
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
    """Yield results in order, each as soon as the ones before it.

    An interruption comes after the results that are known.
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
