"""A simulated host that starts any program."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from ctypes import CDLL

from simkernel.errors import UsageError
from simkernel.filesystems.tree import Tree
from simkernel.fronts.fuse.sandbox.mount_plan import (
    MountPlan,
    linked_proc,
    served_trees,
)
from simkernel.fronts.fuse.sandbox.process import Sandbox, SandboxProcess
from simkernel.fronts.fuse.sandbox.requirements import (
    UnavailableError,
    failure,
    find_library,
)
from simkernel.fronts.fuse.sandbox.udev import start_udev
from simkernel.fronts.fuse.server.kernel_lock import KernelLock
from simkernel.fronts.fuse.server.name_cache import StaleNames
from simkernel.fronts.fuse.server.system_calls import SystemCalls
from simkernel.fronts.fuse.server.view import View
from simkernel.fronts.tracing.fuse import FuseTracer
from simkernel.fronts.tracing.processes import ProcessTable
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.host import Host

__all__ = ["FuseHost"]

_ROOT_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Added to PATH, since programs run as root on the host."""


class FuseHost:
    """A simulated host, as a context manager.

    The host runs while the block runs.

    :param make_host: returns the host; runs while the namespaces are being made.
    :param trace: records what programs do on the host.
    :param udev: run the machine's udevd on the host instead of the scenario's stand-in.
        Programs then have a private network namespace.
    :param sandbox: namespaces that are being made already; closed with the host.
    :ivar host: the host inside the block.
    :ivar kernel_lock: lock of its kernel.
    :raises UnavailableError: the machine does not support the fuse tier.
    """

    host: Host
    kernel_lock: KernelLock

    def __init__(
        self,
        make_host: Callable[[], Host],
        trace: Trace | None = None,
        *,
        udev: bool = False,
        sandbox: Sandbox | None = None,
    ) -> None:
        self._make_host = make_host
        self._started_sandbox = sandbox
        self._trace = trace
        self._udev = udev
        self._stack = ExitStack()
        self._stale_names = StaleNames()

    def __enter__(self) -> FuseHost:
        """Start the host."""
        library = find_library()
        with self._stack:
            self._sandbox = self._started_sandbox or Sandbox()
            self._stack.callback(self._sandbox.close)
            self.host = self._make_host()
            if self._udev:
                self.host.stop_udev()
            self.kernel_lock = KernelLock(self.host.kernel)
            calls = SystemCalls(self.kernel_lock, self.host.syscalls(), self._trace)
            self._stack.callback(calls.close)
            self._mount(library)
            self._sandbox.on_call = calls.carry_out
            self._sandbox.start_receiving()
            self._stack.callback(self._sandbox.kill_programs)
            if self._udev:
                start_udev(self)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *unused: object) -> None:
        """Stop the host and every program on it."""
        self._stack.close()

    def _mount(self, library: CDLL) -> None:
        """Mount the host's files in the namespaces."""
        trees = served_trees(self.host)
        plan = MountPlan(self.host, trees)
        files = plan.plain_files()
        (device,) = self._sandbox.expect("device")
        with ExitStack() as unserved:
            unserved.callback(os.close, device)
            for machine_proc in self._sandbox.expect("mounted"):
                self._stack.callback(os.close, machine_proc)
                trees["machine"] = linked_proc(machine_proc, trees["proc"])
            self._view = View(trees, self.kernel_lock)
            tracer = self._make_tracer(trees["proc"])
            self._serve(device, library)
            unserved.pop_all()
        self._shows_vfio = self.host.kernel.vfio.present
        message = plan.message() | {
            "private_network": self._udev,
            "vfio": self._shows_vfio,
        }
        self._sandbox.send(message, files)
        self._sandbox.expect("ready")
        if tracer is not None:
            tracer.attach(self._view)

    def _serve(self, device: int, library: CDLL) -> None:
        """Start to answer FUSE requests."""
        from simkernel.fronts.fuse.server.filesystem import Filesystem

        self._filesystem = Filesystem(
            self._view, device, library, caches_names=self._trace is None
        )
        self._filesystem.start()
        # On exit, in reverse order: kill all programs; fail the operations that wait
        # for the kernel's clock; end the namespaces; wait for the last unmount.
        self._stack.callback(self._filesystem.join)
        self._stack.callback(self._sandbox.close)
        self._stack.callback(self.kernel_lock.shut_down)
        self.kernel_lock.while_sleeping = self._filesystem.blocking
        self.kernel_lock.on_change = self._invalidate_names
        self.host.kernel.notifier.subscribe(self._stale_names)

    def _invalidate_names(self) -> None:
        """Invalidate cached names, and mount or unmount ``/dev/vfio``."""
        stale = self._stale_names.take()
        if stale is None:
            return
        self._view.invalidate(stale)
        self._filesystem.invalidate_names(stale)
        present = self.host.kernel.vfio.present
        if present != self._shows_vfio:
            self._shows_vfio = present
            with suppress(OSError):  # the sandbox has ended
                self._sandbox.send({"type": "vfio", "present": present})

    def _make_tracer(self, proc: Tree) -> FuseTracer | None:
        from simkernel.fronts.fuse.server.filesystem import calling_thread

        if self._trace is None:
            return None
        processes = ProcessTable()
        tracer = FuseTracer(
            self._trace, lambda: processes.process(calling_thread()), proc
        )
        self._stack.callback(tracer.finish)
        return tracer

    def start(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        streams: tuple[int, int, int] = (0, 1, 2),
        ignored_signals: Sequence[int] = (),
        blocked_signals: Sequence[int] = (),
    ) -> SandboxProcess:
        """Start a program on the host, as root.

        :param environment: variables [default: this process's]; the scenario's
            variables are added.
        :param folder: working directory [default: this process's].
        :param streams: descriptors of its standard input, output and error.
        """
        variables = dict(os.environ if environment is None else environment)
        search = variables.get("PATH", os.defpath).split(os.pathsep)
        search += [one for one in _ROOT_PATH if one not in search]
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

    def wait(self, process: SandboxProcess) -> int:
        """Wait for a program; return its exit code or minus signal.

        :raises UsageError: the command does not exist or cannot be run.
        :raises UnavailableError: the machine does not support the fuse tier.
        """
        process.wait()
        if process.failed is not None:
            step, errno = process.failed["step"], process.failed["errno"]
            if step.startswith(("run ", "change to ")):
                raise UsageError(f"cannot {step}: {os.strerror(errno)}")
            raise failure(step, errno)
        if process.lost:
            raise UnavailableError(
                "all processes of the simulated host were killed from outside",
                "run it again; if it fails again, look for the OOM killer in dmesg",
            )
        return process.returncode or 0
