"""The ``resolver`` command: arguments in; text, JSON and an exit code out.

Each subcommand is a module, imported when it is called: ``--help`` and ``resolve`` do
not wait for the modules that bind devices.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from resolver.cli.invocation import Invocation
from resolver.cli.options import common
from resolver.errors import FailedError, ResolverError, UsageError
from resolver.linux import reserve_standard
from resolver.suggest import did_you_mean

__all__ = ["main"]

_SECTIONS = {
    "Common commands": ("devices", "bind", "restore"),
    "Other commands": (
        "boot",
        "doctor",
        "explain",
        "lint",
        "resolve",
        "status",
        "unbind",
        "unpersist",
    ),
}
_COMMANDS = sorted(name for names in _SECTIONS.values() for name in names)
_HELP = """\
Bind PCI devices to their best VFIO driver, and restore them.

\b
DEVICE is one device:
  0000:3b:00.2, 3b:00.2    an address
  pci_0000_3b_00_2         an address, as libvirt writes it
  ens1f0                   the name of a network interface
  15b3:101e                vendor:device, if only one device has it
  /sys/devices/...         a path below /sys

\b
or several:
  '3b:00.*', 'ens1*'       a pattern of addresses or interfaces
  class:net                all devices of a class
  id:15b3:101e             all devices with this vendor:device
  vfs:ens1np0              all virtual functions of a physical function
  -                        one word a line, from stdin
"""
_EXAMPLES = """\b
Examples:
  resolver devices
  resolver bind 0000:3b:00.2
  resolver bind --dry-run vfs:ens1np0
  resolver restore --all
"""
_OF_STDOUT = (errno.EBADF, errno.EIO, errno.ENOSPC)


class _Commands(click.Group):
    """Subcommands, the most common ones first."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{name}").command
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        is_unknown = not name.startswith("-") and name not in _COMMANDS
        if is_unknown and not context.resilient_parsing:  # that is shell completion
            raise UsageError(
                f"unknown command {name!r}",
                hint=did_you_mean(name, _COMMANDS, "run `resolver --help`"),
            )
        return super().resolve_command(context, arguments)

    def format_commands(
        self, context: click.Context, formatter: click.HelpFormatter
    ) -> None:
        width = max(map(len, _COMMANDS))
        for title, names in _SECTIONS.items():
            commands = (self.get_command(context, name) for name in names)
            rows = [
                (f"{one.name:<{width}}", one.get_short_help_str(formatter.width))
                for one in commands
                if one is not None
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


@click.command(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="COMMAND [ARGS]...",
    help=_HELP,
    epilog=_EXAMPLES,
)
@click.version_option(package_name="simkernel", prog_name="resolver")
@common
@click.pass_context
def cli(context: click.Context) -> None:
    """Run a subcommand; without one, print the help."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


def main() -> None:
    """Run the command and exit with its code; never with a traceback."""
    reserve_standard()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; see ``docs/exit-codes.md``."""
    call = Invocation()
    try:
        stopped = cli.main(
            list(arguments), prog_name="resolver", standalone_mode=False, obj=call
        )
        code = stopped if isinstance(stopped, int) else call.exit_code
    except click.UsageError as problem:
        usage = problem.ctx.get_usage() + "\n" if problem.ctx else ""
        call.console.talk(f"{usage}error: {_message(problem)}")
        code = problem.exit_code
    except (click.Abort, KeyboardInterrupt):
        call.console.talk("error: interrupted")
        code = 130
    except ResolverError as problem:
        call.console.error(problem)
        code = problem.exit_code
    except OSError as problem:
        code = _of_system(call, problem)
    call.console.flush()
    return code or (141 if call.console.is_unread else 0)


# click prints the help by itself. A file of the host has a name, stdout has none.
def _of_system(call: Invocation, problem: OSError) -> int:
    if problem.filename is None and problem.errno in _OF_STDOUT:
        call.console.lose(problem)
        return 0
    where = f"{problem.filename}: " if problem.filename else ""
    call.console.error(FailedError(f"{where}{problem.strerror}"))
    return 1


# click finds close options, and puts all of them into the message.
def _message(problem: click.UsageError) -> str:
    if not isinstance(problem, click.NoSuchOption):
        return problem.format_message()
    hint = did_you_mean(problem.option_name, problem.possibilities or ())
    return f"unknown option {problem.option_name}" + (f"\nhint: {hint}" if hint else "")
