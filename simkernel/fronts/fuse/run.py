"""``simkernel run`` on the fuse tier: one command on a host."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simkernel.fronts.fuse.sandbox.process import Sandbox, SandboxProcess
from simkernel.fronts.fuse.sandbox.requirements import find_library

if TYPE_CHECKING:
    from simkernel.fronts.tracing.trace import Trace
    from simkernel.host.host import Host

__all__ = ["run"]

_STOPPING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
"""Ignored: this process stops after the command has stopped."""
_FORWARDED = signal.valid_signals() - {
    *_STOPPING,
    signal.SIGCHLD,
    signal.SIGKILL,
    signal.SIGSTOP,
    # faults of this process itself
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGPIPE,
    signal.SIGSEGV,
    signal.SIGTRAP,
}
_IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}
"""Python ignores them when it starts; its parent process did not."""
_SI_KERNEL = 0x80
"""Sent by a terminal, which sends it to the command as well."""


def run(
    make_host: Callable[[], Host],
    argv: Sequence[str],
    trace: Trace | None = None,
    *,
    udev: bool = False,
) -> int:
    """Run a command on a simulated host and return its exit code.

    Forwards signals to the command. If a signal ends the command, this process ends by
    the same signal.

    :param make_host: returns the host.
    :param trace: records what the command does on the host.
    :param udev: run the machine's udevd on the host.
    :raises UsageError: the command does not exist or cannot be run.
    :raises UnavailableError: the machine does not support the fuse tier.
    """
    find_library()
    with closing(Sandbox()) as sandbox:
        code = _exit_code(make_host, argv, trace, sandbox, udev=udev)
    if code < 0:
        _kill_self(-code)
    return code


def _exit_code(
    make_host: Callable[[], Host],
    argv: Sequence[str],
    trace: Trace | None,
    sandbox: Sandbox,
    *,
    udev: bool,
) -> int:
    """Return a command's exit code, or minus its signal."""
    # Import it here: meanwhile, another process makes the namespaces.
    from simkernel.fronts.fuse.host import FuseHost

    with (
        FuseHost(make_host, trace, udev=udev, sandbox=sandbox) as host,
        _blocked_signals() as signals,
    ):
        process = host.start(
            argv,
            ignored_signals=signals.ignored,
            blocked_signals=signals.blocked,
        )
        with _forwarded_signals(process):
            return host.wait(process)


@dataclass(frozen=True, slots=True)
class _Signals:
    """Signals that the command inherits as ignored or blocked."""

    ignored: list[int]
    blocked: list[int]


@contextmanager
def _blocked_signals() -> Iterator[_Signals]:
    """Block the signals to forward while the block runs."""
    ignored = [
        int(number)
        for number in signal.valid_signals()
        if signal.getsignal(number) == signal.SIG_IGN
        and number not in _IGNORED_BY_PYTHON
    ]
    before = {number: signal.getsignal(number) for number in _STOPPING}
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    try:
        yield _Signals(ignored, [int(number) for number in blocked])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, action in before.items():
            signal.signal(number, action)


@contextmanager
def _forwarded_signals(process: SandboxProcess) -> Iterator[None]:
    """Forward signals to a command, and stop when it stops."""
    is_over = threading.Event()

    def forward() -> None:
        while True:
            info = signal.sigwaitinfo(_FORWARDED)
            if is_over.is_set():
                return
            if info.si_code != _SI_KERNEL or info.si_signo == signal.SIGCONT:
                process.send_signal(info.si_signo)

    process.on_stop = lambda: os.kill(os.getpid(), signal.SIGSTOP)
    thread = threading.Thread(target=forward, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        signal.pthread_kill(thread.ident or 0, signal.SIGCONT)
        thread.join()


def _kill_self(number: int) -> None:
    """End this process by a signal, without a core dump."""
    sys.stdout.flush()
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)
