"""Recording of file operations on the fuse tier."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Callable
from typing import Any, Protocol

from simkernel.filesystems.node import Node
from simkernel.filesystems.tree import Tree
from simkernel.fronts.tracing.path_walk import FileCall, PathWalks
from simkernel.fronts.tracing.trace import Trace

__all__ = ["FuseTracer"]

_MOUNT_POINTS = {"dev": "/dev", "proc": "/proc", "sys": "/sys", "vfio": "/dev/vfio"}
"""Mount points of the trees, by their names in the FUSE file system."""
_MACHINE_PROC = "machine"
"""The tree mounted at ``/proc`` where the machine's own ``/proc`` lacks files."""
_INIT_PID = 1
_OPERATIONS = {
    "node": "stat",
    "open": "open",
    "open_directory": "listdir",
    "readlink": "readlink",
}
"""Methods of a view that take a path first, and the operation of each."""


class _View(Protocol):
    """The part of a view that a tracer does not replace."""

    def node_of(self, number: int) -> tuple[str, Node]: ...


class FuseTracer:
    """Recorder of file operations on one view.

    :param caller: returns process id and program name of the calling program.
    :param proc: the simulated part of ``/proc``.
    """

    def __init__(
        self, trace: Trace, caller: Callable[[], tuple[int, str | None]], proc: Tree
    ) -> None:
        self._trace = trace
        self._caller = caller
        self._proc = proc
        self._lock = threading.Lock()
        self._walks = PathWalks(self._write)

    def attach(self, view: _View) -> None:
        """Record the operations on a view from now on."""
        for method, operation in _OPERATIONS.items():
            setattr(view, method, self._by_path(operation, getattr(view, method)))
        for operation in ("read", "write"):
            carry_out = getattr(view, operation)
            setattr(view, operation, self._by_number(operation, carry_out, view))

    def finish(self) -> None:
        """Write the operations that are still held back."""
        with self._lock:
            self._walks.finish()

    def _by_path(
        self, operation: str, carry_out: Callable[..., Any]
    ) -> Callable[..., Any]:
        def call(path: str, *arguments: Any) -> Any:
            if operation == "readlink" and path.startswith(f"/{_MACHINE_PROC}/"):
                return carry_out(path)  # a link of the simulation, not of the host
            return self._recorded(operation, path, carry_out, path, *arguments)

        return call

    def _by_number(
        self, operation: str, carry_out: Callable[..., Any], view: _View
    ) -> Callable[..., Any]:
        def call(number: int, *arguments: Any) -> Any:
            path, _ = view.node_of(number)
            return self._recorded(operation, path, carry_out, number, *arguments)

        return call

    def _recorded(
        self, operation: str, path: str, carry_out: Callable[..., Any], *arguments: Any
    ) -> Any:
        visible = self._visible_path(path)
        pid, comm = self._caller() if visible is not None else (_INIT_PID, None)
        if visible is None or pid == _INIT_PID:
            return carry_out(*arguments)
        call = FileCall(operation, visible, comm, self._trace.now())
        if operation == "write":
            call.data = arguments[1]
        try:
            result = carry_out(*arguments)
        except OSError as error:
            call.errno = error.errno or 0
            raise
        else:
            if operation in ("read", "readlink"):
                call.data = result
            if operation == "readlink":
                folder = posixpath.dirname(visible)
                call.target = posixpath.normpath(f"{folder}/{result}")
        finally:
            with self._lock:
                self._walks.add(pid, call)
        return result

    def _write(self, pid: int, call: FileCall) -> None:
        self._trace.record(
            call.operation,
            call.path,
            time_s=call.time_s,
            data=call.data,
            number=call.errno,
            pid=pid,
            comm=call.comm,
        )

    def _visible_path(self, path: str) -> str | None:
        """Return the path that programs see; None: do not record it."""
        name, _, rest = path[1:].partition("/")
        if name == _MACHINE_PROC:
            is_simulated = self._proc.root.child(rest.partition("/")[0]) is not None
            return f"/proc/{rest}" if rest and is_simulated else None
        mount_point = _MOUNT_POINTS.get(name)
        return None if mount_point is None else f"{mount_point}/{rest}".rstrip("/")
