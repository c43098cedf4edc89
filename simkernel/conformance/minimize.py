"""Making a program smaller that shows a difference.

Each try is a rerun on a real kernel, so there are few of them: what came after the
difference is gone already, then pieces are left out, larger ones first, then names
are exchanged for others that may need less, then texts become simpler.
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
"""_Reruns that shrinking one finding may take."""

_Rerun = Callable[[Operations], Finding | None]
"""Plays a program; None: the kernels agree."""


def minimize(
    finding: Finding,
    rerun: _Rerun,
    names: Sequence[Sequence[str]] = (),
    *,
    max_tries: int = MAX_TRIES,
) -> Finding:
    """Return a finding whose program is as small as the tries allow.

    :param finding: one that :class:`Comparison` returned.
    :param names: kinds of names, such as drivers; of each kind the ones that are there
        from the start stand first.
    """
    search = _Search(finding, rerun, max_tries)
    search.leave_out_all()
    for kind in names:
        if search.rename(kind):
            search.leave_out_all()
    while search.simplify():
        pass
    return search.finding


class _Search:
    """The smallest finding so far, and what was tried."""

    def __init__(self, finding: Finding, rerun: _Rerun, left: int) -> None:
        self.finding = finding
        self._rerun = rerun
        self._left = left
        self._tried: set[Operations] = {finding.operations}

    def leave_out_all(self) -> None:
        """Leave out all that is not needed, larger pieces first."""
        size = len(self.finding.operations) - 1
        while size > 0:
            shorter = self._leave_out(size)
            if size > 1 or not shorter:
                size //= 2

    def _leave_out(self, size: int) -> bool:
        """Leave out every piece of that many operations; tell whether one was."""
        before = len(self.finding.operations)
        start = 0
        while start < len(self.finding.operations):
            program = self.finding.operations
            if not self._shows(program[:start] + program[start + size :]):
                start += size
        return len(self.finding.operations) < before

    def rename(self, names: Sequence[str]) -> bool:
        """Exchange a name for one that stands before it; tell whether one was."""
        program = self.finding.operations
        return any(
            self._shows(tuple(_renamed(one, old, new) for one in program))
            for index, old in enumerate(names)
            for new in names[:index]
        )

    def simplify(self) -> bool:
        """Make one operation say less; tell whether that was possible."""
        program = self.finding.operations
        return any(
            self._shows((*program[:index], simpler, *program[index + 1 :]))
            for index, operation in enumerate(program)
            for simpler in _simpler(operation)
        )

    def _shows(self, program: Operations) -> bool:
        """Tell whether a program shows a difference; it is then the smallest."""
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


def _simpler(operation: Operation) -> Iterator[Operation]:
    """Yield operations that say less."""
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
    """Exchange a name in a path and in what is written."""
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
