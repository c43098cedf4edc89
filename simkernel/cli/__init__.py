"""The ``simkernel`` command, one module for each subcommand."""

from __future__ import annotations

import sys

import click

from simkernel.cli.list_command import list_command
from simkernel.cli.record import record
from simkernel.cli.run import run
from simkernel.cli.shell import shell
from simkernel.cli.show import show
from simkernel.cli.try_command import try_
from simkernel.cli.verify import verify
from simkernel.errors import SimkernelError
from simkernel.suggest import did_you_mean

__all__ = ["main"]

_SECTIONS = {
    "Common commands": (run, list_command, show),
    "Other commands": (shell, record, try_, verify),
}
_EXAMPLES = """\b
Examples:
  simkernel list
  simkernel run mlx5_vfio_pci -- resolver bind 0000:3b:00.2
  simkernel show --tree mlx5_vfio_pci
"""


class _Commands(click.Group):
    """Subcommands, the most common ones first."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names.

        :raises click.UsageError: there is no such command.
        """
        name = args[0]
        if not name.startswith("-") and name not in self.commands:
            ctx.fail(f"unknown command '{name}'{did_you_mean(name, self.commands)}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the summary of each command, whole."""
        width = max(map(len, self.commands))
        for title, commands in _SECTIONS.items():
            rows = [
                (f"{one.name:<{width}}", one.get_short_help_str(limit=formatter.width))
                for one in commands
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXAMPLES,
)
@click.version_option(package_name="simkernel")
def cli() -> None:
    """Test driver-binding tools on a simulated kernel.

    A scenario describes a host: its PCI devices, IOMMU groups, drivers and modules. A
    command that runs there sees the files of that host, such as /sys and /lib/modules.
    """


for _commands in _SECTIONS.values():
    for _command in _commands:
        cli.add_command(_command)


def main() -> None:
    """Run the command line; exit 2 on an expected error."""
    try:
        cli(prog_name="simkernel")
    except SimkernelError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
