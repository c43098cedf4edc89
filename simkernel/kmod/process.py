"""A running command: arguments, environment, output."""

from __future__ import annotations

import errno
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from simkernel.kmod.context import Context

__all__ = ["ExitCommand", "Process", "Runner", "Severity", "Streams"]


class Severity(IntEnum):
    """Priority of a message, as in syslog(3); 0 is most severe."""

    EMERGENCY = 0
    ALERT = 1
    FATAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


class ExitCommand(Exception):
    """A command ends before its last line.

    :param returncode: its exit status.
    """

    def __init__(self, returncode: int) -> None:
        super().__init__(returncode)
        self.returncode = returncode


@dataclass(slots=True)
class Streams:
    """The output of a command and of the commands that it starts."""

    stdout: bytearray = field(default_factory=bytearray)
    """Standard output, a pipe."""
    stderr: bytearray = field(default_factory=bytearray)
    """Standard error."""


class Process:
    """A command while it runs.

    :param argv: name as typed, then the arguments.
    :param environment: its own copy of the environment, which it may change.
    :param runner: runs the commands that this one starts.
    """

    def __init__(
        self,
        argv: Sequence[str],
        context: Context,
        environment: MutableMapping[str, str],
        streams: Streams,
        runner: Runner,
    ) -> None:
        self.argv = list(argv)
        self.context = context
        self.environment = environment
        self.streams = streams
        self.runner = runner
        self.severity = Severity.WARNING
        """Least severe level that is printed."""
        self.to_syslog = False
        """Send messages to the system log, which is discarded."""
        self._pending = ""

    @property
    def name(self) -> str:
        """Name of the command without its directory."""
        return self.argv[0].rpartition("/")[2]

    def absolute(self, path: str) -> str:
        """Return a path as seen from the root."""
        if path.startswith("/"):
            return path
        return f"{self.context.directory.rstrip('/')}/{path}"

    def print(self, text: str, end: str = "\n") -> None:
        """Buffer a text for standard output until the next flush."""
        self._pending += text + end

    def flush(self) -> None:
        """Write the buffered text to standard output."""
        self.streams.stdout += self._pending.encode("utf-8", "surrogateescape")
        self._pending = ""

    def write_error(self, text: str) -> None:
        """Write to standard error as it is."""
        self.streams.stderr += text.encode("utf-8", "surrogateescape")

    def log(self, severity: Severity, text: str, *, end: str = "\n") -> None:
        """Write a message of the command.

        :raises ExitCommand: a fatal message that is not suppressed ends the command.

        Source: tools/log.c log_printf().
        """
        if severity > self.severity:
            return
        if not self.to_syslog:
            self.write_error(f"{self.name}: {severity.name}: {text}{end}")
        if severity <= Severity.FATAL:
            raise ExitCommand(1)

    def log_library(
        self, severity: Severity, place: tuple[str, int, str], text: str
    ) -> None:
        """Write a message of libkmod, with the place in its source.

        :param place: file without suffix, line, function.

        Source: tools/log.c log_kmod(); Debian builds kmod with debug messages.
        """
        if severity > self.severity or self.to_syslog:
            return
        file, line, function = place
        where = f"../libkmod/{file}.c:{line} {function}()"
        self.write_error(f"{self.name}: {severity.name}: {where} {text}\n")

    def init_module(self, image: bytes, parameters: str) -> None:
        """Load a module as the user of the command.

        :raises OSError: as the system call.
        """
        self._require_privilege()
        self.context.syscalls.init_module(image, parameters)

    def delete_module(self, name: str, *, force: bool) -> None:
        """Unload a module as the user of the command.

        :raises OSError: as the system call.
        """
        self._require_privilege()
        self.context.syscalls.delete_module(name, force=force)

    def _require_privilege(self) -> None:
        # Source: kernel/module/main.c may_init_module(), delete_module().
        if self.context.uid != 0:
            raise PermissionError(errno.EPERM, "Operation not permitted")


Runner = Callable[[Process], "int | None"]
"""Runs a process to its end; returns its exit status, None: no such command."""
