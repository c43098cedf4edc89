"""The ``resolver`` command: arguments in; text, JSON and an exit code out.

One module a subcommand, imported when it is called: ``--help`` and ``resolve`` are not
to wait for what binds devices.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from resolver.cli.invocation import Invocation
from resolver.cli.options import common
from resolver.errors import FailedError, ResolverError

__all__ = ["main"]

_COMMANDS = (
    "bind",
    "boot",
    "devices",
    "doctor",
    "explain",
    "lint",
    "resolve",
    "restore",
    "status",
    "unbind",
    "unpersist",
)


class _Commands(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{name}").command
        return command


@click.command(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="simkernel", prog_name="resolver")
@common
@click.pass_context
def cli(context: click.Context) -> None:
    """Find, bind and give back the best VFIO driver of a PCI device.

    DEVICE is an address (0000:3b:00.2 or 3b:00.2), pci_0000_3b_00_2, a path below
    /sys, the name of a network interface, or vendor:device (15b3:101e). Several are a
    pattern of addresses or interfaces (3b:00.*), id:15b3:101e, class:net, vfs:ens1np0
    for all virtual functions of a physical one, or - for words from stdin.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


def main() -> None:
    """Run the command and exit with its code; never with a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; ``report`` says what it means."""
    call = Invocation()
    try:
        stopped = cli.main(
            list(arguments), prog_name="resolver", standalone_mode=False, obj=call
        )
        code = stopped if isinstance(stopped, int) else call.exit_code
    except click.UsageError as problem:
        usage = problem.ctx.get_usage() + "\n" if problem.ctx else ""
        call.console.talk(f"{usage}error: {problem.format_message()}")
        code = problem.exit_code
    except (click.Abort, KeyboardInterrupt):
        call.console.talk("error: interrupted")
        code = 130
    except ResolverError as problem:
        call.console.error(problem)
        code = problem.exit_code
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        call.console.error(FailedError(f"{where}{problem.strerror}"))
        code = 1
    call.console.flush()
    return code or (141 if call.console.is_unread else 0)
