"""A simulated host on which any program can be started."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from ctypes import CDLL

from simkernel.errors import UsageError
from simkernel.filesystems.node import Stay
from simkernel.filesystems.tree import Tree
from simkernel.fronts.fuse.sandbox.places import Places, proc_of_machine, trees_of
from simkernel.fronts.fuse.sandbox.process import Process, Sandbox
from simkernel.fronts.fuse.sandbox.programs import Programs
from simkernel.fronts.fuse.sandbox.requirements import (
    UnavailableError,
    failure,
    find_library,
)
from simkernel.fronts.fuse.sandbox.udev import start_udev
from simkernel.fronts.fuse.server.calls import Calls
from simkernel.fronts.fuse.server.kernel_lock import Turn
from simkernel.fronts.fuse.server.view import View
from simkernel.fronts.fuse.tracing import TracedView
from simkernel.fronts.trace import Trace
from simkernel.host.host import Host
from simkernel.model.core.notifier import Change, Kind, Notice, Observer

__all__ = ["FuseHost"]

_OF_ROOT = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where root finds programs, too; whoever starts one here is root there."""


class _StaleNames(Observer):
    """Collects which names became stale since the last invalidation."""

    def __init__(self) -> None:
        self._stale: Stay | None = None

    def changed(self, notice: Notice) -> None:
        """Count a device's path as stale when the device comes or goes."""
        is_path = notice.kind is Kind.DEVICE and notice.change is not Change.CHANGED
        stale = Stay.WITH_DEVICES if is_path else Stay.BRIEFLY
        self._stale = max(stale, self._stale or Stay.BRIEFLY)

    def take(self) -> Stay | None:
        """Return the longest-lived kind of stale name and start anew; None: none."""
        stale, self._stale = self._stale, None
        return stale


class FuseHost:
    """A host, up from when its block is entered until it is left.

    :param make: returns the host; called when the namespaces are under way already.
    :param trace: what programs do on the host is written there.
    :param udev: the machine's udevd runs on the host, not the scenario's stand-in;
        programs have no network but their own.
    :param sandbox: the namespaces, if they are being made already; they are closed with
        the host.
    :ivar host: the host, once it is up.
    :ivar turn: the right to look at its kernel, or to change it.
    :raises UnavailableError: the machine does not allow it.
    """

    host: Host
    turn: Turn

    def __init__(
        self,
        make: Callable[[], Host],
        trace: Trace | None = None,
        *,
        udev: bool = False,
        sandbox: Sandbox | None = None,
    ) -> None:
        self._make = make
        self._begun = sandbox
        self._trace = trace
        self._udev = udev
        self._stack = ExitStack()
        self._stale_names = _StaleNames()

    def __enter__(self) -> FuseHost:
        """Bring the host up."""
        library = find_library()
        with self._stack:
            self._sandbox = self._begun or Sandbox()
            self._stack.callback(self._sandbox.close)
            self.host = self._make()
            if self._udev:
                self.host.stop_udev()
            self.turn = Turn(self.host.kernel)
            calls = Calls(self.turn, self.host.syscalls(), self._trace)
            self._stack.callback(calls.close)
            self._lay_out(library)
            self._sandbox.on_call = calls.answer
            self._sandbox.listen()
            self._stack.callback(self._sandbox.kill_programs)
            if self._udev:
                start_udev(self)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *unused: object) -> None:
        """Take the host down, and everything that still runs on it."""
        self._stack.close()

    def _lay_out(self, library: CDLL) -> None:
        """Have the namespaces made, and the host's files in them."""
        trees = trees_of(self.host)
        places = Places(self.host, trees)
        files = places.plain_files()
        (device,) = self._sandbox.expect("device")
        with ExitStack() as unserved:
            unserved.callback(os.close, device)
            for machine in self._sandbox.expect("mounted"):
                self._stack.callback(os.close, machine)
                trees["machine"] = proc_of_machine(machine, trees["proc"])
            self._view = self._make_view(trees)
            self._serve(device, library)
            unserved.pop_all()
        self._shows_vfio = self.host.kernel.vfio.present
        message = places.message() | {
            "own_network": self._udev,
            "vfio": self._shows_vfio,
        }
        self._sandbox.say(message, files)
        self._sandbox.expect("up")
        if isinstance(self._view, TracedView):
            self._view.is_up = True

    def _serve(self, device: int, library: CDLL) -> None:
        """Answer who looks at the kernel's files, from now on."""
        from simkernel.fronts.fuse.server.filesystem import Filesystem

        self._filesystem = Filesystem(
            self._view, device, library, keeps_names=self._trace is None
        )
        self._filesystem.start()
        # In the end, all programs are killed; then those go that waited for the
        # kernel, and the namespaces; then the mounts.
        self._stack.callback(self._filesystem.stop)
        self._stack.callback(self._sandbox.close)
        self._stack.callback(self.turn.end)
        self.turn.waiting = self._filesystem.waiting
        self.turn.on_change = self._tell_what_changed
        self.host.kernel.notifier.subscribe(self._stale_names)

    def _tell_what_changed(self) -> None:
        """Invalidate cached names."""
        gone = self._stale_names.take()
        if gone is None:
            return
        self._view.forget(gone)
        self._filesystem.forget(gone)
        present = self.host.kernel.vfio.present
        if present != self._shows_vfio:
            self._shows_vfio = present
            with suppress(OSError):  # at the end, nobody is left to be told
                self._sandbox.say({"say": "vfio", "present": present})

    def _make_view(self, trees: Mapping[str, Tree]) -> View:
        from simkernel.fronts.fuse.server.filesystem import caller

        if self._trace is None:
            return View(trees, self.turn)
        programs = Programs()

        def who() -> tuple[int, str | None]:
            return programs.process(caller())

        view = TracedView(trees, self.turn, self._trace, who)
        self._stack.callback(view.finish)
        return view

    def start(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        streams: tuple[int, int, int] = (0, 1, 2),
        ignored_signals: Sequence[int] = (),
        blocked_signals: Sequence[int] = (),
    ) -> Process:
        """Start a program on the host, as root.

        :param environment: instead of this process's; the scenario's is added.
        :param folder: where it runs; without it, where this process is.
        :param streams: descriptors for its input, output and error.
        """
        variables = dict(os.environ if environment is None else environment)
        search = variables.get("PATH", os.defpath).split(os.pathsep)
        search += [one for one in _OF_ROOT if one not in search]
        variables["PATH"] = os.pathsep.join(search)
        return self._sandbox.start(
            {
                "argv": list(argv),
                "environment": variables | self.host.environment,
                "folder": folder or os.getcwd(),
                "search": [os.path.dirname(sys.executable), *search],
                "ignored_signals": list(ignored_signals),
                "blocked_signals": list(blocked_signals),
            },
            streams,
        )

    def wait(self, process: Process) -> int:
        """Wait for a program's end and return its exit code, or minus its signal.

        :raises UsageError: there is no such program.
        :raises UnavailableError: the machine did not allow it to start.
        """
        process.wait()
        if process.failed is not None:
            step, errno = process.failed["step"], process.failed["errno"]
            if step.startswith(("run ", "change to ")):
                raise UsageError(f"cannot {step}: {os.strerror(errno)}")
            raise failure(step, errno)
        if process.lost:
            raise UnavailableError(
                "everything on the simulated host was ended from outside",
                "its first process was killed, perhaps for want of memory: try again",
            )
        return process.returncode or 0
