"""The ``simkernel`` command; one module for each of its subcommands."""

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

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="simkernel")
def cli() -> None:
    """A kernel to test driver-binding tools on, without hardware."""


for command in (list_command, record, run, shell, show, try_, verify):
    cli.add_command(command)


def main() -> None:
    """Run the command line; every expected error becomes a message and exit code 2."""
    try:
        cli(prog_name="simkernel")
    except SimkernelError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
