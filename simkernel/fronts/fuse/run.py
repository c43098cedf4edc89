"""``simkernel run`` on the fuse tier: one command, as if it ran by itself."""

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

from simkernel.fronts.fuse.sandbox.process import Process, Sandbox
from simkernel.fronts.fuse.sandbox.requirements import find_library

if TYPE_CHECKING:
    from simkernel.fronts.trace import Trace
    from simkernel.host.host import Host

__all__ = ["run"]

_STOPPING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
"""This process stops when the command has stopped, not before."""
_PASSED_ON = signal.valid_signals() - {
    *_STOPPING,
    signal.SIGCHLD,
    signal.SIGKILL,
    signal.SIGSTOP,
    # about this process itself
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGPIPE,
    signal.SIGSEGV,
    signal.SIGTRAP,
}
_PYTHON_IGNORES = {signal.SIGPIPE, signal.SIGXFSZ}
"""Python does so at its start; whoever started it had them as usual."""
_FROM_KERNEL = 0x80
"""SI_KERNEL: a terminal has sent it, and to the command as well."""


def run(
    make: Callable[[], Host],
    argv: Sequence[str],
    trace: Trace | None = None,
    *,
    udev: bool = False,
) -> int:
    """Run a command on a simulated host and return its exit code.

    Signals to this process go to the command. If a signal ends the command, the same
    one ends this process.

    :param make: returns the host.
    :param trace: what the command does on the host is written there.
    :param udev: the machine's udevd runs on the host.
    :raises UsageError: there is no such command.
    :raises UnavailableError: the machine does not allow it.
    """
    find_library()
    with closing(Sandbox()) as sandbox:
        code = _code_of(make, argv, trace, sandbox, udev=udev)
    if code < 0:
        _end_by(-code)
    return code


def _code_of(
    make: Callable[[], Host],
    argv: Sequence[str],
    trace: Trace | None,
    sandbox: Sandbox,
    *,
    udev: bool,
) -> int:
    """Return a command's exit code, or minus its signal."""
    # The namespaces are made while the simulated kernel is imported.
    from simkernel.fronts.fuse.sandbox.host import FuseHost

    with (
        FuseHost(make, trace, udev=udev, sandbox=sandbox) as host,
        _signals_set_aside() as signals,
    ):
        process = host.start(
            argv,
            ignored_signals=signals.ignored,
            blocked_signals=signals.blocked,
        )
        with _passing_signals_to(process):
            return host.wait(process)


@dataclass(frozen=True, slots=True)
class _Signals:
    """What the command shall find as this process found it."""

    ignored: list[int]
    blocked: list[int]


@contextmanager
def _signals_set_aside() -> Iterator[_Signals]:
    """Let no signal reach this process by itself while the block runs."""
    ignored = [
        int(number)
        for number in signal.valid_signals()
        if signal.getsignal(number) == signal.SIG_IGN and number not in _PYTHON_IGNORES
    ]
    before = {number: signal.getsignal(number) for number in _STOPPING}
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    try:
        yield _Signals(ignored, [int(number) for number in blocked])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, action in before.items():
            signal.signal(number, action)


@contextmanager
def _passing_signals_to(process: Process) -> Iterator[None]:
    """Pass signals on to a command while the block runs, and stop when it stops."""
    over = threading.Event()

    def pass_on() -> None:
        while True:
            info = signal.sigwaitinfo(_PASSED_ON)
            if over.is_set():
                return
            if info.si_code != _FROM_KERNEL or info.si_signo == signal.SIGCONT:
                process.send_signal(info.si_signo)

    process.on_stop = lambda: os.kill(os.getpid(), signal.SIGSTOP)
    thread = threading.Thread(target=pass_on, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        signal.pthread_kill(thread.ident or 0, signal.SIGCONT)
        thread.join()


def _end_by(number: int) -> None:
    """End this process by a signal, leaving no core of it."""
    sys.stdout.flush()
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)
