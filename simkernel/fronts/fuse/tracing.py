"""A view that writes down what programs do with it."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Callable, Mapping
from typing import Any

from simkernel.filesystems.node import Node
from simkernel.filesystems.tree import Tree
from simkernel.fronts.fuse.server.kernel_lock import Turn
from simkernel.fronts.fuse.server.view import View
from simkernel.fronts.fuse.tracing_walk import Step, Walks
from simkernel.fronts.trace import Trace

__all__ = ["TracedView"]

_PLACES = {"dev": "/dev", "proc": "/proc", "sys": "/sys", "vfio": "/dev/vfio"}
"""Where programs see the trees, by their names in the view."""
_OWN_PROC = "machine"
"""The tree that stands for ``/proc`` where the machine's own lacks something."""
_FIRST = 1
"""Number of the process that is ours."""


class TracedView(View):
    """A view whose operations are recorded, once the host is up.

    :param trace: where to.
    :param caller: tells number and program of who makes the call under way.
    """

    def __init__(
        self,
        trees: Mapping[str, Tree],
        turn: Turn,
        trace: Trace,
        caller: Callable[[], tuple[int, str | None]],
    ) -> None:
        super().__init__(trees, turn)
        self._trace = trace
        self._caller = caller
        self._proc = trees["proc"]
        self._lock = threading.Lock()
        self._walks = Walks(self._write)
        self.is_up = False

    def node(self, path: str) -> Node:
        """Return what is at an absolute path."""
        found: Node = self._recorded("stat", path, super().node, path)
        return found

    def readlink(self, path: str) -> str:
        """Return the text of a link."""
        if path.startswith(f"/{_OWN_PROC}/"):
            return super().readlink(path)  # one of ours, to the machine's own
        return str(self._recorded("readlink", path, super().readlink, path))

    def open(self, path: str, flags: int) -> int:
        """Return a number for a file."""
        return int(self._recorded("open", path, super().open, path, flags))

    def open_directory(self, path: str) -> int:
        """Return a number for a directory."""
        return int(self._recorded("listdir", path, super().open_directory, path))

    def read(self, number: int, size: int, offset: int) -> bytes:
        """Return bytes of an open file."""
        path = self._opened[number].path
        return bytes(self._recorded("read", path, super().read, number, size, offset))

    def write(self, number: int, data: bytes) -> int:
        """Carry out one write and return the number of bytes taken."""
        path = self._opened[number].path
        done = self._recorded("write", path, super().write, number, data, data=data)
        return int(done)

    def finish(self) -> None:
        """Write what is still to be written."""
        with self._lock:
            self._walks.finish()

    def _recorded(
        self,
        operation: str,
        path: str,
        carry_out: Callable[..., Any],
        *arguments: Any,
        data: bytes | None = None,
    ) -> Any:
        place = self._place(path) if self.is_up else None
        pid, comm = self._caller() if place is not None else (_FIRST, None)
        if place is None or pid == _FIRST:
            return carry_out(*arguments)
        step = Step(operation, place, comm, self._trace.now(), data=data)
        try:
            result = carry_out(*arguments)
        except OSError as error:
            step.errno = error.errno or 0
            raise
        else:
            if operation in ("read", "readlink"):
                step.data = result
            if operation == "readlink":
                step.target = posixpath.normpath(f"{posixpath.dirname(place)}/{result}")
        finally:
            with self._lock:
                self._walks.take(pid, step)
        return result

    def _write(self, pid: int, step: Step) -> None:
        self._trace.record(
            step.operation,
            step.path,
            time_s=step.time_s,
            data=step.data,
            number=step.errno,
            pid=pid,
            comm=step.comm,
        )

    def _place(self, path: str) -> str | None:
        """Return where programs see a path; None: it is not to be recorded."""
        name, _, rest = path[1:].partition("/")
        if name == _OWN_PROC:
            is_simulated = self._proc.root.child(rest.partition("/")[0]) is not None
            return f"/proc/{rest}" if rest and is_simulated else None
        base = _PLACES.get(name)
        return None if base is None else f"{base}/{rest}".rstrip("/")
