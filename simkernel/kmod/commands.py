"""The commands by name, for the tiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from simkernel.kmod import depmod_command, insmod, lsmod, modinfo, modprobe, rmmod
from simkernel.kmod.context import CommandResult, Context
from simkernel.kmod.process import ExitCommand, Process, Streams

__all__ = ["commands", "is_command", "run", "run_process"]

_COMMANDS: Final[Mapping[str, Callable[[Process], int]]] = {
    "depmod": depmod_command.main,
    "insmod": insmod.main,
    "lsmod": lsmod.main,
    "modinfo": modinfo.main,
    "modprobe": modprobe.main,
    "rmmod": rmmod.main,
}
_DIRECTORIES: Final = ("", "/sbin/", "/usr/sbin/", "/bin/", "/usr/bin/")


def commands() -> tuple[str, ...]:
    """Return the names of the commands, sorted."""
    return tuple(sorted(_COMMANDS))


def is_command(name: str) -> bool:
    """Tell whether a name or path is one of the commands."""
    directory, slash, base = name.rpartition("/")
    return base in _COMMANDS and directory + slash in _DIRECTORIES


def run(argv: Sequence[str], context: Context) -> CommandResult:
    """Run a command on a host and return its result.

    :param argv: the command as typed, bare or as a path, then its arguments.
    :raises KeyError: ``argv[0]`` is none of the commands.
    """
    streams = Streams()
    process = Process(argv, context, dict(context.environment), streams, run_process)
    returncode = run_process(process)
    if returncode is None:
        raise KeyError(argv[0])
    return CommandResult(
        returncode=returncode,
        stdout=bytes(streams.stdout),
        stderr=bytes(streams.stderr),
    )


def run_process(process: Process) -> int | None:
    """Run a command; return its exit status, None: unknown."""
    if not is_command(process.argv[0]):
        return None
    try:
        return _COMMANDS[process.name](process)
    except ExitCommand as exc:
        return exc.returncode
    finally:
        process.flush()
