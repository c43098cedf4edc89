"""Minimizes a program that shows a difference.

Every attempt runs on a real kernel, so attempts are few. First operations are
removed, larger blocks first. Then names are replaced by ones that need fewer
operations, and written texts are shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from simkernel.conformance.comparison import Finding
from simkernel.conformance.operations import (
    Load,
    Operation,
    Operations,
    Plug,
    Read,
    Unplug,
    Write,
)

__all__ = ["MAX_TRIES", "minimize"]

MAX_TRIES = 60
"""Maximum number of reruns per finding."""

_Rerun = Callable[[Operations], Finding | None]
"""Runs a program; returns None if the kernels agree."""


def minimize(
    finding: Finding,
    rerun: _Rerun,
    names: Sequence[Sequence[str]] = (),
    *,
    max_tries: int = MAX_TRIES,
) -> Finding:
    """Return a finding whose program is as short as the reruns allow.

    :param finding: result of :class:`~simkernel.conformance.comparison.Comparison`.
    :param names: kinds of names, such as drivers; in each, the initially present
        names come first.
    """
    search = _Search(finding, rerun, max_tries)
    search.remove_all()
    for kind in names:
        if search.rename(kind):
            search.remove_all()
    while search.shorten():
        pass
    return search.finding


class _Search:
    """The shortest finding so far, and the programs tried."""

    def __init__(self, finding: Finding, rerun: _Rerun, left: int) -> None:
        self.finding = finding
        self._rerun = rerun
        self._left = left
        self._tried: set[Operations] = {finding.operations}

    def remove_all(self) -> None:
        """Remove all unneeded operations, larger blocks first."""
        size = len(self.finding.operations) - 1
        while size > 0:
            shorter = self._remove_blocks(size)
            if size > 1 or not shorter:
                size //= 2

    def _remove_blocks(self, size: int) -> bool:
        """Remove blocks of a size where possible; return whether any was removed."""
        before = len(self.finding.operations)
        start = 0
        while start < len(self.finding.operations):
            program = self.finding.operations
            if not self._shows(program[:start] + program[start + size :]):
                start += size
        return len(self.finding.operations) < before

    def rename(self, names: Sequence[str]) -> bool:
        """Replace a name by an earlier one; return whether one was replaced."""
        program = self.finding.operations
        return any(
            self._shows(tuple(_renamed(one, old, new) for one in program))
            for index, old in enumerate(names)
            for new in names[:index]
        )

    def shorten(self) -> bool:
        """Shorten one operation; return whether that was possible."""
        program = self.finding.operations
        return any(
            self._shows((*program[:index], shorter, *program[index + 1 :]))
            for index, operation in enumerate(program)
            for shorter in _shorter(operation)
        )

    def _shows(self, program: Operations) -> bool:
        """Whether a program shows a difference; if so, keep it as the shortest."""
        if not self._left or program in self._tried:
            return False
        self._left -= 1
        self._tried.add(program)
        found = self._rerun(program)
        if found is None:
            return False
        self.finding = found
        self._tried.add(found.operations)
        return True


def _shorter(operation: Operation) -> Iterator[Operation]:
    """Yield shorter operations."""
    if isinstance(operation, Load) and operation.parameters:
        yield replace(operation, parameters="")
    if isinstance(operation, Write):
        data = operation.data
        stripped = data.split(b"\0", 1)[0].strip()
        if stripped and stripped != data:
            yield replace(operation, data=stripped)
        if len(data) > 1:
            yield replace(operation, data=data[: len(data) // 2])


def _renamed(operation: Operation, old: str, new: str) -> Operation:
    """Replace a name in an operation's path and data."""
    match operation:
        case Write(path, data):
            data = data.replace(old.encode(), new.encode())
            return Write(path.replace(old, new), data)
        case Read(path):
            return Read(path.replace(old, new))
        case Unplug(address) if address == old:
            return Unplug(new)
        case Plug(address) if address == old:
            return Plug(new)
        case _:
            return operation
